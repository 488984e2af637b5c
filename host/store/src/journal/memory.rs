//! What is remembered of the runs that changed lately, so that the next change need not read all of their steps again.
//!
//! Nothing here is believed without asking: a run counts its changes in its row, and what is remembered holds for one
//! count only. Another host's change, or one of whose end nobody knows, has another.

use std::{collections::VecDeque, sync::Arc};

use host_core::{RunId, pipeline::Standing, run::NewRun};
use parking_lot::Mutex;

/// How many runs are remembered.
const RUNS: usize = 64;
/// How many steps and trials they have together; a run that has more by itself is remembered alone.
const STEPS: usize = 50_000;

/// A run as it stood after so many changes.
#[derive(Clone)]
pub(crate) struct Known {
    pub(super) changes: i64,
    pub(super) run: Arc<NewRun>,
    pub(super) standing: Standing,
}

/// The runs that changed lately, the last one at the end.
#[derive(Default)]
pub(crate) struct Memory {
    known: Mutex<VecDeque<Known>>,
}

impl Memory {
    /// The run, if it has been left alone since.
    pub(super) fn recall(&self, run: RunId, changes: i64) -> Option<Known> {
        self.known.lock().iter().find(|it| it.run.id == run && it.changes == changes).cloned()
    }

    /// Remembers a run, in the place of what was known of it.
    pub(super) fn keep(&self, known: Known) {
        let mut all = self.known.lock();
        forget(&mut all, known.run.id);
        all.push_back(known);
        let mut size: usize = all.iter().map(|it| it.standing.size()).sum();
        while all.len() > 1 && (all.len() > RUNS || size > STEPS) {
            size -= all.pop_front().map_or(0, |it| it.standing.size());
        }
    }

    /// Forgets a run that changes no more.
    pub(crate) fn forget(&self, run: RunId) {
        forget(&mut self.known.lock(), run);
    }
}

fn forget(all: &mut VecDeque<Known>, run: RunId) {
    if let Some(at) = all.iter().position(|it| it.run.id == run) {
        all.remove(at);
    }
}
