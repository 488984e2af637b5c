//! How a sweep comes along: which trials may start, when to stop, which is the best.
//!
//! What a sweep gives does not depend on which trials happened to be faster. Once a trial meets the condition to stop,
//! no later one counts, even if it is done; all earlier ones are waited for.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Change, Progress, StepState, TrialProgress};
use crate::pipeline::{Step, Sweep, Trial, Unresolved};

impl Progress<'_> {
    pub(super) fn open_sweep(&mut self, name: &str, sweep: &Sweep, changes: &mut Vec<Change>) {
        let trials = sweep.expand(self.seed);
        let Some(step) = self.standing.steps.get_mut(name) else { return };
        step.state = StepState::Running;
        let trial = |params: &Map<_, _>| TrialProgress { params: params.clone().into(), ..TrialProgress::default() };
        step.trials = Arc::new(trials.iter().map(trial).collect());
        changes.push(Change::Opened { step: name.to_owned(), trials });
    }

    pub(super) fn advance_sweep(&mut self, name: &str, step: &Step, changes: &mut Vec<Change>) {
        let (Some(sweep), Some(progress)) = (&step.sweep, self.steps().get(name)) else { return };
        let is_stopping = self.is_cancelled;
        let last = self.stop_at(name, sweep).unwrap_or(progress.trials.len());
        let superfluous: Vec<_> = numbered(&progress.trials)
            .filter(|(at, _, trial)| match trial.state {
                // What runs is stopped by its executor, who then says so.
                StepState::Running => *at > last && !is_stopping,
                state => (*at > last || is_stopping) && !state.is_over(),
            })
            .map(|(_, number, trial)| (number, trial.state))
            .collect();
        for (number, state) in superfluous {
            let (state, reason) = match (is_stopping, state) {
                (true, _) => (StepState::Cancelled, "the run was cancelled"),
                (false, StepState::Running) => (StepState::Cancelled, "an earlier trial was good enough"),
                (false, _) => (StepState::Skipped, "an earlier trial was good enough"),
            };
            self.stop_trial(name, number, state, reason.to_owned(), changes);
        }
        if !is_stopping {
            self.start_trials(name, sweep, changes);
        }
        let Some(progress) = self.steps().get(name) else { return };
        if progress.trials.iter().all(|trial| trial.state.is_over()) {
            self.close(name, sweep, changes);
        }
    }

    /// The first trial that is good enough.
    fn stop_at(&self, name: &str, sweep: &Sweep) -> Option<usize> {
        let condition = sweep.stop_when.as_ref()?;
        self.steps().get(name)?.trials.iter().position(|trial| {
            let value = |path: &str| self.trial_value(&trial.results, path);
            // A trial that lacks the metric is not good enough; it is no reason to fail.
            trial.state == StepState::Done && condition.holds(value).unwrap_or(false)
        })
    }

    fn trial_value<'v>(&'v self, results: &'v Map<String, Value>, path: &str) -> Result<&'v Value, Unresolved> {
        let found = match path.strip_prefix("params.") {
            Some(param) => self.params.get(param),
            None => results.get(path),
        };
        found.ok_or_else(|| Unresolved(format!("there is no value `{path}`")))
    }

    /// As many as may run side by side.
    fn start_trials(&mut self, name: &str, sweep: &Sweep, changes: &mut Vec<Change>) {
        let Some(progress) = self.steps().get(name) else { return };
        let active = progress.trials.iter().filter(|trial| trial.state.is_active()).count();
        let mut free = usize::try_from(sweep.parallel.max(1)).unwrap_or(1).saturating_sub(active);
        let waiting: Vec<u32> = numbered(&progress.trials)
            .filter(|(_, _, trial)| trial.state == StepState::Waiting)
            .map(|(_, number, _)| number)
            .collect();
        for number in waiting {
            if free == 0 {
                return;
            }
            match self.work(name, Some(number)) {
                Ok(work) => {
                    free -= 1;
                    self.set_trial(name, number, StepState::Ready);
                    changes.push(Change::Ready { step: name.to_owned(), trial: Some(number), work });
                }
                Err(error) => self.stop_trial(name, number, StepState::Failed, error.to_string(), changes),
            }
        }
    }

    /// Every trial is over: the best one speaks for the step.
    fn close(&mut self, name: &str, sweep: &Sweep, changes: &mut Vec<Change>) {
        if self.is_cancelled {
            return self.end_step(name, StepState::Cancelled, "the run was cancelled".into(), changes);
        }
        let Some(progress) = self.steps().get(name) else { return };
        let failed = progress.trials.iter().filter(|trial| trial.state == StepState::Failed).count();
        let kept = self.ranking(name);
        let reason = match &sweep.select {
            None if failed > 0 => Some(format!("{failed} of {} trials failed", progress.trials.len())),
            Some(select) if kept.is_empty() => {
                Some(format!("no trial gave `{}`; {failed} of {} failed", select.metric, progress.trials.len()))
            }
            _ => None,
        };
        if let Some(reason) = reason {
            return self.end_step(name, StepState::Failed, reason, changes);
        }
        let best = kept.first().copied();
        let winner = best.and_then(|best| self.trial(name, best)).cloned();
        if let Some(step) = self.standing.steps.get_mut(name) {
            step.state = StepState::Done;
            (step.results, step.outputs) = winner.map(|trial| (trial.results, trial.outputs)).unwrap_or_default();
        }
        changes.push(Change::Settled { step: name.to_owned(), state: StepState::Done, reason: None, best, kept });
    }

    /// The trials of a sweep that are worth keeping, best first.
    #[must_use]
    pub fn ranking(&self, name: &str) -> Vec<u32> {
        let (Some(step), Some(progress)) = (self.pipeline.steps.get(name), self.steps().get(name)) else {
            return Vec::new();
        };
        let Some((sweep, select)) = step.sweep.as_ref().and_then(|sweep| Some((sweep, sweep.select.as_ref()?))) else {
            return Vec::new();
        };
        let last = self.stop_at(name, sweep).unwrap_or(progress.trials.len());
        let done: Vec<_> = numbered(&progress.trials)
            .filter(|(at, _, trial)| *at <= last && trial.state == StepState::Done)
            .map(|(_, number, trial)| Trial { number, results: &trial.results })
            .collect();
        select.top(&done, usize::try_from(sweep.keep.max(1)).unwrap_or(1))
    }

    fn set_trial(&mut self, name: &str, trial: u32, state: StepState) {
        if let Some(current) = self.state_mut(name, Some(trial)) {
            *current = state;
        }
    }

    fn stop_trial(&mut self, name: &str, trial: u32, state: StepState, reason: String, changes: &mut Vec<Change>) {
        self.set_trial(name, trial, state);
        changes.push(Change::Stopped { step: name.to_owned(), trial, state, reason });
    }
}

/// Every trial with its place and its number, which are the same but for the type.
fn numbered(trials: &[TrialProgress]) -> impl Iterator<Item = (usize, u32, &TrialProgress)> {
    trials.iter().zip(0u32..).enumerate().map(|(at, (trial, number))| (at, number, trial))
}
