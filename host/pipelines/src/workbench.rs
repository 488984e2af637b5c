//! What the steps of one host share: a folder for what they leave, and one fetch per URL of a run.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use host_core::{RunId, event::Failure};
use tempfile::TempDir;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use crate::workspace::Workspace;

/// Whose turn it is to fetch which URL for which run.
type Turns = HashMap<(RunId, String), Weak<Turn<()>>>;

/// The workbench of one host. Its folder is made by the first step and gone with the host.
#[derive(Debug, Default)]
pub(crate) struct Workbench {
    folder: OnceLock<TempDir>,
    attempts: AtomicU64,
    /// Whose turn it is to fetch, of the URLs that somebody fetches now.
    fetching: Mutex<Turns>,
}

impl Workbench {
    /// Room for one attempt.
    pub(crate) fn workspace(&self) -> Result<Workspace, Failure> {
        let number = self.attempts.fetch_add(1, Ordering::Relaxed);
        Ok(Workspace::at(self.folder()?.path().join(number.to_string())))
    }

    fn folder(&self) -> Result<&TempDir, Failure> {
        if let Some(folder) = self.folder.get() {
            return Ok(folder);
        }
        let made = tempfile::Builder::new().prefix("weft-steps-").tempdir();
        let made = made
            .map_err(|error| Failure::transient("no-workspace", format!("could not make a working folder: {error}")))?;
        // Where two make one at once, the second is removed again.
        Ok(self.folder.get_or_init(|| made))
    }

    /// Waits for the turn to fetch a URL for a run, so that steps that need the same fetch it once.
    pub(crate) async fn turn_to_fetch(&self, run: RunId, url: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
            fetching.retain(|_, turn| turn.strong_count() > 0);
            let turn = fetching.entry((run, url.to_owned())).or_default();
            turn.upgrade().unwrap_or_else(|| {
                let made = Arc::default();
                *turn = Arc::downgrade(&made);
                made
            })
        };
        turn.lock_owned().await
    }
}
