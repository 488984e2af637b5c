//! Makes a failed or cancelled run go on: what is done stays done.

use host_core::{
    RunId,
    pipeline::{Progress, Reset},
    ports::JournalError,
    run::{Pins, Run, RunState},
};
use serde_json::json;

use super::{apply::Applying, lock, standing};
use crate::{
    Store, StoreError, artifacts,
    audit::Deed,
    sql::{Tx, args},
    steps::trial,
    text,
};

pub(super) async fn retry(
    store: &Store,
    id: RunId,
    pins: Pins,
    changed: &[String],
    who: &str,
) -> Result<Run, JournalError> {
    let mut tx = store.begin().await?;
    let (mut run, turn) = lock(&mut tx, id).await?.ok_or(JournalError::NotFound(id))?;
    if !matches!(run.state, RunState::Failed | RunState::Cancelled) {
        return Err(JournalError::State { run: id, state: run.state.as_str(), wanted: "retried" });
    }
    let now = turn.now;
    run.spec.pins = pins;
    (run.state, run.failure, run.finished_at) = (RunState::Running, None, None);
    let update = "UPDATE run SET state = 'running', failure = NULL, finished_at = NULL, spec = $1 WHERE id = $2";
    tx.execute(update, args![text::json(&run.spec)?, id]).await?;
    let spec = &run.spec;
    let mut progress = Progress::joined(spec, standing(&mut tx, id).await?);
    for again in progress.again(changed) {
        reset(&mut tx, id, &again).await?;
    }
    let changes = progress.advance();
    let applied = Applying::new(&mut tx, spec, &progress, now).all(changes).await?;
    let deed = Deed { who, action: "run.retried", project: &spec.project, subject: &id.to_string() };
    deed.record(&mut tx, now, json!({ "name": spec.name(), "changed": changed })).await?;
    tx.commit().await?;
    applied.tell(&mut run, now);
    Ok(run)
}

/// Forgets what a step did. Its attempts go on counting, because they fence off whoever executed it before.
async fn reset(tx: &mut Tx, run: RunId, reset: &Reset) -> Result<(), StoreError> {
    let step = reset.step.as_str();
    if reset.forgets_trials {
        tx.execute("DELETE FROM step WHERE run = $1 AND step = $2 AND trial >= 0", args![run, step]).await?;
        artifacts::forget_trials(tx, run, step).await?;
    }
    artifacts::forget_outputs(tx, &host_core::run::StepKey { run, step: step.to_owned(), trial: reset.trial }).await?;
    let update = "UPDATE step SET state = $1, params = COALESCE(drawn, '{}'), inputs = '[]', outputs = '[]', results = '{}', \
                  progress = NULL, failure = NULL, function = NULL, cache_key = NULL, cached_from = NULL, usage = NULL, models = '[]', \
                  not_before = NULL, ready_at = NULL, host = NULL, lease_until = NULL, started_at = NULL, finished_at = NULL, \
                  attempts_before = attempt WHERE run = $2 AND step = $3 AND trial = $4";
    tx.execute(update, args![reset.state.as_str(), run, step, trial(reset.trial)]).await.map(drop)
}
