//! A host of one room: the scheduler with its journal, and everything it needs beside it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use host_core::{
    Digest, Name, RunId,
    clock::ManualClock,
    function::{Entries, Revision},
    manifest::Manifest,
    ports::{Artifacts as _, Deployments as _, Journal as _, NewRevision, NoSecrets, Wake as _, WakeError, Wakening},
    run::{Platform, Run, RunState, Source, StepRecord},
};
use host_pipelines::{Config, Runs, Scheduler, Services, Submission, Work};
use host_store::{ArtifactStore, Store};
use jiff::SignedDuration;
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::{
    fakes::{Guests, Scores, Web},
    flaky::Flaky,
};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Place {
    pub(crate) store: Store,
    pub(crate) journal: Arc<Flaky>,
    pub(crate) artifacts: Arc<ArtifactStore>,
    pub(crate) clock: ManualClock,
    pub(crate) guests: Arc<Guests>,
    pub(crate) web: Arc<Web>,
    pub(crate) scores: Arc<Scores>,
    pub(crate) scheduler: Arc<Scheduler>,
    pub(crate) runs: Runs,
    config: Config,
    stop: CancellationToken,
    folder: Arc<TempDir>,
}

impl Place {
    /// Has a function woken by one event.
    pub(crate) async fn wake(&self, wakening: Wakening) -> Result<RunId, WakeError> {
        Ok(self.runs.wake(vec![wakening]).await?.remove(0))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Quick to notice everything; leases end only when the clock is moved.
pub(crate) fn quick() -> Config {
    Config { steps_at_once: 4, lease_ms: 60_000, heartbeat_ms: 10, poll_ms: 2, track_ms: 2, ..Config::default() }
}

/// Notices only what it is told.
pub(crate) fn deaf() -> Config {
    const HOUR: u64 = 3_600_000;
    Config { steps_at_once: 1, lease_ms: 10 * HOUR, heartbeat_ms: HOUR, poll_ms: HOUR, ..quick() }
}

impl Place {
    pub(crate) async fn new() -> Self {
        Self::with(quick()).await
    }

    /// A place with the functions `make` and `copy`: one output `data` each, and an input `data` for the second.
    pub(crate) async fn with(config: Config) -> Self {
        let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
        let store = Store::memory(Arc::new(clock.clone())).await.unwrap();
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let artifacts = Arc::new(ArtifactStore::open(&folder.path().join("artifacts"), &clock).await.unwrap());
        let fakes = (Arc::default(), Arc::default(), Arc::default());
        let place = Self::start(store, artifacts, clock, fakes, config, Platform::default(), folder);
        place.deploy("name = 'make'\n[params]\nn = 1\nwords = {type = 'object', default = {}}\n[outputs]\ndata = {kind = 'dataset'}", "1").await;
        place.deploy("name = 'copy'\n[inputs]\ndata = {}\n[outputs]\ndata = {}", "1").await;
        place.guests.on("copy", |job| {
            job.write("data", job.read("data"));
            Ok(())
        });
        place
    }

    fn start(
        store: Store,
        artifacts: Arc<ArtifactStore>,
        clock: ManualClock,
        (guests, web, scores): (Arc<Guests>, Arc<Web>, Arc<Scores>),
        config: Config,
        platform: Platform,
        folder: Arc<TempDir>,
    ) -> Self {
        let journal = Arc::new(Flaky::new(store.clone()));
        let services = Services {
            journal: journal.clone(),
            artifacts: artifacts.clone(),
            dispatch: guests.clone(),
            deployments: Arc::new(store.clone()),
            directory: store.directory(),
            models: Arc::new(store.clone()),
            score: scores.clone(),
            secrets: Arc::new(NoSecrets),
            fetch: web.clone(),
            answer: Arc::new(host_core::ports::NoAnswer),
            notify: Arc::new(host_core::ports::NoNotify),
            occasions: Arc::new(store.clone()),
            standing: Arc::new(store.clone()),
            letters: Arc::new(store.clone()),
            clock: Arc::new(clock.clone()),
            platform,
        };
        let scheduler = Scheduler::new(services, config.clone());
        let stop = CancellationToken::new();
        drop(tokio::spawn(scheduler.clone().run(stop.clone())));
        let runs = Runs::new(scheduler.clone());
        Self { store, journal, artifacts, clock, guests, web, scores, scheduler, runs, config, stop, folder }
    }

    /// The same data on another machine; this one claims nothing any more.
    pub(crate) async fn moved_to(self, platform: Platform) -> Self {
        self.stop.cancel();
        self.scheduler.drain(PATIENCE).await;
        let fakes = (self.guests.clone(), self.web.clone(), self.scores.clone());
        let (store, artifacts, clock) = (self.store.clone(), self.artifacts.clone(), self.clock.clone());
        Self::start(store, artifacts, clock, fakes, self.config.clone(), platform, self.folder.clone())
    }

    /// Deploys a job; `component` tells its versions apart.
    pub(crate) async fn deploy(&self, manifest: &str, component: &str) -> Arc<Revision> {
        self.deploy_as(manifest, component, Entries { job: true, ..Entries::default() }).await
    }

    pub(crate) async fn deploy_as(&self, manifest: &str, component: &str, entries: Entries) -> Arc<Revision> {
        let manifest = Manifest::parse(manifest).unwrap();
        let component = Digest::of(format!("{} {component}", manifest.name).as_bytes());
        let (project, created_by) = (project(), "ann".to_owned());
        let new = NewRevision { project, component, component_size: 8, manifest, entries, created_by };
        let revision = self.store.add(new).await.unwrap();
        self.store.activate(&revision, "ann", "deploy").await.unwrap();
        revision
    }

    pub(crate) async fn submit(&self, submission: Submission) -> Run {
        self.runs.submit(submission).await.unwrap()
    }

    /// Submits steps and waits for the end.
    pub(crate) async fn run(&self, steps: &str) -> Run {
        let run = self.submit(asked(steps)).await;
        self.end(run.spec.id).await
    }

    /// Like [`Place::run`], of a run that ends well.
    pub(crate) async fn done(&self, steps: &str) -> Run {
        let run = self.run(steps).await;
        assert_eq!(run.state, RunState::Done, "{:?}", run.failure);
        run
    }

    pub(crate) async fn end(&self, run: RunId) -> Run {
        self.until("the run is over", async || self.store.run(run).await.ok().filter(|it| it.state.is_over())).await
    }

    pub(crate) async fn steps(&self, run: &Run) -> Vec<StepRecord> {
        self.store.steps(run.spec.id).await.unwrap()
    }

    pub(crate) async fn step(&self, run: &Run, step: &str) -> StepRecord {
        self.steps(run).await.into_iter().find(|it| it.key.label() == step).unwrap()
    }

    /// What the output of a step says.
    pub(crate) async fn output(&self, run: &Run, step: &str, output: &str) -> String {
        let step = self.step(run, step).await;
        let digest = step.outputs.iter().find(|it| it.name == output).unwrap().digest;
        String::from_utf8(self.artifacts.get(&digest, 1 << 20).await.unwrap().to_vec()).unwrap()
    }

    pub(crate) async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let looking = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("gave up waiting: {what}"))
    }

    pub(crate) async fn until_idle(&self) {
        self.until("no step is in the works", async || (self.scheduler.running() == 0).then_some(())).await;
    }

    pub(crate) async fn until_called(&self, function: &str, times: usize) {
        self.until("the job is called", async || (self.guests.count(function) >= times).then_some(())).await;
    }

    pub(crate) fn pass(&self, milliseconds: i64) {
        self.clock.advance(SignedDuration::from_millis(milliseconds));
    }

    /// Takes the bytes out of the store behind its back.
    pub(crate) fn lose(&self, digest: &Digest) {
        let hex = digest.hex();
        let (start, rest) = hex.split_at(2);
        std::fs::remove_file(self.folder.path().join("artifacts/sha256").join(start).join(rest)).unwrap();
    }
}

pub(crate) fn project() -> Name {
    Name::default_project()
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// A pipeline of these steps.
pub(crate) fn pipeline(steps: &str) -> String {
    format!("pipeline: p\nsteps:\n{steps}")
}

pub(crate) fn asked(steps: &str) -> Submission {
    Submission {
        id: RunId::next(),
        project: project(),
        work: Work::Pipeline(pipeline(steps)),
        params: Map::new(),
        seed: 1,
        as_of: None,
        labels: BTreeMap::new(),
        owner: "ann".to_owned(),
        source: Source::default(),
    }
}

/// The states of a run's steps, as `a done`.
pub(crate) fn states(steps: &[StepRecord]) -> Vec<String> {
    steps.iter().map(|it| format!("{} {}", it.key.label(), it.state)).collect()
}
