//! Makes a revision the one that answers: routes, history, audit and generation in one transaction.

use std::sync::Arc;

use host_core::{Name, RevisionId, function::Revision, manifest::Trigger, ports::DeployError};
use serde_json::json;
use uuid::Uuid;

use super::{named, read, route, select_revision};
use crate::{
    Store,
    audit::Deed,
    events,
    generation::{self, Of},
    occasions,
    sql::{Tx, args},
};

pub(super) async fn activate(store: &Store, revision: &Revision, who: &str, reason: &str) -> Result<(), DeployError> {
    let mut tx = store.begin().await?;
    // Growing first keeps two hosts from claiming one route at the same moment.
    generation::grow(&mut tx, Of::Functions).await?;
    let now = tx.now().await?;
    let before = active(&mut tx, revision).await?;
    if before == Some(revision.id) {
        return Ok(());
    }
    route::claim(&mut tx, revision).await?;
    let (project, function) = (&revision.project, &revision.function);
    occasions::forget_others(&mut tx, occasions::Of::Function, (project, function), &schedules(revision)).await?;
    let update = "UPDATE function SET active = $1 WHERE project = $2 AND name = $3";
    tx.execute(update, args![revision.id, project, function]).await?;
    let insert = "INSERT INTO activation (id, project, function, revision, activated_at, activated_by, reason) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let id = Uuid::now_v7().to_string();
    tx.execute(insert, args![id, project, function, revision.id, now, who, reason]).await?;
    let details = json!({ "revision": revision.id, "number": revision.number, "before": before, "reason": reason });
    let deed = Deed { who, action: "function.activated", project, subject: function.as_str() };
    deed.record(&mut tx, now, details.clone()).await?;
    events::tell(&mut tx, now, project, "function.activated", function.as_str(), details).await?;
    tx.commit().await?;
    Ok(())
}

/// What its schedules are called.
fn schedules(revision: &Revision) -> Vec<String> {
    let all = revision.manifest.triggers.iter().filter(|it| matches!(it, Trigger::Schedule(_)));
    all.filter_map(|it| it.name().map(str::to_owned)).collect()
}

/// The revision that answers now. The revision to activate must be there.
async fn active(tx: &mut Tx, revision: &Revision) -> Result<Option<RevisionId>, DeployError> {
    let sql = "SELECT f.active FROM function f JOIN revision r ON r.project = f.project AND r.function = f.name WHERE r.id = $1";
    let row = tx.row(sql, args![revision.id]).await?;
    let row = row.ok_or_else(|| DeployError::NotFound(format!("revision {}", revision.id)))?;
    Ok(row.get("active")?)
}

pub(super) async fn previous(store: &Store, project: &Name, function: &Name) -> Result<Arc<Revision>, DeployError> {
    let active = "SELECT active FROM function WHERE project = $1 AND name = $2";
    let row = store.db().row(active, args![project, function]).await?;
    let active: Option<RevisionId> = row.map_or(Ok(None), |row| row.get("active"))?;
    let active = active.ok_or_else(|| DeployError::NotFound(named(project, function)))?;
    let sql = select_revision!(
        "JOIN activation a ON a.revision = r.id WHERE a.project = $1 AND a.function = $2 AND a.revision <> $3 \
         ORDER BY a.activated_at DESC, a.id DESC LIMIT 1"
    );
    let row = store.db().row(sql, args![project, function, active]).await?;
    Ok(read(&row.ok_or_else(|| DeployError::NoEarlier(function.clone()))?)?)
}
