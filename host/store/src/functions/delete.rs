//! Takes a function out of service; its revisions and records stay.

use host_core::{Name, ports::DeployError};
use serde_json::json;

use super::{named, route};
use crate::{
    Store,
    audit::Deed,
    events,
    generation::{self, Of},
    occasions,
    sql::args,
};

pub(super) async fn delete(store: &Store, project: &Name, function: &Name, who: &str) -> Result<(), DeployError> {
    let mut tx = store.begin().await?;
    generation::grow(&mut tx, Of::Functions).await?;
    let now = tx.now().await?;
    let update = "UPDATE function SET active = NULL WHERE project = $1 AND name = $2 AND active IS NOT NULL";
    if tx.execute(update, args![project, function]).await? == 0 {
        return Err(DeployError::NotFound(named(project, function)));
    }
    occasions::forget(&mut tx, occasions::Of::Function, project, function).await?;
    route::release(&mut tx, project, function).await?;
    let deed = Deed { who, action: "function.deleted", project, subject: function.as_str() };
    deed.record(&mut tx, now, json!({})).await?;
    events::tell(&mut tx, now, project, "function.deleted", function.as_str(), json!({})).await?;
    tx.commit().await?;
    Ok(())
}
