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
use serde_json::{Map, Value};

use super::{apply::Applying, claim::until, lock, records};
use crate::{
    Store, StoreError, artifacts,
    sql::{Row, Tx, args},
    steps, text,
};

pub(super) async fn settle(
    store: &Store,
    host: HostId,
    key: &StepKey,
    attempt: u32,
    how: Settlement,
) -> Result<Settled, JournalError> {
    let stale = || JournalError::Stale(key.label());
    let mut tx = store.begin().await?;
    let mut run = lock(&mut tx, key.run).await?.ok_or(JournalError::NotFound(key.run))?;
    let now = tx.now().await?;
    if !is_held(&mut tx, key, attempt, host).await? {
        return Err(stale());
    }
    let settled = match how {
        Settlement::Done(result) => end(&mut tx, &mut run, key, Ending::done(&result), now).await?,
        Settlement::Failed { failure, retry_after_ms: Some(wait), result } => {
            again(&mut tx, key, &failure, &result, until(now, Duration::from_millis(wait))).await?;
            Settled { run: run.state, more: wait == 0 }
        }
        Settlement::Failed { failure, retry_after_ms: None, result } => {
            end(
                &mut tx,
                &mut run,
                key,
                Ending { state: StepState::Failed, failure: Some(failure), result: &result },
                now,
            )
            .await?
        }
        Settlement::Cancelled => {
            let failure = Some(Failure::transient(code::CANCELLED, "it was stopped"));
            let ending = Ending { state: StepState::Cancelled, failure, result: &StepResult::default() };
            end(&mut tx, &mut run, key, ending, now).await?
        }
    };
    tx.commit().await?;
    Ok(settled)
}

/// How a step ends.
pub(super) struct Ending<'a> {
    pub(super) state: StepState,
    pub(super) failure: Option<Failure>,
    pub(super) result: &'a StepResult,
}

impl<'a> Ending<'a> {
    fn done(result: &'a StepResult) -> Self {
        Self { state: StepState::Done, failure: None, result }
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
    ending: Ending<'_>,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let before = records(tx, key.run).await?;
    write(tx, key, &ending, now).await?;
    if ending.state == StepState::Done {
        artifacts::insert_outputs(tx, &run.spec.project, key, &ending.result.outputs, now).await?;
    }
    // As it stands now, with what was tracked on the way.
    let after = reread(tx, key).await?;
    let outputs = after.outputs.iter().map(|it| (it.name.clone(), it.digest)).collect();
    let spec = run.spec.clone();
    let mut progress = Progress::from_records(&spec, &before);
    progress.settle(&key.step, key.trial, ending.state, after.results.clone(), outputs);
    let changes = progress.advance();
    let records: Vec<StepRecord> =
        before.into_iter().map(|it| if it.key == *key { after.clone() } else { it }).collect();
    let more = Applying::new(tx, run, &records, now).all(changes).await?;
    Ok(Settled { run: run.state, more })
}

async fn reread(tx: &mut Tx, key: &StepKey) -> Result<StepRecord, StoreError> {
    let sql = steps::select_step!("WHERE s.run = $1 AND s.step = $2 AND s.trial = $3");
    let row = tx.row(sql, steps::key_args(key)).await?;
    steps::read(&row.ok_or_else(|| StoreError::NotFound(format!("step `{}`", key.label())))?)
}

async fn write(tx: &mut Tx, key: &StepKey, ending: &Ending<'_>, now: Timestamp) -> Result<(), StoreError> {
    let result = ending.result;
    let (params, results) = with_tracked(tx, key, result).await?;
    let update = "UPDATE step SET state = $1, failure = $2, params = $3, inputs = $4, outputs = $5, results = $6, function = $7, \
                  cache_key = $8, cached_from = $9, usage = $10, models = $11, finished_at = $12, not_before = NULL, ready_at = NULL, \
                  host = NULL, lease_until = NULL WHERE run = $13 AND step = $14 AND trial = $15";
    let args = args![
        ending.state.as_str(),
        text::json_opt(ending.failure.as_ref())?,
        params,
        text::json(&result.inputs)?,
        text::json(&result.outputs)?,
        results,
        text::json_opt(result.function.as_ref())?,
        result.cache_key,
        result.cached_from,
        text::json_opt(result.usage.as_ref())?,
        text::json(&result.models)?,
        now,
        key.run,
        key.step.as_str(),
        steps::trial(key.trial),
    ];
    tx.execute(update, args).await.map(drop)
}

/// What the executor says over what was tracked on the way.
async fn with_tracked(tx: &mut Tx, key: &StepKey, result: &StepResult) -> Result<(String, String), StoreError> {
    let sql = "SELECT params, results FROM step WHERE run = $1 AND step = $2 AND trial = $3";
    let row = tx.row(sql, steps::key_args(key)).await?;
    let merged = |column: &str, over: &Map<String, Value>, row: &Option<Row>| -> Result<String, StoreError> {
        let mut all: Map<String, Value> = row.as_ref().map(|row| row.json(column)).transpose()?.unwrap_or_default();
        all.extend(over.clone());
        text::json(&all)
    };
    Ok((merged("params", &result.params, &row)?, merged("results", &result.results, &row)?))
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
