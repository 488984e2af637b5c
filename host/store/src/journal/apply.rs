//! Writes down what the state machine says follows.

use host_core::{
    depth,
    event::{Failure, code},
    pipeline::{Change, Progress, StepState, Work},
    run::{NewRun, Run, RunState, StepKey},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::submit;
use crate::{
    StoreError, artifacts, events,
    sql::{Tx, args},
    steps::{ITSELF, trial},
    text,
};

/// A run whose changes are being written.
pub(super) struct Applying<'a> {
    tx: &'a mut Tx,
    run: &'a NewRun,
    /// Where the run stands with these changes, for what a sweep's trials left behind.
    progress: &'a Progress<'a>,
    now: Timestamp,
    applied: Applied,
}

/// What was written.
#[derive(Debug, Default)]
pub(super) struct Applied {
    /// Whether a step became ready.
    pub(super) more: bool,
    /// How the run ended, and why, if it did.
    pub(super) end: Option<(RunState, Option<Failure>)>,
}

impl Applied {
    /// Where a run stands that was going on before.
    pub(super) fn state(&self) -> RunState {
        self.end.as_ref().map_or(RunState::Running, |(state, _)| *state)
    }

    /// Says the same of the run.
    pub(super) fn tell(self, run: &mut Run, now: Timestamp) {
        if let Some((state, failure)) = self.end {
            (run.state, run.failure, run.finished_at) = (state, failure, Some(now));
        }
    }
}

impl<'a> Applying<'a> {
    pub(super) fn new(tx: &'a mut Tx, run: &'a NewRun, progress: &'a Progress<'a>, now: Timestamp) -> Self {
        Self { tx, run, progress, now, applied: Applied::default() }
    }

    /// Writes the changes in their order.
    pub(super) async fn all(mut self, changes: Vec<Change>) -> Result<Applied, StoreError> {
        for change in changes {
            match change {
                Change::Opened { step, trials } => self.open(&step, &trials).await?,
                Change::Ready { step, trial, work } => {
                    self.applied.more = true;
                    self.ready(&step, trial, &work).await?;
                }
                Change::Stopped { step, trial, state, reason } => self.stop(&step, Some(trial), state, &reason).await?,
                Change::Settled { step, state, reason: Some(reason), .. } => {
                    self.stop(&step, None, state, &reason).await?
                }
                Change::Settled { step, state, reason: None, best, kept } => {
                    self.close(&step, state, best, &kept).await?
                }
                Change::Finished(state) => self.finish(state).await?,
            }
        }
        Ok(self.applied)
    }

    async fn open(&mut self, step: &str, trials: &[Map<String, Value>]) -> Result<(), StoreError> {
        let update = "UPDATE step SET state = 'running', started_at = $1 WHERE run = $2 AND step = $3 AND trial = $4";
        self.tx.execute(update, args![self.now, self.run.id, step, ITSELF]).await?;
        let position = self.run.pipeline.steps.get_index_of(step).unwrap_or_default();
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        let mut rows = Vec::with_capacity(trials.len());
        for (number, params) in (0..).zip(trials) {
            rows.push(submit::row(self.run, step, number, position, Some(&text::json(params)?)));
        }
        submit::insert_rows(self.tx, &rows).await
    }

    async fn ready(&mut self, step: &str, number: Option<u32>, work: &Work) -> Result<(), StoreError> {
        let update = "UPDATE step SET state = 'ready', params = $1, ready_at = $2, not_before = NULL \
                      WHERE run = $3 AND step = $4 AND trial = $5";
        let args = args![text::json(&work.params)?, self.now, self.run.id, step, trial(number)];
        self.tx.execute(update, args).await.map(drop)
    }

    /// Ends a step or a trial that no executor speaks for.
    async fn stop(
        &mut self,
        step: &str,
        number: Option<u32>,
        state: StepState,
        reason: &str,
    ) -> Result<(), StoreError> {
        let failure = why(state, self.is_sweep(step), reason);
        let update = "UPDATE step SET state = $1, failure = $2, finished_at = $3, host = NULL, lease_until = NULL \
                      WHERE run = $4 AND step = $5 AND trial = $6";
        let args = args![state.as_str(), text::json(&failure)?, self.now, self.run.id, step, trial(number)];
        self.tx.execute(update, args).await.map(drop)
    }

    /// Ends a sweep well: its best trial speaks for it, and of the others only those worth keeping stay artifacts.
    async fn close(&mut self, step: &str, state: StepState, best: Option<u32>, kept: &[u32]) -> Result<(), StoreError> {
        let run = self.run.id;
        let update = "UPDATE step SET state = $1, finished_at = $2 WHERE run = $3 AND step = $4 AND trial = $5";
        self.tx.execute(update, args![state.as_str(), self.now, run, step, ITSELF]).await?;
        let Some(best) = best else { return Ok(()) };
        let copy = "UPDATE step SET results = b.results, outputs = b.outputs, params = b.params, function = b.function, models = b.models \
                    FROM step b WHERE b.run = $1 AND b.step = $2 AND b.trial = $3 \
                    AND step.run = $1 AND step.step = $2 AND step.trial = $4";
        self.tx.execute(copy, args![run, step, best, ITSELF]).await?;
        let Some(swept) = self.progress.steps().get(step) else { return Ok(()) };
        let key = |trial| StepKey { run, step: step.to_owned(), trial };
        artifacts::insert_outputs(self.tx, &self.run.project, &key(None), &swept.outputs, self.now).await?;
        for (number, trial) in (0..).zip(swept.trials.iter()) {
            if !kept.contains(&number) && !trial.outputs.is_empty() {
                artifacts::forget_outputs(self.tx, &key(Some(number))).await?;
            }
        }
        Ok(())
    }

    async fn finish(&mut self, state: RunState) -> Result<(), StoreError> {
        let failure = if state == RunState::Failed { self.failure().await? } else { None };
        let update = "UPDATE run SET state = $1, failure = $2, finished_at = $3 WHERE id = $4";
        let args = args![state.as_str(), text::json_opt(failure.as_ref())?, self.now, self.run.id];
        self.tx.execute(update, args).await?;
        let run = self.run;
        let content =
            json!({ "name": run.name(), "kind": run.kind.as_str(), "state": state.as_str(), "failure": failure });
        self.applied.end = Some((state, failure));
        let told = match state {
            RunState::Failed => "run.failed",
            RunState::Cancelled => "run.cancelled",
            RunState::Done | RunState::Running => "run.finished",
        };
        let subject = run.id.to_string();
        let telling = events::tell(self.tx, self.now, &run.project, told, &subject, content);
        depth::within(run.depth, telling).await
    }

    /// What made the run fail: its first failed step, in the order of the pipeline.
    async fn failure(&mut self) -> Result<Option<Failure>, StoreError> {
        let first = "SELECT step, failure FROM step WHERE run = $1 AND trial = $2 AND state = 'failed' AND failure IS NOT NULL \
                     ORDER BY position LIMIT 1";
        let Some(row) = self.tx.row(first, args![self.run.id, ITSELF]).await? else { return Ok(None) };
        let (step, failure): (String, Failure) = (row.get("step")?, row.json("failure")?);
        Ok(Some(Failure { message: format!("step `{step}`: {}", failure.message), ..failure }))
    }

    fn is_sweep(&self, step: &str) -> bool {
        self.run.pipeline.steps.get(step).is_some_and(|it| it.sweep.is_some())
    }
}

fn why(state: StepState, is_sweep: bool, reason: &str) -> Failure {
    match state {
        StepState::Skipped => Failure::invalid("skipped", reason),
        StepState::Cancelled => Failure::transient(code::CANCELLED, reason),
        _ if is_sweep => Failure::fatal("trials-failed", reason),
        _ => Failure::invalid("unresolved", reason),
    }
}
