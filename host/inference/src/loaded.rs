//! Every model this host answers for: references resolved, versions loaded, aliases followed.

use std::{collections::HashMap, path::Path, sync::Arc, time::Instant};

use async_trait::async_trait;
use bytes::Bytes;
use host_core::{
    Digest, Name,
    call::{InferCall, Prediction},
    clock::{Clock, SystemClock},
    model::{LoadError, ModelRef, ModelStats, ScoreError, Signature, Version, VersionId},
    ports::{Artifacts, ModelError, Models, Score},
    tensor::Tensor,
};
use parking_lot::RwLock;
use serde::Serialize;
use tokio::{runtime::RuntimeFlavor, sync::Mutex, time::timeout_at};

use crate::{
    Config, Session,
    compute::Compute,
    joined::{Joiner, compute_with},
    sessions::Sessions,
    stats::{Book, Ledger},
};

/// A reference as somebody asked for it.
type Asked = (Name, ModelRef);

/// Answers for all models: loads versions when they are first asked for, and follows their aliases.
///
/// A version takes the place of another in one step, and only once it is loaded and has run its sample: until
/// then, or for good where it is corrupt, the one before keeps answering.
pub struct LoadedModels {
    config: Config,
    registry: Arc<dyn Models>,
    artifacts: Arc<dyn Artifacts>,
    sessions: Arc<Sessions>,
    compute: Arc<Compute>,
    /// Where the configuration joins calls.
    joiner: Option<Arc<Joiner>>,
    ledger: Ledger,
    served: RwLock<HashMap<Asked, Served>>,
    /// The registry's generation that `served` reflects; held while it is brought up to date.
    reflected: Mutex<Option<u64>>,
}

/// What a reference stands for.
#[derive(Clone)]
struct Served {
    version: Arc<Version>,
    /// The registry's generation before it was asked.
    generation: u64,
    /// Where its predictions are counted.
    book: Arc<Book>,
}

/// How this room is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Versions in memory.
    pub loaded: usize,
    /// Predictions that could start now.
    pub free: usize,
    /// Predictions that wait for their turn.
    pub waiting: usize,
    /// Computations still running though their deadline has passed.
    pub overdue: u64,
}

impl LoadedModels {
    /// Nothing is loaded yet. Run [`LoadedModels::follow`] beside it.
    #[must_use]
    pub fn new(config: Config, registry: Arc<dyn Models>, artifacts: Arc<dyn Artifacts>) -> Arc<Self> {
        let compute = Arc::new(Compute::new(&config));
        Arc::new(Self {
            sessions: Arc::new(Sessions::new(&config)),
            joiner: Joiner::new(&config, compute.clone()),
            compute,
            ledger: Ledger::default(),
            served: RwLock::default(),
            reflected: Mutex::default(),
            config,
            registry,
            artifacts,
        })
    }

    /// How this room is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            loaded: self.sessions.len(),
            free: self.compute.free(),
            waiting: self.compute.waiting(),
            overdue: self.compute.overdue(),
        }
    }

    /// Asks the registry now and then whether an alias moved, `until` it resolves.
    pub async fn follow(self: Arc<Self>, until: impl Future<Output = ()>) {
        let mut until = std::pin::pin!(until);
        while tokio::time::timeout(self.config.refresh.duration(), &mut until).await.is_err() {
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "the model registry did not answer; models keep their versions");
            }
        }
    }

    /// Loads a version before anybody asks for it.
    ///
    /// # Errors
    /// When it cannot be loaded, or not now.
    pub async fn load(&self, version: &VersionId) -> Result<(), ScoreError> {
        within(self.deadline(None), self.session(version)).await.map(drop)
    }

    /// Brings every reference up to date, if the registry changed. Worth a call right after an alias was moved.
    pub async fn refresh(&self) -> Result<(), ScoreError> {
        let mut reflected = self.reflected.lock().await;
        let generation = self.registry.generation().await.map_err(failed)?;
        if *reflected == Some(generation) {
            return Ok(());
        }
        let asked: Vec<(Asked, Served)> =
            self.served.read().iter().map(|(asked, served)| (asked.clone(), served.clone())).collect();
        for (asked, served) in asked {
            self.update(asked, &served, generation).await?;
        }
        *reflected = Some(generation);
        Ok(())
    }

    /// Moves one reference on, unless its new version cannot be loaded.
    async fn update(&self, asked: Asked, served: &Served, generation: u64) -> Result<(), ScoreError> {
        let version = match self.registry.resolve(&asked.0, &asked.1).await {
            Ok(version) => version,
            Err(ModelError::Storage(error)) => return Err(ScoreError::Failed(error)),
            Err(_) => {
                self.served.write().remove(&asked);
                return Ok(());
            }
        };
        if version.id == served.version.id {
            return Ok(());
        }
        match self.session(&version.id).await {
            Ok(_) => {
                tracing::info!(project = %asked.0, model = %asked.1, number = version.id.number, "a model moved to another version");
                self.keep(asked, Served { version: Arc::new(version), generation, book: served.book.clone() });
            }
            Err(error) => tracing::error!(
                project = %asked.0, model = %asked.1, number = version.id.number, serving = served.version.id.number, %error,
                "a model cannot move to another version; the one before keeps answering"
            ),
        }
        Ok(())
    }

    /// What a reference stands for; asks the registry the first time.
    async fn served(&self, project: &Name, model: &ModelRef) -> Result<Served, ScoreError> {
        let asked = (project.clone(), model.clone());
        if let Some(served) = self.served.read().get(&asked) {
            return Ok(served.clone());
        }
        let generation = self.registry.generation().await.map_err(failed)?;
        let version = Arc::new(self.registry.resolve(project, model).await.map_err(|error| match error {
            ModelError::Storage(error) => ScoreError::Failed(error),
            _ => ScoreError::NotFound(model.to_string()),
        })?);
        self.session(&version.id).await?;
        let served = Served { version, generation, book: self.ledger.book(project, &model.model) };
        self.keep(asked, served.clone());
        Ok(served)
    }

    /// Keeps what a reference stands for, unless somebody knows better already.
    fn keep(&self, asked: Asked, new: Served) {
        let mut served = self.served.write();
        let has_room = served.len() < self.config.references;
        let newest = served.get(&asked).map_or(has_room, |old| old.generation <= new.generation);
        if newest {
            new.book.moved(&asked.1, &new.version.id, SystemClock.now());
            served.insert(asked, new);
        }
    }

    async fn session(&self, version: &VersionId) -> Result<Arc<Session>, ScoreError> {
        let (artifacts, digest, most) = (self.artifacts.clone(), version.digest, self.config.model_bytes.0);
        let bytes = async move { artifacts.get(&digest, most).await.map_err(failed) };
        self.sessions.get(version.digest, bytes).await
    }

    /// Computes with others of the project that ask for the same now, where the configuration has it so.
    async fn compute(
        &self,
        project: &Name,
        session: Arc<Session>,
        call: InferCall,
        deadline: Instant,
    ) -> Result<Vec<Tensor>, ScoreError> {
        let Some(joiner) = &self.joiner else {
            return compute_with(&self.compute, &session, call, deadline).await;
        };
        match joiner.ask(project, &session, call, deadline).await {
            Ok(answer) => answer,
            Err(call) => compute_with(&self.compute, &session, call, deadline).await,
        }
    }

    fn deadline(&self, deadline: Option<Instant>) -> Instant {
        deadline.unwrap_or_else(|| Instant::now() + self.config.timeout.duration())
    }
}

#[async_trait]
impl Score for LoadedModels {
    fn current(&self, project: &Name, model: &ModelRef) -> Result<Version, ScoreError> {
        if let Some(served) = self.served.read().get(&(project.clone(), model.clone())) {
            return Ok(Version::clone(&served.version));
        }
        // The first to ask for a reference waits for the registry, where waiting holds nobody else up.
        match tokio::runtime::Handle::try_current() {
            Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => tokio::task::block_in_place(|| {
                handle.block_on(within(self.deadline(None), self.served(project, model)))
            })
            .map(|served| Version::clone(&served.version)),
            _ => Err(ScoreError::NotFound(model.to_string())),
        }
    }

    async fn infer(
        &self,
        project: &Name,
        model: &ModelRef,
        call: InferCall,
        deadline: Option<Instant>,
    ) -> Result<Prediction, ScoreError> {
        let deadline = self.deadline(deadline);
        let Served { version, book, .. } = within(deadline, self.served(project, model)).await?;
        let began = Instant::now();
        let session = within(deadline, self.session(&version.id)).await;
        let answer = match session {
            Ok(session) => self.compute(project, session, call, deadline).await,
            Err(error) => Err(error),
        };
        book.count(&version.id, answer.is_ok().then(|| began.elapsed()));
        answer.map(|outputs| Prediction { version: version.id.clone(), outputs })
    }

    /// Computed by itself: what a pinned version says must not depend on who else asks.
    async fn infer_version(
        &self,
        version: &VersionId,
        call: InferCall,
        deadline: Option<Instant>,
    ) -> Result<Prediction, ScoreError> {
        let deadline = self.deadline(deadline);
        let session = within(deadline, self.session(version)).await?;
        let outputs = compute_with(&self.compute, &session, call, deadline).await?;
        Ok(Prediction { version: version.clone(), outputs })
    }

    async fn infer_file(
        &self,
        digest: Digest,
        file: &Path,
        call: InferCall,
        deadline: Option<Instant>,
    ) -> Result<Vec<Tensor>, ScoreError> {
        let deadline = self.deadline(deadline);
        let bytes = read_file(digest, file.to_owned(), self.config.model_bytes.0);
        let session = within(deadline, self.sessions.get(digest, bytes)).await?;
        compute_with(&self.compute, &session, call, deadline).await
    }

    fn stats(&self, project: &Name, model: &Name) -> Option<ModelStats> {
        self.ledger.stats(project, model)
    }

    async fn verify(&self, format: &str, bytes: Bytes) -> Result<Signature, LoadError> {
        if format != "onnx" {
            return Err(LoadError::Format(format.to_owned()));
        }
        Ok(self.sessions.read(bytes).await?.signature().clone())
    }
}

/// Reads a file whole, and refuses one that is not what its digest says: sessions are shared by digest.
async fn read_file(digest: Digest, file: std::path::PathBuf, most: u64) -> Result<Bytes, ScoreError> {
    let size = tokio::fs::metadata(&file).await.map_err(failed)?.len();
    if size > most {
        return Err(ScoreError::Failed(format!("model file has {size} bytes, more than {most}")));
    }
    let bytes = Bytes::from(tokio::fs::read(&file).await.map_err(failed)?);
    let same = bytes.clone();
    let actual = tokio::task::spawn_blocking(move || Digest::of(&same)).await.map_err(failed)?;
    if actual == digest {
        Ok(bytes)
    } else {
        Err(ScoreError::Failed(format!("model file has digest {actual}, not {digest}")))
    }
}

async fn within<T>(deadline: Instant, work: impl Future<Output = Result<T, ScoreError>>) -> Result<T, ScoreError> {
    timeout_at(deadline.into(), work).await.unwrap_or(Err(ScoreError::Deadline))
}

fn failed(error: impl std::fmt::Display) -> ScoreError {
    ScoreError::Failed(error.to_string())
}
