//! Stops a run at once. Whoever still executes a step of it learns so at the next heartbeat.

use host_core::{
    RunId,
    event::{Failure, code},
    pipeline::{Progress, StepState},
    ports::JournalError,
    run::{NewRun, Run, RunState},
};
use jiff::Timestamp;
use serde_json::{Map, json};

use super::{
    apply::{Applied, Applying},
    lock, standing,
};
use crate::{
    Store, StoreError,
    audit::Deed,
    sql::{Tx, args},
    text,
};

pub(super) async fn cancel(store: &Store, id: RunId, who: &str) -> Result<Run, JournalError> {
    let mut tx = store.begin().await?;
    let (mut run, turn) = lock(&mut tx, id).await?.ok_or(JournalError::NotFound(id))?;
    match run.state {
        RunState::Running => {}
        RunState::Cancelled => return Ok(run),
        state => return Err(JournalError::State { run: id, state: state.as_str(), wanted: "cancelled" }),
    }
    let applied = stop(&mut tx, &run.spec, who, turn.now).await?;
    tx.commit().await?;
    applied.tell(&mut run, turn.now);
    Ok(run)
}

/// Stops a run that is going on, as part of a transaction.
pub(super) async fn stop(tx: &mut Tx, spec: &NewRun, who: &str, now: Timestamp) -> Result<Applied, StoreError> {
    let mut progress = Progress::joined(spec, standing(tx, spec.id).await?);
    progress.cancel();
    for (step, trial) in executed(&progress) {
        progress.settle(&step, trial, StepState::Cancelled, Map::new(), Vec::new());
    }
    stop_running(tx, spec.id, now).await?;
    let changes = progress.advance();
    let applied = Applying::new(tx, spec, &progress, now).all(changes).await?;
    let deed = Deed { who, action: "run.cancelled", project: &spec.project, subject: &spec.id.to_string() };
    deed.record(tx, now, json!({ "name": spec.name() })).await?;
    Ok(applied)
}

/// What somebody executes. A sweep is running without anybody executing it: its trials are stopped, and then it is.
fn executed(progress: &Progress<'_>) -> Vec<(String, Option<u32>)> {
    let mut executed = Vec::new();
    for (name, step) in progress.steps() {
        if step.state == StepState::Running && !progress.is_sweep(name) {
            executed.push((name.clone(), None));
        }
        let trials = (0u32..).zip(step.trials.iter()).filter(|(_, trial)| trial.state == StepState::Running);
        executed.extend(trials.map(|(number, _)| (name.clone(), Some(number))));
    }
    executed
}

/// Takes every step from whoever executes it.
async fn stop_running(tx: &mut Tx, run: RunId, now: Timestamp) -> Result<(), StoreError> {
    let failure = Failure::transient(code::CANCELLED, "the run was cancelled");
    let update = "UPDATE step SET state = 'cancelled', failure = $1, finished_at = $2, host = NULL, lease_until = NULL \
                  WHERE run = $3 AND state = 'running' AND host IS NOT NULL";
    tx.execute(update, args![text::json(&failure)?, now, run]).await.map(drop)
}
