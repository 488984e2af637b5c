//! Writes how a step ended and everything that follows from it, and takes what is to be done next: one transaction.

use std::{sync::Arc, time::Duration};

use host_core::{
    event::{Failure, code},
    id::HostId,
    pipeline::{Change, Progress, StepState},
    ports::{JournalError, Settled, Settling},
    run::{RunState, Settlement, StepKey, StepResult},
};
use jiff::Timestamp;

use super::{
    Turn,
    apply::{Applied, Applying},
    claim::{self, until},
    load,
    memory::Known,
    metrics, standing,
    track::Before,
    turn,
};
use crate::{
    Store, StoreError, artifacts,
    sql::{Tx, args},
    steps, text,
};

pub(super) async fn settle(
    store: &Store,
    host: HostId,
    settling: &Settling,
    (limit, lease): (u32, Duration),
) -> Result<Settled, JournalError> {
    let key = &settling.key;
    let mut tx = store.begin().await?;
    let turn = turn(&mut tx, key.run).await?.ok_or(JournalError::NotFound(key.run))?;
    let before = held(&mut tx, host, settling).await?.ok_or_else(|| JournalError::Stale(key.label()))?;
    metrics::insert(&mut tx, key, settling.attempt, &settling.unwritten.metrics).await?;
    let (run, more, known) = match &settling.how {
        Settlement::Failed { failure, retry_after_ms: Some(wait), result } => {
            let at = until(turn.now, Duration::from_millis(*wait));
            put_off(&mut tx, settling, before, (failure, result), at).await?;
            // Whether a step is ready or running is nothing that is remembered.
            (RunState::Running, *wait == 0, recall(store, key, turn))
        }
        Settlement::Waits { failure, after_ms, result } => {
            let at = until(turn.now, Duration::from_millis(*after_ms));
            put_off(&mut tx, settling, before, (failure, result), at).await?;
            uncount(&mut tx, key).await?;
            (RunState::Running, *after_ms == 0, recall(store, key, turn))
        }
        how => {
            let mut known = match recall(store, key, turn) {
                Some(known) => known,
                None => load(&mut tx, key.run, turn.changes).await?,
            };
            let applied = end(&mut tx, &mut known, key, Ending::of(how, before), turn.now).await?;
            (applied.state(), applied.more, Some(known))
        }
    };
    let mut taken = claim::Taken::new(store, turn.now);
    taken.knows(known);
    let claims = taken.take(&mut tx, host, limit, lease).await?;
    tx.commit().await?;
    taken.remember();
    if run.is_over() {
        store.remembered().forget(key.run);
    }
    Ok(Settled { run, more, claims })
}

/// What was known of the run before its turn.
fn recall(store: &Store, key: &StepKey, turn: Turn) -> Option<Known> {
    let known = store.remembered().recall(key.run, turn.changes - 1)?;
    Some(Known { changes: turn.changes, ..known })
}

/// How a step ends.
pub(super) struct Ending {
    pub(super) state: StepState,
    pub(super) failure: Option<Failure>,
    /// What its executor says, over what was tracked on the way.
    pub(super) result: StepResult,
    pub(super) before: Before,
}

impl Ending {
    fn of(how: &Settlement, before: Before) -> Self {
        let (state, failure, result) = match how {
            Settlement::Done(result) => (StepState::Done, None, result.as_ref().clone()),
            Settlement::Failed { failure, result, .. } | Settlement::Waits { failure, result, .. } => {
                (StepState::Failed, Some(failure.clone()), result.as_ref().clone())
            }
            Settlement::Cancelled => {
                let failure = Failure::transient(code::CANCELLED, "it was stopped");
                (StepState::Cancelled, Some(failure), StepResult::default())
            }
        };
        Self { state, failure, result, before }
    }
}

/// What the step was given and told until now, if it is still this host's at this attempt. An update, so that nothing
/// is tracked any more from here on.
async fn held(tx: &mut Tx, host: HostId, settling: &Settling) -> Result<Option<Before>, StoreError> {
    let Settling { key, attempt, unwritten, .. } = settling;
    let progress = text::json_opt(unwritten.progress.as_ref())?;
    let sql = "UPDATE step SET progress = COALESCE($1, progress) WHERE run = $2 AND step = $3 AND trial = $4 AND attempt = $5 \
               AND host = $6 AND state = 'running' RETURNING params, results";
    let args = args![progress, key.run, key.step.as_str(), steps::trial(key.trial), *attempt, host];
    let row = tx.row(sql, args).await?;
    row.map(|row| Ok(Before::read(&row)?.with(unwritten))).transpose()
}

/// Writes the end of a step or a trial, and what follows.
pub(super) async fn end(
    tx: &mut Tx,
    known: &mut Known,
    key: &StepKey,
    ending: Ending,
    now: Timestamp,
) -> Result<Applied, StoreError> {
    let Ending { state, failure, mut result, before } = ending;
    result.params = before.params.into_iter().chain(result.params).collect();
    result.results = before.results.into_iter().chain(result.results).collect();
    let written = write(tx, key, (state, failure.as_ref()), &result, now).await?;
    if state == StepState::Done {
        artifacts::insert_outputs(tx, &known.run.project, key, &result.outputs, now).await?;
    }
    let run = Arc::clone(&known.run);
    let mut progress = Progress::go_on(&run, known.standing.clone());
    // What follows goes by what will be read, so that it does not depend on whether a host remembers it.
    let (results, outputs) =
        (text::from_json(&written.results, "results")?, text::from_json(&written.outputs, "outputs")?);
    progress.settle(&key.step, key.trial, state, results, outputs);
    let mut changes = progress.advance();
    // Others claim without a turn, so only its row says whether a trial that is to be stopped is running already.
    if changes.iter().any(|it| matches!(it, Change::Stopped { .. })) {
        progress = Progress::joined(&run, standing(tx, key.run).await?);
        changes = progress.advance();
    }
    let has_opened = changes.iter().any(|it| matches!(it, Change::Opened { .. }));
    let applied = Applying::new(tx, &run, &progress, now).all(changes).await?;
    if has_opened {
        progress = Progress::joined(&run, standing(tx, key.run).await?);
    }
    known.standing = progress.into_standing();
    Ok(applied)
}

/// What a step gave, as it stands in its row now.
struct Written {
    outputs: String,
    results: String,
}

async fn write(
    tx: &mut Tx,
    key: &StepKey,
    (state, failure): (StepState, Option<&Failure>),
    result: &StepResult,
    now: Timestamp,
) -> Result<Written, StoreError> {
    let update = "UPDATE step SET state = $1, failure = $2, params = $3, inputs = $4, outputs = $5, results = $6, function = $7, \
                  cache_key = $8, cached_from = $9, usage = $10, models = $11, finished_at = $12, not_before = NULL, ready_at = NULL, \
                  host = NULL, lease_until = NULL WHERE run = $13 AND step = $14 AND trial = $15";
    let written = Written { outputs: text::json(&result.outputs)?, results: text::json(&result.results)? };
    let args = args![
        state.as_str(),
        text::json_opt(failure)?,
        text::json(&result.params)?,
        text::json(&result.inputs)?,
        &written.outputs,
        &written.results,
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
    tx.execute(update, args).await?;
    Ok(written)
}

/// The attempt that was claimed last was none; its number stays taken, so that whoever had it settles nothing else.
async fn uncount(tx: &mut Tx, key: &StepKey) -> Result<(), StoreError> {
    let update = "UPDATE step SET attempts_before = attempts_before + 1 WHERE run = $1 AND step = $2 AND trial = $3";
    tx.execute(update, args![key.run, key.step.as_str(), steps::trial(key.trial)]).await.map(drop)
}

/// Gives a failed step back, to be claimed again later.
async fn put_off(
    tx: &mut Tx,
    settling: &Settling,
    before: Before,
    (failure, result): (&Failure, &StepResult),
    at: Timestamp,
) -> Result<(), StoreError> {
    let key = &settling.key;
    let update = "UPDATE step SET state = 'ready', failure = $1, params = $2, results = $3, inputs = $4, usage = $5, function = $6, \
                  ready_at = $7, not_before = $7, host = NULL, lease_until = NULL WHERE run = $8 AND step = $9 AND trial = $10";
    let args = args![
        text::json(failure)?,
        text::json(&before.params)?,
        text::json(&before.results)?,
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
