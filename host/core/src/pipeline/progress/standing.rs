//! Where a run stands: all that has to be remembered of it between two changes.

use std::sync::Arc;

use indexmap::IndexMap;

use super::{StepProgress, TrialProgress};
use crate::{pipeline::Pipeline, run::StepKey};

/// Where every step of a run stands. Copies share what is large, so that one costs little.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub(super) steps: IndexMap<String, StepProgress>,
    /// What each step waits for, both by their place in the pipeline. To find out takes longer than to remember.
    waits: Arc<Vec<Vec<usize>>>,
}

impl Standing {
    /// Steps that are not named wait.
    pub(super) fn of(pipeline: &Pipeline, mut so_far: IndexMap<String, StepProgress>) -> Self {
        let named = pipeline.steps.keys();
        let steps = named.map(|name| (name.clone(), so_far.swap_remove(name).unwrap_or_default())).collect();
        let dependencies = pipeline.dependencies();
        let place = |name: &str| pipeline.steps.get_index_of(name);
        let waits = pipeline.steps.keys().map(|name| {
            let upstream = dependencies.get(name.as_str()).into_iter().flatten();
            upstream.filter_map(|it| place(it)).collect()
        });
        Self { steps, waits: Arc::new(waits.collect()) }
    }

    /// What a step waits for.
    pub(super) fn waits(&self, name: &str) -> impl Iterator<Item = (&String, &StepProgress)> + Clone {
        let places = self.steps.get_index_of(name).and_then(|place| self.waits.get(place));
        places.into_iter().flatten().filter_map(|place| self.steps.get_index(*place))
    }

    /// How many steps and trials there are.
    #[must_use]
    pub fn size(&self) -> usize {
        self.steps.values().map(|step| 1 + step.trials.len()).sum()
    }
}

/// Puts steps together with their trials.
pub(super) fn joined(all: impl IntoIterator<Item = (StepKey, TrialProgress)>) -> IndexMap<String, StepProgress> {
    let mut steps: IndexMap<String, StepProgress> = IndexMap::new();
    let mut trials = Vec::new();
    for (key, it) in all {
        match key.trial {
            Some(number) => trials.push((number, key.step, it)),
            None => {
                let TrialProgress { state, results, outputs, .. } = it;
                steps.insert(key.step, StepProgress { state, results, outputs, trials: Arc::default() });
            }
        }
    }
    trials.sort_by_key(|(number, ..)| *number);
    for (_, step, trial) in trials {
        Arc::make_mut(&mut steps.entry(step).or_default().trials).push(trial);
    }
    steps
}
