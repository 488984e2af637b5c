//! What every route can reach.

use std::{sync::Arc, time::Duration};

use host_core::{
    budget::Budget,
    clock::Clock,
    identity::{Access, Attempts},
    ports::{Artifacts, Directory, Dispatch, Models, Score, Secrets, Sources},
    trust::PublicKey,
};
use host_dispatch::{Endpoints, Release};
use host_pipelines::Runs;
use host_store::Store;
use host_wire::config::Setting;
use marketplace::registry::Registry;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{Config, metrics::Counts};

/// The rooms that the control plane speaks for.
pub struct Rooms {
    /// What is deployed and what has run.
    pub store: Store,
    /// Bytes.
    pub artifacts: Arc<dyn Artifacts>,
    /// What is deployed, from memory.
    pub directory: Arc<dyn Directory>,
    /// The model registry.
    pub models: Arc<dyn Models>,
    /// The road to guests and models.
    pub dispatch: Arc<dyn Dispatch>,
    /// What brings revisions into service.
    pub release: Arc<Release>,
    /// The names models are served under; the same that the dispatcher reads.
    pub endpoints: Arc<Endpoints>,
    /// Loaded models.
    pub score: Arc<dyn Score>,
    /// Secrets.
    pub secrets: Arc<dyn Secrets>,
    /// The key of whoever signed the library that came with this host.
    pub library: Option<PublicKey>,
    /// Runs.
    pub runs: Runs,
    /// Packages.
    pub registry: Arc<Registry>,
    /// Triggers that run.
    pub sources: Arc<dyn Sources>,
    /// How much of request bodies the host holds at once, whoever reads them.
    pub bodies: Arc<Budget>,
    /// How this host is reached, and what it demands of those who reach it.
    pub access: Access,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// The configuration in force, for people.
    pub settings: Vec<Setting>,
    /// Set when this host shuts down: it is not ready any more, and streams end.
    pub stop: CancellationToken,
}

/// What every route can reach. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

struct Inner {
    config: Config,
    rooms: Rooms,
    uploads: Semaphore,
    followers: Arc<Semaphore>,
    attempts: Mutex<Attempts>,
    counts: tokio::sync::Mutex<Counts>,
}

impl AppState {
    /// The state of a control plane that nobody has asked anything yet.
    #[must_use]
    pub fn new(config: Config, rooms: Rooms) -> Self {
        let uploads = Semaphore::new(config.max_uploads as usize);
        let followers = Arc::new(Semaphore::new(config.max_followers as usize));
        let attempts = Mutex::new(Attempts::new(config.max_failures, Duration::from_secs(60)));
        Self(Arc::new(Inner { config, rooms, uploads, followers, attempts, counts: tokio::sync::Mutex::default() }))
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    /// Places for uploads.
    pub(crate) fn uploads(&self) -> &Semaphore {
        &self.0.uploads
    }

    /// Tokens of no use, by the address they came from.
    pub(crate) fn attempts(&self) -> &Mutex<Attempts> {
        &self.0.attempts
    }

    /// The calls of this host, added up.
    pub(crate) fn counts(&self) -> &tokio::sync::Mutex<Counts> {
        &self.0.counts
    }

    /// Places for those who follow something.
    pub(crate) fn followers(&self) -> &Arc<Semaphore> {
        &self.0.followers
    }
}

impl std::ops::Deref for AppState {
    type Target = Rooms;

    fn deref(&self) -> &Rooms {
        &self.0.rooms
    }
}
