//! The release of revisions: verify, prepare, activate, roll back. What fails here leaves what is active alone.

use std::sync::Arc;

use host_core::{
    Digest, Name, RevisionId,
    clock::Clock,
    function::{FunctionRef, Revision},
    manifest::Manifest,
    ports::{
        Artifacts, Deployments, Directory, Inspection, Invoke, NewRevision, NoTriggerCheck, TriggerCheck, check_grants,
    },
};

mod error;
mod follow;

pub use error::Error;
pub use follow::Prepared;

/// What somebody wants deployed.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The project.
    pub project: Name,
    /// The manifest; its name is the function's.
    pub manifest: Manifest,
    /// The component, in the artifact store already.
    pub component: Digest,
    /// Who deploys.
    pub who: String,
    /// Whether it answers from now on, or only when it is activated or called by number.
    pub activate: bool,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Released {
    /// The revision.
    pub revision: Arc<Revision>,
    /// The one that was active before, if any.
    pub previous: Option<Arc<Revision>>,
    /// What its triggers will miss.
    pub warnings: Vec<String>,
}

/// Brings revisions into service and out of it.
pub struct Release {
    artifacts: Arc<dyn Artifacts>,
    deployments: Arc<dyn Deployments>,
    directory: Arc<dyn Directory>,
    invoke: Arc<dyn Invoke>,
    clock: Arc<dyn Clock>,
    triggers: Arc<dyn TriggerCheck>,
}

impl Release {
    /// A release between these rooms.
    #[must_use]
    pub fn new(
        artifacts: Arc<dyn Artifacts>,
        deployments: Arc<dyn Deployments>,
        directory: Arc<dyn Directory>,
        invoke: Arc<dyn Invoke>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { artifacts, deployments, directory, invoke, clock, triggers: Arc::new(NoTriggerCheck) }
    }

    /// The same, where somebody knows what triggers need.
    #[must_use]
    pub fn checked_by(self, triggers: Arc<dyn TriggerCheck>) -> Self {
        Self { triggers, ..self }
    }

    /// Verifies a component against its manifest, compiles it, and makes it the revision that answers.
    ///
    /// # Errors
    /// When the component is missing or unfit, a right or a route is not to be had, or a store fails.
    pub async fn deploy(&self, submission: Submission) -> Result<Released, Error> {
        submission.manifest.check().map_err(Error::Manifest)?;
        let Submission { project, manifest, component, who, activate } = submission;
        let component_size = self.artifacts.size(&component).await?.ok_or(Error::MissingComponent(component))?;
        let inspection = self.inspect(&component).await?;
        check_grants(inspection.imports.iter().map(String::as_str), &manifest)?;
        let entries = inspection.entries;
        let warnings = self.triggers.check(&project, &manifest, entries).await.map_err(Error::Trigger)?;
        let new = NewRevision { project, component, component_size, manifest, entries, created_by: who.clone() };
        self.rehearse(&new).await?;
        let revision = self.deployments.add(new).await?;
        let previous = self.active(&revision.project, &revision.function);
        if activate {
            self.activate_revision(&revision, &who, "deployed").await?;
        }
        Ok(Released { revision, previous, warnings })
    }

    /// Makes a revision the one that answers.
    ///
    /// # Errors
    /// When it does not exist, cannot be loaded, or its routes are taken by now.
    pub async fn activate(&self, project: &Name, function: &FunctionRef, who: &str) -> Result<Released, Error> {
        let revision = self.deployments.revision(project, function).await?;
        let previous = self.active(project, &function.name);
        self.activate_revision(&revision, who, "activated").await?;
        Ok(Released { revision, previous, warnings: Vec::new() })
    }

    /// Makes the revision that was active before the present one answer again.
    ///
    /// # Errors
    /// When there is none, or it cannot be loaded.
    pub async fn rollback(&self, project: &Name, function: &Name, who: &str) -> Result<Released, Error> {
        let previous = self.active(project, function);
        let revision = self.deployments.previous(project, function).await?;
        self.activate_revision(&revision, who, "rolled back").await?;
        Ok(Released { revision, previous, warnings: Vec::new() })
    }

    /// Takes a function out of service; its revisions and records stay.
    ///
    /// # Errors
    /// When it is not in service, or the store fails.
    pub async fn delete(&self, project: &Name, function: &Name, who: &str) -> Result<(), Error> {
        let active = self.active(project, function);
        self.deployments.delete(project, function, who).await?;
        self.directory.refresh().await?;
        if let Some(active) = active {
            self.invoke.retire(active.id);
        }
        Ok(())
    }

    async fn inspect(&self, component: &Digest) -> Result<Inspection, Error> {
        let file = self.artifacts.hold(component).await?;
        Ok(self.invoke.inspect(&file).await?)
    }

    /// Compiles and loads what would be the revision, so that one that cannot be loaded is never made.
    async fn rehearse(&self, new: &NewRevision) -> Result<(), Error> {
        let candidate = Arc::new(Revision {
            id: RevisionId::next(),
            project: new.project.clone(),
            function: new.manifest.name.clone(),
            number: 0,
            component: new.component,
            component_size: new.component_size,
            manifest: new.manifest.clone(),
            entries: new.entries,
            created_by: new.created_by.clone(),
            created_at: self.clock.now(),
        });
        let prepared = self.invoke.prepare(&candidate).await;
        self.invoke.retire(candidate.id);
        Ok(prepared?)
    }

    /// The new revision is loaded before it answers and the old one let go after, so that no call finds neither.
    async fn activate_revision(&self, revision: &Arc<Revision>, who: &str, reason: &str) -> Result<(), Error> {
        self.invoke.prepare(revision).await?;
        let before = self.active(&revision.project, &revision.function);
        self.deployments.activate(revision, who, reason).await?;
        self.directory.refresh().await?;
        if let Some(before) = before.filter(|it| it.id != revision.id) {
            self.invoke.retire(before.id);
        }
        Ok(())
    }

    fn active(&self, project: &Name, function: &Name) -> Option<Arc<Revision>> {
        self.directory.functions().get(project, function).cloned()
    }
}

#[cfg(test)]
mod tests;
