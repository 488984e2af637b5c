//! A host in one process: every room, joined by core's ports.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::Router;
use host_api::{AppState, Rooms};
use host_capabilities::fetch::Fetcher;
use host_core::{
    budget::Budget,
    clock::{Clock, SystemClock},
    ports::{Artifacts, Deployments, Directory, Dispatch, Fetch, Invoke, Later, Models, Recorder, Score, Secrets},
    run::Platform,
};
use host_dispatch::{Dispatcher, Endpoints, Parts, Release, release::Prepared};
use host_engine::Engine;
use host_inference::LoadedModels;
use host_pipelines::{Runs, Scheduler, Services};
use host_store::{ArtifactStore, Store, StoreSecrets, objects::ObjectFetcher};
use host_triggers::{
    Check, Publishers,
    http::{Guard, Http, Keeping},
};
use host_wire::config::Setting;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{callbacks::Callbacks, front::Front, registry::Registry, triggers::Triggers};
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
    pub(crate) models: Arc<LoadedModels>,
    pub(crate) endpoints: Arc<Endpoints>,
    directory: Arc<Prepared>,
    /// Makes requests that were kept.
    calls: Arc<Http>,
    registry: Arc<dyn Models>,
    secrets: Arc<dyn Secrets>,
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) release: Arc<Release>,
    /// Looks into components.
    pub(crate) invoke: Arc<dyn Invoke>,
    pub(crate) scheduler: Arc<Scheduler>,
    pub(crate) triggers: Triggers,
    publishers: Arc<Publishers>,
    /// Packages that this host offers.
    pub(super) packages: Arc<marketplace::registry::Registry>,
    config: Config,
}

/// What stands by itself, and what the rest is built upon.
struct Ground {
    store: Store,
    artifacts: Arc<ArtifactStore>,
    models: Arc<LoadedModels>,
    secrets: Arc<dyn Secrets>,
    publishers: Arc<Publishers>,
    engine: Arc<Engine>,
    packages: Arc<marketplace::registry::Registry>,
}

impl Ground {
    /// Opens the store and starts the engine.
    async fn lay(config: &Config, place: Place, clock: &Arc<dyn Clock>) -> Result<Self> {
        let (store, artifacts) = open(config, place, clock.clone()).await?;
        let models = LoadedModels::new(config.inference.clone(), Arc::new(store.clone()), artifacts.clone());
        let secrets = secrets(config, place, &store).await;
        let publishers = Publishers::new();
        let parts = host_engine::Parts {
            recorder: store.recorder(),
            clock: clock.clone(),
            artifacts: artifacts.clone(),
            score: Some(models.clone()),
            secrets: secrets.clone(),
            state: super::state::open(config, place, &store).await?,
            publish: publishers.clone(),
        };
        let engine = engine(config, parts)?;
        let packages = super::packages::registry(config, place, &store, &artifacts, engine.clone())?;
        Ok(Self { store, artifacts, models, secrets, publishers, engine, packages })
    }
}

impl Host {
    /// Opens the store, starts the engine, and prepares what is deployed. Nothing listens yet.
    pub(crate) async fn build(config: Config, place: Place) -> Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let Ground { store, artifacts, models, secrets, publishers, engine, packages } =
            Ground::lay(&config, place, &clock).await?;
        let (score, bytes): (Arc<dyn Score>, Arc<dyn Artifacts>) = (models.clone(), artifacts.clone());
        let deployments: Arc<dyn Deployments> = Arc::new(store.clone());
        let recorder: Arc<dyn Recorder> = store.recorder();
        let invoke: Arc<dyn Invoke> = engine.clone();
        let prepared = Prepared::new(store.directory(), invoke.clone());
        let directory: Arc<dyn Directory> = prepared.clone();
        let (endpoints, registry) = registry(&store, &models);
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
            Release::new(bytes.clone(), deployments.clone(), directory.clone(), invoke.clone(), clock.clone());
        let release = release.checked_by(Arc::new(Check::new(config.triggers.clone(), secrets.clone())));
        let dispatch: Arc<dyn Dispatch> = dispatcher.clone();
        let calls = calls(&config, directory.clone(), dispatch.clone());
        let services = Services {
            journal: Arc::new(store.clone()),
            artifacts: bytes,
            dispatch: dispatch.clone(),
            deployments,
            directory: directory.clone(),
            models: registry.clone(),
            score,
            secrets: secrets.clone(),
            fetch: fetch(&config, Fetcher::new(&config.fetch, engine.outgoing()))?,
            answer: calls.clone(),
            notify: Arc::new(Callbacks(engine.outgoing().clone())),
            occasions: Arc::new(store.clone()),
            standing: Arc::new(store.clone()),
            letters: Arc::new(store.clone()),
            clock,
            platform: platform(),
        };
        let registry_of_streams = super::triggers::registry(&store, &services, &config);
        let scheduler = Scheduler::new(services, config.pipelines.clone());
        let rooms = super::triggers::rooms(&store, directory, dispatch, secrets.clone(), &scheduler);
        if place == Place::Disk {
            publishers.open(super::triggers::roads(&rooms, &config.triggers, &scheduler));
        }
        let triggers = Triggers::new(rooms, &config.triggers, registry_of_streams);
        Ok(Self {
            store,
            artifacts,
            models,
            endpoints,
            directory: prepared,
            calls,
            registry,
            secrets,
            dispatcher,
            release: Arc::new(release),
            invoke,
            scheduler,
            triggers,
            publishers,
            packages,
            config,
        })
    }

    /// Loads what is deployed and starts the tasks behind the scenes; they end with `stop`.
    pub(crate) async fn start(&self, stop: &CancellationToken) -> Result<TaskTracker> {
        self.models.refresh().await.context("could not read the models")?;
        self.endpoints.refresh().await.context("could not read the endpoints")?;
        // Compiles and loads every active revision, so that no call waits for it.
        self.directory.refresh().await.context("could not read the functions")?;
        let tasks = TaskTracker::new();
        tasks.spawn(self.directory.clone().follow(stop.clone().cancelled_owned()));
        tasks.spawn(self.scheduler.clone().run(stop.clone()));
        tasks.spawn(self.models.clone().follow(stop.clone().cancelled_owned()));
        let (endpoints, until) = (self.endpoints.clone(), stop.clone());
        tasks.spawn(async move { endpoints.watch(Duration::from_secs(1), until).await });
        tasks.close();
        Ok(tasks)
    }

    /// The same as [`Host::front`], for who listens to no port.
    pub(crate) fn router(&self, settings: Vec<Setting>, stop: &CancellationToken) -> Router {
        self.front(settings, stop).into_router()
    }

    /// Everything this host answers: control plane, inference, functions. It is not ready any more after `stop`.
    pub(crate) fn front(&self, settings: Vec<Setting>, stop: &CancellationToken) -> Front {
        let dispatch: Arc<dyn Dispatch> = self.dispatcher.clone();
        let bodies = Budget::new(self.config.http.buffered);
        let state = self.state(settings, bodies.clone(), stop);
        let guard = Guard::new(self.config.access(), self.store.keyring(), self.secrets.clone());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let functions = Http::new(self.config.http.clone(), self.directory.clone(), dispatch, bodies, clock, guard);
        let later: Arc<dyn Later> = Arc::new(Runs::new(self.scheduler.clone()));
        functions.keep_with(Keeping { calls: self.calls.clone(), later, keys: Arc::new(self.store.clone()) });
        Front::new(host_api::router(state), functions)
    }

    /// What a host answers that is a registry and nothing else.
    pub(crate) fn registry_front(&self, settings: Vec<Setting>, stop: &CancellationToken) -> Front {
        let bodies = Budget::new(self.config.http.buffered);
        Front::only(host_api::registry_router(self.state(settings, bodies, stop)))
    }

    fn state(&self, settings: Vec<Setting>, bodies: Arc<Budget>, stop: &CancellationToken) -> AppState {
        let rooms = Rooms {
            store: self.store.clone(),
            artifacts: self.artifacts.clone(),
            directory: self.directory.clone(),
            models: self.registry.clone(),
            dispatch: self.dispatcher.clone(),
            release: self.release.clone(),
            endpoints: self.endpoints.clone(),
            score: self.models.clone(),
            secrets: self.secrets.clone(),
            registry: self.packages.clone(),
            library: super::trust::library_key(&self.config.marketplace),
            runs: Runs::new(self.scheduler.clone()),
            sources: self.triggers.sources(),
            bodies,
            access: self.config.access(),
            clock: Arc::new(SystemClock),
            settings,
            stop: stop.clone(),
        };
        AppState::new(self.config.api.clone(), rooms)
    }

    /// Lets nobody in any more, and waits for calls and steps in flight.
    pub(crate) async fn drain(&self, stop: &CancellationToken, most: Duration) {
        stop.cancel();
        // What triggers have in flight still finds the road open.
        self.triggers.drain(most).await;
        let (left, ()) = tokio::join!(self.dispatcher.drain(most), self.scheduler.drain(most));
        if left > 0 {
            tracing::warn!(left, "stopping with calls in flight");
        }
        self.publishers.close();
    }

    /// Writes what is left to write.
    pub(crate) async fn close(&self) {
        self.store.close().await;
    }
}

/// The registry of models as rooms see it, and the names that models are served under.
fn registry(store: &Store, loaded: &Arc<LoadedModels>) -> (Arc<Endpoints>, Arc<dyn Models>) {
    let stored: Arc<dyn Models> = Arc::new(store.clone());
    let endpoints = Arc::new(Endpoints::new(stored.clone()));
    let registry = Registry { stored, loaded: loaded.clone(), endpoints: endpoints.clone() };
    (endpoints, Arc::new(registry))
}

/// Starts the engine, and tells what of this machine holds it back.
fn engine(config: &Config, parts: host_engine::Parts) -> Result<Arc<Engine>> {
    let engine = Engine::new(config.engine.clone(), parts).context("could not start the engine")?;
    for warning in engine.warnings() {
        tracing::warn!("{warning}");
    }
    Ok(engine)
}

/// Makes requests that were kept, whoever sent them: they were let in when they came.
fn calls(config: &Config, directory: Arc<dyn Directory>, dispatch: Arc<dyn Dispatch>) -> Arc<Http> {
    let bodies = Budget::new(config.http.buffered);
    Http::new(config.http.clone(), directory, dispatch, bodies, Arc::new(SystemClock), Guard::open())
}

/// Objects by the store's client, everything else by `web`.
fn fetch(config: &Config, web: Fetcher) -> Result<Arc<dyn Fetch>> {
    let own = config.store.artifacts.as_deref();
    let objects = ObjectFetcher::new(config.objects.clone(), own, config.fetch.size.0, Arc::new(web));
    Ok(Arc::new(objects.context("could not read an address of an object store in the configuration")?))
}

async fn open(config: &Config, place: Place, clock: Arc<dyn Clock>) -> Result<(Store, Arc<ArtifactStore>)> {
    let (store, artifacts) = match place {
        Place::Disk => {
            let artifacts = ArtifactStore::configured(&config.store, &config.objects, &config.data, clock.as_ref());
            let artifacts = artifacts.await;
            (Store::open(&config.store, clock).await, artifacts)
        }
        Place::Memory => (Store::memory(clock).await, ArtifactStore::memory().await),
    };
    let store = store.context("could not open the store")?;
    let artifacts = artifacts.context("could not open the artifact store")?;
    store.adopt(&artifacts).await.context("could not use this artifact store")?;
    Ok((store, Arc::new(artifacts)))
}

/// The secrets of the store. A key that is missing or does not fit is told now, and to whoever needs a secret.
async fn secrets(config: &Config, place: Place, store: &Store) -> Arc<dyn Secrets> {
    let secrets = StoreSecrets::start(store, super::keys::source(config, place), &config.secrets);
    if let Err(error) = secrets.check().await {
        tracing::error!(%error, "secrets cannot be read");
    }
    secrets
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
