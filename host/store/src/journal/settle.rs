//! Writes how a step ended and everything that follows from it, in one transaction.

use std::time::Duration;

use host_core::{
    event::{Failure, code},
    id::HostId,
    pipeline::{Progress, StepState},
    ports::{JournalError, Settled},
    run::{Run, Settlement, StepKey, StepRecord, StepResult},
};
use jiff::Timestamp;

use super::{apply::Applying, claim::until, lock, records};
use crate::{
    Store, StoreError, artifacts,
    sql::{Tx, args},
    steps, text,
};

pub(super) async fn settle(
    store: &Store,
    host: HostId,
    key: &StepKey,
    attempt: u32,
    how: Settlement,
) -> Result<Settled, JournalError> {
    let mut tx = store.begin().await?;
    let mut run = lock(&mut tx, key.run).await?.ok_or(JournalError::NotFound(key.run))?;
    let now = tx.now().await?;
    if !is_held(&mut tx, key, attempt, host).await? {
        return Err(JournalError::Stale(key.label()));
    }
    let ending = match how {
        Settlement::Done(result) => Ending { state: StepState::Done, failure: None, result: *result },
        Settlement::Failed { failure, retry_after_ms: Some(wait), result } => {
            again(&mut tx, key, &failure, &result, until(now, Duration::from_millis(wait))).await?;
            tx.commit().await?;
            return Ok(Settled { run: run.state, more: wait == 0 });
        }
        Settlement::Failed { failure, retry_after_ms: None, result } => {
            Ending { state: StepState::Failed, failure: Some(failure), result: *result }
        }
        Settlement::Cancelled => {
            let failure = Failure::transient(code::CANCELLED, "it was stopped");
            Ending { state: StepState::Cancelled, failure: Some(failure), result: StepResult::default() }
        }
    };
    let settled = end(&mut tx, &mut run, key, ending, now).await?;
    tx.commit().await?;
    Ok(settled)
}

/// How a step ends.
pub(super) struct Ending {
    pub(super) state: StepState,
    pub(super) failure: Option<Failure>,
    pub(super) result: StepResult,
}

impl Ending {
    /// The step as it stands then: what its executor says over what was tracked on the way.
    fn of(self, before: &StepRecord, now: Timestamp) -> StepRecord {
        let Self { state, failure, result } = self;
        let mut after = before.clone();
        after.params.extend(result.params);
        after.results.extend(result.results);
        StepRecord {
            state,
            failure,
            inputs: result.inputs,
            outputs: result.outputs,
            function: result.function,
            cache_key: result.cache_key,
            cached_from: result.cached_from,
            usage: result.usage,
            models: result.models,
            not_before: None,
            finished_at: Some(now),
            ..after
        }
    }
}

/// Whether the step is still this host's, at this attempt. An update, so that nothing is tracked any more from here on.
async fn is_held(tx: &mut Tx, key: &StepKey, attempt: u32, host: HostId) -> Result<bool, StoreError> {
    let sql = "UPDATE step SET host = host WHERE run = $1 AND step = $2 AND trial = $3 AND attempt = $4 AND host = $5 AND state = 'running'";
    let args = args![key.run, key.step.as_str(), steps::trial(key.trial), attempt, host];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Writes the end of a step or a trial, and what follows.
pub(super) async fn end(
    tx: &mut Tx,
    run: &mut Run,
    key: &StepKey,
    ending: Ending,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let spec = run.spec.clone();
    let mut records = records(tx, key.run).await?;
    let mut progress = Progress::from_records(&spec, &records);
    let step = records
        .iter_mut()
        .find(|it| it.key == *key)
        .ok_or_else(|| StoreError::NotFound(format!("step `{}`", key.label())))?;
    *step = ending.of(step, now);
    write(tx, step).await?;
    if step.state == StepState::Done {
        artifacts::insert_outputs(tx, &spec.project, key, &step.outputs, now).await?;
    }
    let outputs = step.outputs.iter().map(|it| (it.name.clone(), it.digest)).collect();
    progress.settle(&key.step, key.trial, step.state, step.results.clone(), outputs);
    let more = Applying::new(tx, run, &records, now).all(progress.advance()).await?;
    Ok(Settled { run: run.state, more })
}

async fn write(tx: &mut Tx, step: &StepRecord) -> Result<(), StoreError> {
    let update = "UPDATE step SET state = $1, failure = $2, params = $3, inputs = $4, outputs = $5, results = $6, function = $7, \
                  cache_key = $8, cached_from = $9, usage = $10, models = $11, finished_at = $12, not_before = NULL, ready_at = NULL, \
                  host = NULL, lease_until = NULL WHERE run = $13 AND step = $14 AND trial = $15";
    let args = args![
        step.state.as_str(),
        text::json_opt(step.failure.as_ref())?,
        text::json(&step.params)?,
        text::json(&step.inputs)?,
        text::json(&step.outputs)?,
        text::json(&step.results)?,
        text::json_opt(step.function.as_ref())?,
        step.cache_key,
        step.cached_from,
        text::json_opt(step.usage.as_ref())?,
        text::json(&step.models)?,
        step.finished_at,
        step.key.run,
        step.key.step.as_str(),
        steps::trial(step.key.trial),
    ];
    tx.execute(update, args).await.map(drop)
}

/// Gives a failed step back, to be claimed again later.
async fn again(
    tx: &mut Tx,
    key: &StepKey,
    failure: &Failure,
    result: &StepResult,
    at: Timestamp,
) -> Result<(), StoreError> {
    let update = "UPDATE step SET state = 'ready', failure = $1, inputs = $2, usage = $3, function = $4, ready_at = $5, not_before = $5, \
                  host = NULL, lease_until = NULL WHERE run = $6 AND step = $7 AND trial = $8";
    let args = args![
        text::json(failure)?,
        text::json(&result.inputs)?,
        text::json_opt(result.usage.as_ref())?,
        text::json_opt(result.function.as_ref())?,
        at,
        key.run,
        key.step.as_str(),
        steps::trial(key.trial),
    ];
    tx.execute(update, args).await.map(drop)
}
