//! Where the registry meets the rooms it needs: rows, bytes, and an engine that looks into what is published.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow};
use async_trait::async_trait;
use host_core::{
    Digest, Name,
    manifest::Manifest,
    ports::{Artifacts, Inspection, Invoke, PrepareError},
};
use host_store::{ArtifactStore, Store};
use marketplace::{
    catalogue::{Candidate, Catalogue, NoVet, Vet},
    registry::Registry,
};
use tokio::runtime::Handle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::host::{Host, Place};
use crate::{cases, config::Config};

/// The largest component whose cases are run.
const MOST: u64 = 256 << 20;
/// Instances of the engine that runs cases: one case at a time needs few.
const SLOTS: u32 = 8;

/// The registry of a host. One that lives in memory takes no packages.
pub(super) fn registry(
    config: &Config,
    place: Place,
    store: &Store,
    artifacts: &Arc<ArtifactStore>,
    engine: Arc<dyn Invoke>,
) -> Result<Arc<Registry>> {
    let rows = Arc::new(store.clone());
    let (vet, spool): (Arc<dyn Vet>, _) = match place {
        Place::Memory => (Arc::new(NoVet), None),
        Place::Disk => {
            let cases = Cases { config: config.clone(), artifacts: artifacts.clone() };
            (Arc::new(Examiner { cases, engine }), Some(config.data.join("uploads")))
        }
    };
    let bounds = config.marketplace.clone();
    let catalogue = Catalogue::new(bounds.clone(), rows.clone(), rows.clone(), artifacts.clone(), vet);
    let registry = Registry::new(bounds, rows, artifacts.clone(), Arc::new(catalogue), spool);
    Ok(Arc::new(registry.context("could not make a folder for uploads")?))
}

/// Offers the library behind the scenes, where there is one.
pub(super) fn offer_library(
    tasks: &TaskTracker,
    registry: &Arc<Registry>,
    config: &marketplace::registry::Config,
    stop: &CancellationToken,
) {
    let Some(folder) = library(config) else { return };
    let (registry, stop) = (registry.clone(), stop.clone());
    tasks.spawn(async move {
        let offering = registry.offer_library(folder.clone());
        match stop.run_until_cancelled(offering).await {
            Some(Ok(0)) | None => {}
            Some(Ok(new)) => tracing::info!(new, folder = %folder.display(), "the library is offered as `std`"),
            Some(Err(error)) => tracing::warn!(%error, folder = %folder.display(), "the library cannot be offered"),
        }
    });
}

/// The folder that was named, or the first of those beside the program that is there.
pub(super) fn library(config: &marketplace::registry::Config) -> Option<PathBuf> {
    match &config.library {
        Some(folder) if folder.as_os_str() == "none" => None,
        Some(folder) => Some(folder.clone()),
        None => {
            let program = std::env::current_exe().ok()?;
            let beside = program.parent()?;
            let places = ["library", "../library", "../share/weft/library"];
            places.iter().map(|it| beside.join(it)).find(|it| it.join("index.json").is_file())
        }
    }
}

/// Looks into components with this host's engine, and runs their cases on a host of their own that knows nobody: no
/// secrets, no models, no network, nothing of what is deployed here.
struct Examiner {
    cases: Cases,
    engine: Arc<dyn Invoke>,
}

/// What it takes to run cases.
#[derive(Clone)]
struct Cases {
    config: Config,
    artifacts: Arc<ArtifactStore>,
}

#[async_trait]
impl Vet for Examiner {
    async fn inspect(&self, component: &Digest) -> Result<Inspection, PrepareError> {
        let held =
            self.cases.artifacts.hold(component).await.map_err(|error| PrepareError::Storage(error.to_string()))?;
        self.engine.inspect(&held).await
    }

    async fn try_cases(&self, candidate: &Candidate) -> Result<Vec<String>, String> {
        let (cases, candidate, stop) = (self.cases.clone(), candidate.clone(), CancellationToken::new());
        // Whoever waits no longer has no use for what comes of it.
        let _guard = stop.clone().drop_guard();
        let runtime = Handle::current();
        // A whole host is built and run in there, on a thread where it is in nobody's way.
        let running = tokio::task::spawn_blocking(move || {
            let attempt = tokio::time::timeout(candidate.time, cases.attempt(&candidate));
            runtime.block_on(stop.run_until_cancelled(attempt)).map(|it| (it, candidate.time))
        });
        match running.await.map_err(|error| error.to_string())? {
            Some((Ok(findings), _)) => findings.map_err(|error| format!("{error:#}")),
            Some((Err(_), time)) => Ok(vec![format!("its cases took longer than {} s", time.as_secs())]),
            None => Err("this host is stopping".to_owned()),
        }
    }
}

impl Cases {
    async fn attempt(&self, candidate: &Candidate) -> Result<Vec<String>> {
        let folder = tempfile::tempdir().context("could not make a folder")?;
        let component = self.artifacts.get(&candidate.component, MOST).await?;
        let host = Host::build(self.secluded(folder.path()), Place::Memory).await?;
        let stop = CancellationToken::new();
        let tasks = host.start(&stop).await?;
        let findings = run(&host, candidate, component, folder.path()).await;
        host.drain(&stop, Duration::from_secs(1)).await;
        tasks.wait().await;
        host.close().await;
        findings
    }

    /// A configuration that leads nowhere, with this host's bounds on guests.
    fn secluded(&self, folder: &Path) -> Config {
        let mut config = Config { data: folder.to_owned(), ..Config::default() };
        config.store.data = folder.to_owned();
        config.engine = self.config.engine.clone();
        (config.engine.slots, config.engine.async_slots, config.engine.jobs) = (SLOTS, SLOTS, SLOTS as usize);
        config.engine.cache = folder.join("compiled");
        config
    }
}

async fn run(host: &Host, candidate: &Candidate, component: bytes::Bytes, folder: &Path) -> Result<Vec<String>> {
    let cases_folder = folder.join("cases");
    write(candidate, &cases_folder)?;
    let cases = match cases::read(&cases_folder) {
        Ok(cases) if cases.is_empty() => return Ok(vec!["it has no cases; put at least one into cases/".to_owned()]),
        Ok(cases) => cases,
        // What is wrong with a case is told to whoever published it.
        Err(stop) => return Ok(vec![stop.to_string()]),
    };
    let blob = host.artifacts.put(component).await?;
    let submission = host_dispatch::release::Submission {
        project: Name::default_project(),
        component: blob.digest,
        manifest: harmless(&candidate.manifest),
        activate: true,
        who: "marketplace".to_owned(),
    };
    let released = match host.release.deploy(submission).await {
        Ok(released) => released,
        Err(host_dispatch::release::Error::Busy) => return Err(anyhow!("too many components wait to be compiled")),
        Err(error) => return Ok(vec![format!("it cannot be deployed: {error}")]),
    };
    let subject =
        cases::Subject { dispatch: host.dispatcher.as_ref(), revision: &released.revision, folder: &cases_folder };
    let mut findings = Vec::new();
    for (name, case) in &cases {
        findings.extend(case.run(&subject).await.into_iter().map(|it| format!("case `{name}`: {it}")));
    }
    Ok(findings)
}

fn write(candidate: &Candidate, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    // Names were checked when the cases were read: none leads out of the folder.
    for file in &candidate.cases {
        let path = folder.join(&file.name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, &file.bytes)?;
    }
    Ok(())
}

/// The same manifest without what leads anywhere: nothing wakes the function, and it reaches nobody.
fn harmless(manifest: &Manifest) -> Manifest {
    let mut manifest = manifest.clone();
    manifest.triggers.clear();
    manifest.grants.http.clear();
    manifest.grants.tcp.clear();
    manifest
}
