//! Stops a run at once. Whoever still executes a step of it learns so at the next heartbeat.

use host_core::{
    RunId,
    event::{Failure, code},
    pipeline::{Progress, StepState},
    ports::JournalError,
    run::{Run, RunState},
};
use jiff::Timestamp;
use serde_json::{Map, json};

use super::{apply::Applying, lock, records};
use crate::{
    Store, StoreError,
    audit::Deed,
    sql::{Tx, args},
    text,
};

pub(super) async fn cancel(store: &Store, id: RunId, who: &str) -> Result<Run, JournalError> {
    let mut tx = store.begin().await?;
    let mut run = lock(&mut tx, id).await?.ok_or(JournalError::NotFound(id))?;
    match run.state {
        RunState::Running => {}
        RunState::Cancelled => return Ok(run),
        state => return Err(JournalError::State { run: id, state: state.as_str(), wanted: "cancelled" }),
    }
    let now = tx.now().await?;
    let steps = records(&mut tx, id).await?;
    let spec = run.spec.clone();
    let mut progress = Progress::from_records(&spec, &steps);
    progress.cancel();
    // A sweep is running without anybody executing it: its trials are stopped, and then it is.
    let is_executed = |step: &str, trial: Option<u32>| {
        trial.is_some() || spec.pipeline.steps.get(step).is_none_or(|it| it.sweep.is_none())
    };
    for step in steps.iter().filter(|it| it.state == StepState::Running && is_executed(&it.key.step, it.key.trial)) {
        progress.settle(&step.key.step, step.key.trial, StepState::Cancelled, Map::new(), Default::default());
    }
    stop_running(&mut tx, id, now).await?;
    let changes = progress.advance();
    Applying::new(&mut tx, &mut run, &steps, now).all(changes).await?;
    let deed = Deed { who, action: "run.cancelled", project: &spec.project, subject: &id.to_string() };
    deed.record(&mut tx, now, json!({ "name": spec.name() })).await?;
    tx.commit().await?;
    Ok(run)
}

/// Takes every step from whoever executes it.
async fn stop_running(tx: &mut Tx, run: RunId, now: Timestamp) -> Result<(), StoreError> {
    let failure = Failure::transient(code::CANCELLED, "the run was cancelled");
    let update = "UPDATE step SET state = 'cancelled', failure = $1, finished_at = $2, host = NULL, lease_until = NULL \
                  WHERE run = $3 AND state = 'running' AND host IS NOT NULL";
    tx.execute(update, args![text::json(&failure)?, now, run]).await.map(drop)
}
