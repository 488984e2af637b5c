//! What every route can reach.

use std::sync::Arc;

use host_core::{
    clock::Clock,
    ports::{Artifacts, Directory, Dispatch, Models, Score},
};
use host_dispatch::{Endpoints, Release};
use host_pipelines::Runs;
use host_store::Store;
use host_wire::config::Setting;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::Config;

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
    /// Runs.
    pub runs: Runs,
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
}

impl AppState {
    /// The state of a control plane that nobody has asked anything yet.
    #[must_use]
    pub fn new(config: Config, rooms: Rooms) -> Self {
        let uploads = Semaphore::new(config.max_uploads as usize);
        let followers = Arc::new(Semaphore::new(config.max_followers as usize));
        Self(Arc::new(Inner { config, rooms, uploads, followers }))
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    /// Places for uploads.
    pub(crate) fn uploads(&self) -> &Semaphore {
        &self.0.uploads
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
