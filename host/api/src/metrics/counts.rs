//! Calls of this host since it started, by function: what a counter showed once stays, whatever becomes of revisions.

use std::collections::HashMap;

use host_core::{
    Name, RevisionId,
    ports::{DeployError, Deployments as _},
    record::Verdict,
};
use host_store::{Counted, Store};

/// Whose calls, and how they ended.
pub(crate) type Of = (Name, Name, Verdict);

/// Calls that were added up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) calls: u64,
    pub(crate) events: u64,
    pub(crate) duration_us: u64,
}

/// The calls of every function.
#[derive(Default)]
pub(crate) struct Counts {
    all: HashMap<Of, Count>,
    /// What was counted and is not added: the store could not say whose it is.
    pending: Vec<Counted>,
    /// Whose revisions were called lately: project and function, which never change.
    named: HashMap<RevisionId, (Name, Name)>,
}

impl Counts {
    /// Adds what was counted since the last time.
    pub(crate) async fn add(&mut self, store: &Store) -> Result<(), DeployError> {
        self.pending.extend(store.recorder().take_counted());
        let mut named = HashMap::new();
        while let Some(counted) = self.pending.last() {
            let known = self.named.get(&counted.revision).or_else(|| named.get(&counted.revision)).cloned();
            let whose = match known {
                Some(known) => Some(known),
                None => whose(store, counted.revision).await?,
            };
            let Some(counted) = self.pending.pop() else { break };
            // Collected as garbage before anybody asked.
            let Some((project, function)) = whose else { continue };
            named.insert(counted.revision, (project.clone(), function.clone()));
            let count = self.all.entry((project, function, counted.verdict)).or_default();
            count.calls += counted.calls;
            count.events += counted.events;
            count.duration_us += counted.duration_us;
        }
        self.named = named;
        Ok(())
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Of, &Count)> {
        self.all.iter()
    }
}

async fn whose(store: &Store, id: RevisionId) -> Result<Option<(Name, Name)>, DeployError> {
    match store.revision_by_id(id).await {
        Ok(revision) => Ok(Some((revision.project.clone(), revision.function.clone()))),
        Err(DeployError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
