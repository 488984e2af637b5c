//! A host in one process: every room, joined by core's ports.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::Router;
use host_api::{AppState, Rooms};
use host_capabilities::fetch::Fetcher;
use host_core::{
    clock::{Clock, SystemClock},
    function::Revision,
    ports::{Artifacts, Deployments, Directory, Dispatch, Invoke, Models, Recorder, Score},
    run::Platform,
};
use host_dispatch::{Dispatcher, Endpoints, Parts, Release};
use host_engine::Engine;
use host_inference::LoadedModels;
use host_pipelines::{Runs, Scheduler, Services};
use host_store::{ArtifactStore, Store};
use host_triggers::http::Http;
use host_wire::config::Setting;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::registry::Registry;
use crate::config::Config;

/// Where a host keeps things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the data folder, or in Postgres.
    Disk,
    /// In memory, gone with the process; only compiled code is kept in the data folder.
    Memory,
}

/// Every room of one host.
pub(crate) struct Host {
    pub(crate) store: Store,
    pub(crate) artifacts: Arc<ArtifactStore>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) models: Arc<LoadedModels>,
    pub(crate) endpoints: Arc<Endpoints>,
    registry: Arc<dyn Models>,
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) release: Arc<Release>,
    pub(crate) scheduler: Arc<Scheduler>,
    config: Config,
}

impl Host {
    /// Opens the store, starts the engine, and prepares what is deployed. Nothing listens yet.
    pub(crate) async fn build(config: Config, place: Place) -> Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (store, artifacts) = open(&config, place, clock.clone()).await?;
        let models = LoadedModels::new(config.inference.clone(), Arc::new(store.clone()), artifacts.clone());
        let score: Arc<dyn Score> = models.clone();
        let bytes: Arc<dyn Artifacts> = artifacts.clone();
        let engine =
            Engine::new(config.engine.clone(), store.recorder(), clock.clone(), bytes.clone(), Some(score.clone()))
                .context("could not start the engine")?;
        for warning in engine.warnings() {
            tracing::warn!("{warning}");
        }
        let stored: Arc<dyn Models> = Arc::new(store.clone());
        let deployments: Arc<dyn Deployments> = Arc::new(store.clone());
        let directory: Arc<dyn Directory> = store.directory();
        let recorder: Arc<dyn Recorder> = store.recorder();
        let invoke: Arc<dyn Invoke> = engine.clone();
        let endpoints = Arc::new(Endpoints::new(stored.clone()));
        let registry: Arc<dyn Models> =
            Arc::new(Registry { stored, loaded: models.clone(), endpoints: endpoints.clone() });
        let parts = Parts {
            directory: directory.clone(),
            deployments: deployments.clone(),
            invoke: invoke.clone(),
            score: score.clone(),
            endpoints: endpoints.clone(),
            recorder,
            clock: clock.clone(),
        };
        let dispatcher = Arc::new(Dispatcher::new(config.dispatch.clone(), parts));
        let release =
            Arc::new(Release::new(bytes.clone(), deployments.clone(), directory.clone(), invoke, clock.clone()));
        let dispatch: Arc<dyn Dispatch> = dispatcher.clone();
        let services = Services {
            journal: Arc::new(store.clone()),
            artifacts: bytes,
            dispatch,
            deployments,
            directory,
            models: registry.clone(),
            score,
            fetch: Arc::new(Fetcher::new(&config.fetch).context("could not make the fetcher")?),
            clock,
            platform: platform(),
        };
        let scheduler = Scheduler::new(services, config.pipelines.clone());
        Ok(Self { store, artifacts, engine, models, endpoints, registry, dispatcher, release, scheduler, config })
    }

    /// Loads what is deployed and starts the tasks behind the scenes; they end with `stop`.
    pub(crate) async fn start(&self, stop: &CancellationToken) -> Result<TaskTracker> {
        self.models.refresh().await.context("could not read the models")?;
        self.endpoints.refresh().await.context("could not read the endpoints")?;
        self.prepare().await?;
        let tasks = TaskTracker::new();
        tasks.spawn(self.scheduler.clone().run(stop.clone()));
        tasks.spawn(self.models.clone().follow(stop.clone().cancelled_owned()));
        let (endpoints, until) = (self.endpoints.clone(), stop.clone());
        tasks.spawn(async move { endpoints.watch(Duration::from_secs(1), until).await });
        tasks.close();
        Ok(tasks)
    }

    /// Compiles and loads every active revision, so that no call waits for it.
    async fn prepare(&self) -> Result<()> {
        let functions = self.store.directory().refresh().await.context("could not read the functions")?;
        for revision in functions.active.values() {
            self.prepare_one(revision).await;
        }
        Ok(())
    }

    async fn prepare_one(&self, revision: &Arc<Revision>) {
        if let Err(error) = self.engine.prepare(revision).await {
            tracing::error!(function = %revision.function, revision = revision.number, %error, "could not load a deployed function");
        }
    }

    /// Everything this host answers: control plane, inference, functions. It is not ready any more after `stop`.
    pub(crate) fn router(&self, settings: Vec<Setting>, stop: &CancellationToken) -> Router {
        let dispatch: Arc<dyn Dispatch> = self.dispatcher.clone();
        let rooms = Rooms {
            store: self.store.clone(),
            artifacts: self.artifacts.clone(),
            directory: self.store.directory(),
            models: self.registry.clone(),
            dispatch: dispatch.clone(),
            release: self.release.clone(),
            endpoints: self.endpoints.clone(),
            score: self.models.clone(),
            runs: Runs::new(self.scheduler.clone()),
            clock: Arc::new(SystemClock),
            settings,
            stop: stop.clone(),
        };
        let functions = Http::new(self.config.http.clone(), self.store.directory(), dispatch);
        host_api::router(AppState::new(self.config.api.clone(), rooms))
            .fallback(move |request| async move { functions.answer(request).await })
    }

    /// Lets nobody in any more, and waits for calls and steps in flight.
    pub(crate) async fn drain(&self, stop: &CancellationToken, most: Duration) {
        stop.cancel();
        let (left, ()) = tokio::join!(self.dispatcher.drain(most), self.scheduler.drain(most));
        if left > 0 {
            tracing::warn!(left, "stopping with calls in flight");
        }
    }

    /// Writes what is left to write.
    pub(crate) async fn close(&self) {
        self.store.close().await;
    }
}

async fn open(config: &Config, place: Place, clock: Arc<dyn Clock>) -> Result<(Store, Arc<ArtifactStore>)> {
    let (store, artifacts) = match place {
        Place::Disk => {
            let artifacts = ArtifactStore::open(&config.data.join("artifacts"), clock.as_ref()).await;
            (Store::open(&config.store, clock).await, artifacts)
        }
        Place::Memory => (Store::memory(clock).await, ArtifactStore::memory().await),
    };
    let store = store.context("could not open the store")?;
    let artifacts = artifacts.context("could not open the artifact store")?;
    store.adopt(&artifacts).await.context("could not use this artifact store")?;
    Ok((store, Arc::new(artifacts)))
}

/// What computes, for the record of runs.
fn platform() -> Platform {
    let (version, cpu_features) = Engine::platform();
    Platform {
        release: env!("CARGO_PKG_VERSION").to_owned(),
        engine: version,
        inference: host_inference::BACKEND.to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        cpu_features,
    }
}
