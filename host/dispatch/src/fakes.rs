//! Neighbours for tests: a store in memory and a guest that does what it is told.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use host_core::{
    Digest, Name, RevisionId,
    artifact::Blob,
    call::{Call, CallContext, Called, End, Finished, InferCall, Prediction, Reply},
    clock::ManualClock,
    event::Failure,
    function::{Entries, FunctionRef, Revision},
    manifest::Manifest,
    model::{Alias, LoadError, ModelRef, ScoreError, Signature, Version, VersionId},
    ports::{
        ArtifactError, ArtifactStream, Artifacts, DeployError, Deployments, Directory, Endpoint, Functions, Inspection,
        Invoke, ModelError, Models, NewRevision, NewVersion, PrepareError, Recorder, Score,
    },
    record::{CallRecord, LogLine, Tally},
};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_second(1_700_000_000).unwrap()))
}

pub(crate) fn revision(function: &str, number: u64, change: impl FnOnce(&mut Revision)) -> Arc<Revision> {
    let mut revision = Revision {
        id: RevisionId::next(),
        project: Name::default_project(),
        function: name(function),
        number,
        component: Digest::of(&number.to_le_bytes()),
        component_size: 8,
        manifest: Manifest::bare(name(function)),
        entries: Entries { http: false, handler: true, job: false },
        created_by: "test".into(),
        created_at: Timestamp::UNIX_EPOCH,
    };
    change(&mut revision);
    Arc::new(revision)
}

/// What is deployed, in memory.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) revisions: Mutex<Vec<Arc<Revision>>>,
    pub(crate) history: Mutex<Vec<Arc<Revision>>>,
    pub(crate) directory: Mutex<Arc<Functions>>,
    pub(crate) endpoints: Mutex<Vec<Endpoint>>,
    pub(crate) generation: Mutex<u64>,
    pub(crate) changed: Notify,
}

impl Store {
    pub(crate) fn with(revisions: impl IntoIterator<Item = Arc<Revision>>) -> Arc<Self> {
        let store = Self::default();
        for revision in revisions {
            store.revisions.lock().push(Arc::clone(&revision));
            store.history.lock().push(revision);
        }
        store.publish();
        Arc::new(store)
    }

    pub(crate) fn publish(&self) {
        let mut active = HashMap::new();
        for revision in &*self.history.lock() {
            active.insert((revision.project.clone(), revision.function.clone()), Arc::clone(revision));
        }
        let mut directory = self.directory.lock();
        *directory = Arc::new(Functions { generation: directory.generation + 1, active });
        self.changed.notify_waiters();
    }
}

#[async_trait]
impl Directory for Store {
    fn functions(&self) -> Arc<Functions> {
        self.directory.lock().clone()
    }

    async fn refresh(&self) -> Result<Arc<Functions>, DeployError> {
        self.publish();
        Ok(self.functions())
    }

    async fn changed(&self, seen: u64) {
        loop {
            let mut notified = std::pin::pin!(self.changed.notified());
            notified.as_mut().enable();
            if self.functions().generation > seen {
                return;
            }
            notified.await;
        }
    }
}

#[async_trait]
impl Deployments for Store {
    async fn add(&self, new: NewRevision) -> Result<Arc<Revision>, DeployError> {
        let number = self.revisions.lock().len() as u64 + 1;
        let made = revision(new.manifest.name.as_str(), number, |it| {
            it.manifest = new.manifest.clone();
            it.component = new.component;
            it.entries = new.entries;
        });
        self.revisions.lock().push(Arc::clone(&made));
        Ok(made)
    }

    async fn activate(&self, revision: &Revision, _: &str, _: &str) -> Result<(), DeployError> {
        self.history.lock().push(Arc::new(revision.clone()));
        Ok(())
    }

    async fn previous(&self, _: &Name, function: &Name) -> Result<Arc<Revision>, DeployError> {
        let history = self.history.lock();
        let mut those = history.iter().rev().filter(|it| it.function == *function);
        those.nth(1).cloned().ok_or_else(|| DeployError::NoEarlier(function.clone()))
    }

    async fn delete(&self, _: &Name, function: &Name, _: &str) -> Result<(), DeployError> {
        self.history.lock().retain(|it| it.function != *function);
        Ok(())
    }

    async fn revision(&self, _: &Name, reference: &FunctionRef) -> Result<Arc<Revision>, DeployError> {
        let revisions = self.revisions.lock();
        let found = revisions.iter().find(|it| it.function == reference.name && Some(it.number) == reference.revision);
        found.cloned().ok_or_else(|| DeployError::NotFound(reference.to_string()))
    }

    async fn revision_by_id(&self, id: RevisionId) -> Result<Arc<Revision>, DeployError> {
        let revisions = self.revisions.lock();
        revisions.iter().find(|it| it.id == id).cloned().ok_or_else(|| DeployError::NotFound(id.to_string()))
    }
}

#[async_trait]
impl Models for Store {
    async fn generation(&self) -> Result<u64, ModelError> {
        Ok(*self.generation.lock())
    }

    async fn register(&self, new: NewVersion) -> Result<Version, ModelError> {
        Err(ModelError::NotFound(new.model.to_string()))
    }

    async fn resolve(&self, _: &Name, reference: &ModelRef) -> Result<Version, ModelError> {
        Err(ModelError::NotFound(reference.to_string()))
    }

    async fn promote(&self, _: &Name, _: &Name, _: &Name, _: u64, _: &str) -> Result<Option<u64>, ModelError> {
        Ok(None)
    }

    async fn rollback(&self, _: &Name, _: &Name, _: &Name, _: &str) -> Result<u64, ModelError> {
        Ok(1)
    }

    async fn models(&self, _: &Name) -> Result<Vec<Name>, ModelError> {
        Ok(Vec::new())
    }

    async fn versions(&self, _: &Name, _: &Name) -> Result<Vec<Version>, ModelError> {
        Ok(Vec::new())
    }

    async fn aliases(&self, _: &Name, _: &Name) -> Result<Vec<Alias>, ModelError> {
        Ok(Vec::new())
    }

    async fn history(&self, _: &Name, _: &Name) -> Result<Vec<Alias>, ModelError> {
        Ok(Vec::new())
    }

    async fn serve(&self, _: &Name, endpoint: Endpoint) -> Result<(), ModelError> {
        let mut endpoints = self.endpoints.lock();
        endpoints.retain(|it| it.name != endpoint.name);
        endpoints.push(endpoint);
        *self.generation.lock() += 1;
        Ok(())
    }

    async fn endpoints(&self, _: &Name) -> Result<Vec<Endpoint>, ModelError> {
        Ok(self.endpoints.lock().clone())
    }
}

/// How a guest answers.
type Act = Box<dyn Fn(Call) -> Result<Reply, Failure> + Send + Sync>;

/// A guest that does what it is told, once it is let go.
pub(crate) struct Guest {
    pub(crate) act: Act,
    pub(crate) inspection: Inspection,
    pub(crate) refuse: Mutex<Option<PrepareError>>,
    pub(crate) prepared: Mutex<Vec<RevisionId>>,
    pub(crate) retired: Mutex<Vec<RevisionId>>,
    pub(crate) called: Mutex<Vec<u64>>,
    pub(crate) contexts: Mutex<Vec<CallContext>>,
    pub(crate) go: Semaphore,
    /// Told when somebody is about to be loaded, and what that waits for.
    pub(crate) preparing: Notify,
    pub(crate) may_prepare: Arc<tokio::sync::Mutex<()>>,
}

impl Guest {
    /// Lets nobody be loaded until the guard is dropped.
    pub(crate) fn hold_preparing(&self) -> tokio::sync::OwnedMutexGuard<()> {
        self.may_prepare.clone().try_lock_owned().unwrap()
    }

    pub(crate) fn new(act: impl Fn(Call) -> Result<Reply, Failure> + Send + Sync + 'static) -> Arc<Self> {
        let entries = Entries { http: false, handler: true, job: false };
        Arc::new(Self {
            act: Box::new(act),
            inspection: Inspection { entries, ..Inspection::default() },
            refuse: Mutex::default(),
            prepared: Mutex::default(),
            retired: Mutex::default(),
            called: Mutex::default(),
            contexts: Mutex::default(),
            go: Semaphore::new(1_000),
            preparing: Notify::new(),
            may_prepare: Arc::default(),
        })
    }

    /// Gives no output for each event.
    pub(crate) fn silent() -> Arc<Self> {
        Self::new(|call| match call {
            Call::Events(events) => Ok(Reply::Events(events.iter().map(|_| Ok(Vec::new())).collect())),
            _ => Err(Failure::fatal("unexpected", "unexpected")),
        })
    }
}

#[async_trait]
impl Invoke for Guest {
    async fn inspect(&self, _: &Path) -> Result<Inspection, PrepareError> {
        Ok(self.inspection.clone())
    }

    async fn prepare(&self, revision: &Arc<Revision>) -> Result<(), PrepareError> {
        if let Some(error) = self.refuse.lock().clone() {
            return Err(error);
        }
        self.preparing.notify_one();
        let _turn = self.may_prepare.lock().await;
        self.prepared.lock().push(revision.id);
        Ok(())
    }

    async fn call(&self, revision: Arc<Revision>, context: CallContext, call: Call) -> Called {
        self.called.lock().push(revision.number);
        self.contexts.lock().push(context);
        let _go = self.go.acquire().await.unwrap();
        let reply = (self.act)(call);
        let failure = reply.as_ref().err().cloned();
        Called { reply, end: End::Now(Finished { failure, ..Finished::default() }) }
    }

    fn retire(&self, revision: RevisionId) {
        self.retired.lock().push(revision);
    }

    fn is_prepared(&self, _: &Digest) -> bool {
        true
    }
}

/// Keeps everything.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) tallies: Mutex<Vec<Tally>>,
    pub(crate) calls: Mutex<Vec<CallRecord>>,
}

impl Recorder for Kept {
    fn tally(&self, tally: Tally) {
        self.tallies.lock().push(tally);
    }

    fn call(&self, record: CallRecord) {
        self.calls.lock().push(record);
    }

    fn log(&self, _: LogLine) {}

    fn dropped(&self) -> u64 {
        0
    }
}

/// Knows the models it was given, and answers with nothing but their names.
pub(crate) struct Scores(pub(crate) &'static [&'static str]);

#[async_trait]
impl Score for Scores {
    fn current(&self, _: &Name, model: &ModelRef) -> Result<Version, ScoreError> {
        Err(ScoreError::NotFound(model.to_string()))
    }

    async fn infer(
        &self,
        _: &Name,
        model: &ModelRef,
        _: InferCall,
        _: Option<std::time::Instant>,
    ) -> Result<Prediction, ScoreError> {
        if !self.0.contains(&model.to_string().as_str()) {
            return Err(ScoreError::NotFound(model.to_string()));
        }
        let version = VersionId { model: model.model.clone(), number: 1, digest: Digest::of(b"") };
        Ok(Prediction { version, outputs: Vec::new() })
    }

    async fn infer_version(
        &self,
        version: &VersionId,
        _: InferCall,
        _: Option<std::time::Instant>,
    ) -> Result<Prediction, ScoreError> {
        Err(ScoreError::NotFound(version.model.to_string()))
    }

    async fn infer_file(
        &self,
        digest: Digest,
        _: &Path,
        _: InferCall,
        _: Option<std::time::Instant>,
    ) -> Result<Vec<host_core::tensor::Tensor>, ScoreError> {
        Err(ScoreError::NotFound(digest.to_string()))
    }

    async fn verify(&self, format: &str, _: Bytes) -> Result<Signature, LoadError> {
        Err(LoadError::Format(format.to_owned()))
    }
}

/// Has every artifact, and none of their bytes.
pub(crate) struct Shelf(pub(crate) Option<u64>);

#[async_trait]
impl Artifacts for Shelf {
    async fn put(&self, bytes: Bytes) -> Result<Blob, ArtifactError> {
        Err(ArtifactError::Storage(format!("{} bytes", bytes.len())))
    }

    async fn put_file(&self, file: &Path) -> Result<Blob, ArtifactError> {
        Err(ArtifactError::Storage(file.display().to_string()))
    }

    async fn put_stream(&self, _: ArtifactStream, most: u64, _: Option<Digest>) -> Result<Blob, ArtifactError> {
        Err(ArtifactError::TooLarge(most))
    }

    async fn get(&self, digest: &Digest, _: u64) -> Result<Bytes, ArtifactError> {
        Err(ArtifactError::NotFound(*digest))
    }

    async fn stream(&self, digest: &Digest) -> Result<(u64, ArtifactStream), ArtifactError> {
        Err(ArtifactError::NotFound(*digest))
    }

    async fn materialise(&self, digest: &Digest, _: &Path) -> Result<(), ArtifactError> {
        Err(ArtifactError::NotFound(*digest))
    }

    async fn file(&self, _: &Digest) -> Result<PathBuf, ArtifactError> {
        Ok(PathBuf::from("component.wasm"))
    }

    async fn size(&self, _: &Digest) -> Result<Option<u64>, ArtifactError> {
        Ok(self.0)
    }
}
