//! What is deployed, as this host answers with it: a revision that another host made active answers here once it is
//! loaded, and the one before until then.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use host_core::{
    Name,
    function::Revision,
    ports::{DeployError, Directory, Functions, Invoke},
};
use tokio::sync::{Mutex, watch};

/// How soon a revision that could not be loaded is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// A directory whose functions are loaded before they answer.
pub struct Prepared {
    stored: Arc<dyn Directory>,
    invoke: Arc<dyn Invoke>,
    snapshot: ArcSwap<Functions>,
    /// The generation that was taken over, and whether a revision of it had to be held back. One at a time takes over.
    taken: Mutex<Taken>,
    generation: watch::Sender<u64>,
}

#[derive(Default)]
struct Taken {
    generation: Option<u64>,
    is_partial: bool,
}

impl Prepared {
    /// Nothing answers before the first [`Directory::refresh`]. [`Prepared::follow`] beside it sees what others change.
    #[must_use]
    pub fn new(stored: Arc<dyn Directory>, invoke: Arc<dyn Invoke>) -> Arc<Self> {
        let (snapshot, taken) = (ArcSwap::default(), Mutex::default());
        Arc::new(Self { stored, invoke, snapshot, taken, generation: watch::Sender::new(0) })
    }

    /// Takes over what changes, `until` it resolves.
    pub async fn follow(self: Arc<Self>, until: impl Future<Output = ()>) {
        let following = async {
            loop {
                self.wait().await;
                self.take_over(self.stored.functions()).await;
            }
        };
        tokio::select! {
            () = until => {}
            () = following => {}
        }
    }

    /// Until there is something to do.
    async fn wait(&self) {
        let (seen, is_partial) = {
            let taken = self.taken.lock().await;
            (taken.generation.unwrap_or(0), taken.is_partial)
        };
        if is_partial {
            // What could not be loaded may be by now; a newer generation waits as long at most.
            tokio::time::sleep(AGAIN).await;
        } else {
            self.stored.changed(seen).await;
        }
    }

    /// Loads what is new, lets it answer, and then lets go what it took the place of.
    async fn take_over(&self, functions: Arc<Functions>) -> Arc<Functions> {
        let mut taken = self.taken.lock().await;
        let before = self.snapshot.load_full();
        let is_known = taken.generation.is_some_and(|known| known >= functions.generation);
        if is_known && !taken.is_partial {
            return before;
        }
        let mut active = functions.active.clone();
        let mut is_partial = false;
        for (key, revision) in &functions.active {
            let serving = before.active.get(key);
            if serving.is_some_and(|it| it.id == revision.id) || self.load(revision).await {
                continue;
            }
            // Where nothing answered before, callers are told why this one does not.
            if let Some(serving) = serving {
                active.insert(key.clone(), Arc::clone(serving));
                is_partial = true;
            }
        }
        let now = Arc::new(Functions { generation: functions.generation, active });
        self.snapshot.store(Arc::clone(&now));
        *taken = Taken { generation: Some(functions.generation), is_partial };
        self.generation.send_replace(functions.generation);
        self.let_go(&before.active, &now.active);
        now
    }

    async fn load(&self, revision: &Arc<Revision>) -> bool {
        let prepared = self.invoke.prepare(revision).await;
        if let Err(error) = &prepared {
            tracing::error!(
                project = %revision.project, function = %revision.function, revision = revision.number, %error,
                "could not load a deployed function; the revision before goes on answering where there is one"
            );
        }
        prepared.is_ok()
    }

    fn let_go(&self, before: &Active, now: &Active) {
        for (key, revision) in before {
            if now.get(key).is_none_or(|it| it.id != revision.id) {
                self.invoke.retire(revision.id);
            }
        }
    }
}

/// The active revision of each function of each project.
type Active = HashMap<(Name, Name), Arc<Revision>>;

#[async_trait]
impl Directory for Prepared {
    fn functions(&self) -> Arc<Functions> {
        self.snapshot.load_full()
    }

    fn is_current(&self, functions: &Arc<Functions>) -> bool {
        Arc::ptr_eq(&self.snapshot.load(), functions)
    }

    async fn refresh(&self) -> Result<Arc<Functions>, DeployError> {
        let functions = self.stored.refresh().await?;
        Ok(self.take_over(functions).await)
    }

    async fn changed(&self, seen: u64) {
        // The sender lives as long as this does.
        let _ = self.generation.subscribe().wait_for(|generation| *generation > seen).await;
    }
}

#[cfg(test)]
mod tests;
