//! From a name to the revision that answers, and to the gate in front of it.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use arc_swap::ArcSwap;
use foldhash::fast::RandomState;
use host_core::{
    Name, RevisionId,
    event::{Failure, code},
    function::{FunctionRef, Revision},
    ports::{DeployError, Deployments, Directory, Functions, Invoke},
};
use parking_lot::Mutex;

use crate::admit::Gate;

/// A revision and the gate in front of it.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    /// The code.
    pub(crate) revision: Arc<Revision>,
    /// Shared by every table that knows the revision, so that its limit holds across deploys.
    pub(crate) gate: Arc<Gate>,
}

/// Finds revisions: the active ones in memory, others by number in the store.
pub(crate) struct Resolver {
    directory: Arc<dyn Directory>,
    deployments: Arc<dyn Deployments>,
    invoke: Arc<dyn Invoke>,
    table: ArcSwap<Table>,
    gates: Mutex<HashMap<RevisionId, Weak<Gate>>>,
    most_pinned: usize,
}

/// What is deployed, with gates; made anew whenever the directory changed.
#[derive(Default)]
struct Table {
    of: Arc<Functions>,
    active: HashMap<(Name, Name), Slot, RandomState>,
    pinned: Mutex<HashMap<(Name, Name, u64), Slot>>,
}

impl Resolver {
    pub(crate) fn new(
        directory: Arc<dyn Directory>,
        deployments: Arc<dyn Deployments>,
        invoke: Arc<dyn Invoke>,
        most_pinned: usize,
    ) -> Self {
        let (table, gates) = (ArcSwap::default(), Mutex::default());
        Self { directory, deployments, invoke, table, gates, most_pinned }
    }

    /// The revision that `function` means, and its gate.
    pub(crate) async fn resolve(&self, project: Name, function: FunctionRef) -> Result<Slot, Failure> {
        let key = (project, function.name);
        {
            let table = self.table.load();
            if self.directory.is_current(&table.of)
                && let Some(slot) = table.active.get(&key)
                && function.revision.is_none_or(|number| number == slot.revision.number)
            {
                return Ok(slot.clone());
            }
        }
        let table = self.table_of(self.directory.functions());
        match (table.active.get(&key), function.revision) {
            (Some(slot), None) => Ok(slot.clone()),
            (Some(slot), Some(number)) if number == slot.revision.number => Ok(slot.clone()),
            (None, None) => Err(not_found(&format!("function `{}` of project `{}`", key.1, key.0))),
            // Boxed, because it is rare and would make room for itself in every call.
            (_, Some(number)) => Box::pin(self.pinned(&table, key, number)).await,
        }
    }

    /// The table of `functions`, made where it is not the present one.
    fn table_of(&self, functions: Arc<Functions>) -> Arc<Table> {
        let present = self.table.load_full();
        if Arc::ptr_eq(&present.of, &functions) {
            return present;
        }
        let active = functions.active.iter().map(|(key, revision)| (key.clone(), self.slot(revision))).collect();
        let table = Arc::new(Table { of: functions, active, pinned: Mutex::default() });
        self.table.store(Arc::clone(&table));
        self.gates.lock().retain(|_, gate| gate.strong_count() > 0);
        table
    }

    /// A revision by its number. It is loaded here, because nobody loaded it when the host started.
    async fn pinned(&self, table: &Table, (project, name): (Name, Name), number: u64) -> Result<Slot, Failure> {
        let key = (project, name, number);
        if let Some(slot) = table.pinned.lock().get(&key) {
            return Ok(slot.clone());
        }
        let reference = FunctionRef { name: key.1.clone(), revision: Some(number) };
        let revision = self.deployments.revision(&key.0, &reference).await.map_err(|error| failure_of(&error))?;
        if let Err(error) = self.invoke.prepare(&revision).await {
            return Err(Failure::transient(code::UNAVAILABLE, format!("{reference} cannot be loaded: {error}")));
        }
        let slot = self.slot(&revision);
        let mut pinned = table.pinned.lock();
        if pinned.len() >= self.most_pinned {
            pinned.clear();
        }
        pinned.insert(key, slot.clone());
        Ok(slot)
    }

    fn slot(&self, revision: &Arc<Revision>) -> Slot {
        let mut gates = self.gates.lock();
        let known = gates.get(&revision.id).and_then(Weak::upgrade);
        let gate = known.unwrap_or_else(|| {
            let gate = Arc::new(Gate::new(revision.manifest.limits.concurrency.max(1)));
            gates.insert(revision.id, Arc::downgrade(&gate));
            gate
        });
        Slot { revision: Arc::clone(revision), gate }
    }
}

fn not_found(what: &str) -> Failure {
    Failure::invalid(code::NOT_FOUND, format!("{what} is not deployed"))
}

fn failure_of(error: &DeployError) -> Failure {
    match error {
        DeployError::NotFound(what) => not_found(what),
        other => Failure::transient(code::UNAVAILABLE, other.to_string()),
    }
}
