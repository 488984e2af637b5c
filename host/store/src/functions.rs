//! Functions and their revisions: made once, activated atomically, found by name, number or identity.

mod activate;
mod add;
mod delete;
mod list;
mod route;

pub use list::Activation;

use std::sync::Arc;

use async_trait::async_trait;
use host_core::{
    Name, RevisionId,
    function::{FunctionRef, Revision},
    ports::{DeployError, Deployments, NewRevision},
};

use crate::{
    Store, StoreError,
    sql::{Row, args},
};

/// The columns of a revision; its table goes by `r`.
macro_rules! select_revision {
    ($rest:literal) => {
        concat!(
            "SELECT r.id, r.project, r.function, r.number, r.component, r.component_size, r.manifest, r.entries, ",
            "r.created_by, r.created_at FROM revision r ",
            $rest
        )
    };
}
pub(crate) use select_revision;

/// A revision as it stands in its row.
pub(crate) fn read(row: &Row) -> Result<Arc<Revision>, StoreError> {
    Ok(Arc::new(Revision {
        id: row.get("id")?,
        project: row.get("project")?,
        function: row.get("function")?,
        number: row.get("number")?,
        component: row.get("component")?,
        component_size: row.get("component_size")?,
        manifest: row.json("manifest")?,
        entries: row.json("entries")?,
        created_by: row.get("created_by")?,
        created_at: row.get("created_at")?,
    }))
}

/// `project/function`, or only the function where the project is the default one.
fn named(project: &Name, function: &Name) -> String {
    if *project == Name::default_project() {
        format!("function `{function}`")
    } else {
        format!("function `{function}` of project `{project}`")
    }
}

impl Store {
    /// Lets this host answer as it was just told to. What was told is written by then, so nothing here can fail it.
    async fn follow_deployment(&self) {
        if let Err(error) = self.directory().follow_now().await {
            tracing::warn!(%error, "what was just deployed is not seen yet; it is in a moment");
        }
    }
}

#[async_trait]
impl Deployments for Store {
    async fn add(&self, revision: NewRevision) -> Result<Arc<Revision>, DeployError> {
        Ok(add::add(self, &revision).await?)
    }

    async fn activate(&self, revision: &Revision, who: &str, reason: &str) -> Result<(), DeployError> {
        activate::activate(self, revision, who, reason).await?;
        self.follow_deployment().await;
        Ok(())
    }

    async fn previous(&self, project: &Name, function: &Name) -> Result<Arc<Revision>, DeployError> {
        activate::previous(self, project, function).await
    }

    async fn delete(&self, project: &Name, function: &Name, who: &str) -> Result<(), DeployError> {
        delete::delete(self, project, function, who).await?;
        self.follow_deployment().await;
        Ok(())
    }

    async fn revision(&self, project: &Name, reference: &FunctionRef) -> Result<Arc<Revision>, DeployError> {
        let name = &reference.name;
        let row = match reference.revision {
            Some(number) => {
                let sql = select_revision!("WHERE r.project = $1 AND r.function = $2 AND r.number = $3");
                self.db().row(sql, args![project, name, number]).await?
            }
            None => {
                let sql = select_revision!("JOIN function f ON f.active = r.id WHERE f.project = $1 AND f.name = $2");
                self.db().row(sql, args![project, name]).await?
            }
        };
        let row = row.ok_or_else(|| match reference.revision {
            Some(number) => DeployError::NotFound(format!("revision {number} of {}", named(project, name))),
            None => DeployError::NotFound(named(project, name)),
        })?;
        Ok(read(&row)?)
    }

    async fn revision_by_id(&self, id: RevisionId) -> Result<Arc<Revision>, DeployError> {
        let row = self.db().row(select_revision!("WHERE r.id = $1"), args![id]).await?;
        Ok(read(&row.ok_or_else(|| DeployError::NotFound(format!("revision {id}")))?)?)
    }
}
