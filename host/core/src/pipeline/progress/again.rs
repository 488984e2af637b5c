//! Running again: what is done stays done, unless something it came from has changed.

use std::{collections::HashSet, sync::Arc};

use super::{Progress, StepProgress, StepState};

/// What has to be undone in the records before a run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// The step.
    pub step: String,
    /// Which trial; absent for the step itself.
    pub trial: Option<u32>,
    /// Where it stands now: waiting, or running for a sweep of which some trials stay done.
    pub state: StepState,
    /// Whether the trials of the step are to be forgotten.
    pub forgets_trials: bool,
}

impl Progress<'_> {
    /// Makes a run that is over go on: steps that are not done wait again, and so do those named in `changed` and all
    /// that come after these. Call [`Progress::advance`] next.
    pub fn again(&mut self, changed: &[String]) -> Vec<Reset> {
        let outdated = self.outdated(changed);
        let mut resets = Vec::new();
        for (name, step) in &mut self.standing.steps {
            if outdated.contains(name) {
                resets.push(forget(name, step));
            } else if step.state != StepState::Done {
                go_on(name, step, &mut resets);
            }
        }
        self.is_cancelled = false;
        self.is_over = false;
        resets
    }

    /// What has changed, and all that comes after it.
    fn outdated(&self, changed: &[String]) -> HashSet<String> {
        let mut outdated: HashSet<String> = changed.iter().cloned().collect();
        loop {
            let is_outdated = |name: &String| self.standing.waits(name).any(|(it, _)| outdated.contains(it));
            let valid = self.steps().keys().filter(|name| !outdated.contains(*name));
            let more: Vec<_> = valid.filter(|name| is_outdated(name)).cloned().collect();
            if more.is_empty() {
                return outdated;
            }
            outdated.extend(more);
        }
    }
}

fn forget(name: &str, step: &mut StepProgress) -> Reset {
    let forgets_trials = !step.trials.is_empty();
    *step = StepProgress::default();
    Reset { step: name.to_owned(), trial: None, state: StepState::Waiting, forgets_trials }
}

/// Of a sweep, the trials that are done stay so; only a sweep whose trials are all done begins anew.
fn go_on(name: &str, step: &mut StepProgress, resets: &mut Vec<Reset>) {
    if step.trials.iter().all(|trial| trial.state == StepState::Done) {
        resets.push(forget(name, step));
        return;
    }
    let reset = |trial, state| Reset { step: name.to_owned(), trial, state, forgets_trials: false };
    step.state = StepState::Running;
    resets.push(reset(None, StepState::Running));
    let trials = Arc::make_mut(&mut step.trials);
    for (trial, number) in trials.iter_mut().zip(0u32..).filter(|(trial, _)| trial.state != StepState::Done) {
        trial.state = StepState::Waiting;
        resets.push(reset(Some(number), StepState::Waiting));
    }
}
