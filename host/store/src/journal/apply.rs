//! Writes down what the state machine says follows.

use host_core::{
    event::{Failure, code},
    pipeline::{Change, StepState, Work},
    run::{Run, RunState, StepKey, StepRecord},
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
    run: &'a mut Run,
    /// The steps as they were before, for what a sweep's best trial left behind.
    records: &'a [StepRecord],
    now: Timestamp,
    /// What made a step fail, of those that failed just now.
    failures: Vec<(String, Failure)>,
}

impl<'a> Applying<'a> {
    pub(super) fn new(tx: &'a mut Tx, run: &'a mut Run, records: &'a [StepRecord], now: Timestamp) -> Self {
        Self { tx, run, records, now, failures: Vec::new() }
    }

    /// Writes the changes in their order; says whether a step became ready.
    pub(super) async fn all(mut self, changes: Vec<Change>) -> Result<bool, StoreError> {
        let mut more = false;
        for change in changes {
            match change {
                Change::Opened { step, trials } => self.open(&step, &trials).await?,
                Change::Ready { step, trial, work } => {
                    more = true;
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
        Ok(more)
    }

    async fn open(&mut self, step: &str, trials: &[Map<String, Value>]) -> Result<(), StoreError> {
        let update = "UPDATE step SET state = 'running', started_at = $1 WHERE run = $2 AND step = $3 AND trial = $4";
        self.tx.execute(update, args![self.now, self.run.spec.id, step, ITSELF]).await?;
        let position = self.run.spec.pipeline.steps.get_index_of(step).unwrap_or_default();
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        let mut rows = Vec::with_capacity(trials.len());
        for (number, params) in (0..).zip(trials) {
            rows.push(submit::row(&self.run.spec, step, number, position, Some(&text::json(params)?)));
        }
        submit::insert_rows(self.tx, &rows).await
    }

    async fn ready(&mut self, step: &str, number: Option<u32>, work: &Work) -> Result<(), StoreError> {
        let update = "UPDATE step SET state = 'ready', params = $1, ready_at = $2, not_before = NULL \
                      WHERE run = $3 AND step = $4 AND trial = $5";
        let args = args![text::json(&work.params)?, self.now, self.run.spec.id, step, trial(number)];
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
        let args = args![state.as_str(), text::json(&failure)?, self.now, self.run.spec.id, step, trial(number)];
        self.tx.execute(update, args).await?;
        if state == StepState::Failed {
            self.failures.push((step.to_owned(), failure));
        }
        Ok(())
    }

    /// Ends a sweep well: its best trial speaks for it, and of the others only those worth keeping stay artifacts.
    async fn close(&mut self, step: &str, state: StepState, best: Option<u32>, kept: &[u32]) -> Result<(), StoreError> {
        let run = self.run.spec.id;
        let update = "UPDATE step SET state = $1, finished_at = $2 WHERE run = $3 AND step = $4 AND trial = $5";
        self.tx.execute(update, args![state.as_str(), self.now, run, step, ITSELF]).await?;
        let Some(best) = best else { return Ok(()) };
        let copy = "UPDATE step SET results = b.results, outputs = b.outputs, params = b.params, function = b.function, models = b.models \
                    FROM step b WHERE b.run = $1 AND b.step = $2 AND b.trial = $3 \
                    AND step.run = $1 AND step.step = $2 AND step.trial = $4";
        self.tx.execute(copy, args![run, step, best, ITSELF]).await?;
        for record in self.records.iter().filter(|it| it.key.step == step) {
            let Some(number) = record.key.trial else { continue };
            if number == best {
                let key = StepKey { run, step: step.to_owned(), trial: None };
                artifacts::insert_outputs(self.tx, &self.run.spec.project, &key, &record.outputs, self.now).await?;
            }
            if !kept.contains(&number) {
                artifacts::forget_outputs(self.tx, &record.key).await?;
            }
        }
        Ok(())
    }

    async fn finish(&mut self, state: RunState) -> Result<(), StoreError> {
        self.run.state = state;
        self.run.finished_at = Some(self.now);
        self.run.failure = if state == RunState::Failed { self.failure() } else { None };
        let update = "UPDATE run SET state = $1, failure = $2, finished_at = $3 WHERE id = $4";
        let args = args![state.as_str(), text::json_opt(self.run.failure.as_ref())?, self.now, self.run.spec.id];
        self.tx.execute(update, args).await?;
        let spec = &self.run.spec;
        let content = json!({ "name": spec.name(), "kind": spec.kind.as_str(), "state": state.as_str(), "failure": self.run.failure });
        events::tell(self.tx, self.now, &spec.project, "run.finished", &spec.id.to_string(), content).await
    }

    /// What made the run fail: its first failed step, in the order of the pipeline.
    fn failure(&self) -> Option<Failure> {
        let before = self.records.iter().filter(|it| it.state == StepState::Failed && it.key.trial.is_none());
        let before = before.filter_map(|it| Some((it.key.step.clone(), it.failure.clone()?)));
        let position = |step: &String| self.run.spec.pipeline.steps.get_index_of(step);
        let first = before.chain(self.failures.iter().cloned()).min_by_key(|(step, _)| position(step));
        first.map(|(step, failure)| Failure { message: format!("step `{step}`: {}", failure.message), ..failure })
    }

    fn is_sweep(&self, step: &str) -> bool {
        self.run.spec.pipeline.steps.get(step).is_some_and(|it| it.sweep.is_some())
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
