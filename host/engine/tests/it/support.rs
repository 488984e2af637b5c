//! An engine for tests: artifacts in a folder, log lines in memory, compiled code shared between tests.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use host_capabilities::keyvalue::MemoryState;
use host_core::{
    Digest, RevisionId,
    artifact::Blob,
    call::{Call, CallContext, Called, End, Finished, Reply, TriggerRef},
    clock::ManualClock,
    event::{Event, Outcome},
    function::Revision,
    manifest::Manifest,
    ports::{ArtifactError, ArtifactStream, Artifacts, Invoke, NoPublish, NoSecrets, PrepareError, Recorder, Score},
    record::{CallRecord, LogLine, Stream, Tally},
    size::ByteSize,
};
use host_engine::{Config, Engine, Parts};
use tempfile::TempDir;

/// Artifacts as files of a folder.
pub(crate) struct Folder(TempDir);

impl Folder {
    fn path(&self, digest: &Digest) -> PathBuf {
        self.0.path().join(digest.hex())
    }
}

#[async_trait]
impl Artifacts for Folder {
    async fn put(&self, bytes: Bytes) -> Result<Blob, ArtifactError> {
        let digest = Digest::of(&bytes);
        // Create-only, as every artifact store is: others may be reading it.
        if !self.path(&digest).exists() {
            std::fs::write(self.path(&digest), &bytes).unwrap();
        }
        Ok(Blob { digest, size: bytes.len() as u64 })
    }

    async fn put_file(&self, file: &Path) -> Result<Blob, ArtifactError> {
        self.put(std::fs::read(file).unwrap().into()).await
    }

    async fn put_stream(&self, _: ArtifactStream, _: u64, _: Option<Digest>) -> Result<Blob, ArtifactError> {
        Err(ArtifactError::Storage("not in this test".into()))
    }

    async fn get(&self, digest: &Digest, _: u64) -> Result<Bytes, ArtifactError> {
        std::fs::read(self.path(digest)).map(Into::into).map_err(|_| ArtifactError::NotFound(*digest))
    }

    async fn stream(&self, digest: &Digest) -> Result<(u64, ArtifactStream), ArtifactError> {
        Err(ArtifactError::NotFound(*digest))
    }

    async fn materialise(&self, digest: &Digest, file: &Path) -> Result<(), ArtifactError> {
        std::fs::write(file, self.get(digest, u64::MAX).await?).map_err(|it| ArtifactError::Storage(it.to_string()))
    }

    async fn file(&self, digest: &Digest) -> Result<PathBuf, ArtifactError> {
        Some(self.path(digest)).filter(|it| it.exists()).ok_or(ArtifactError::NotFound(*digest))
    }

    async fn size(&self, digest: &Digest) -> Result<Option<u64>, ArtifactError> {
        Ok(std::fs::metadata(self.path(digest)).ok().map(|it| it.len()))
    }
}

/// Log lines in memory.
#[derive(Default)]
pub(crate) struct Lines(Mutex<Vec<LogLine>>);

impl Lines {
    pub(crate) fn all(&self) -> Vec<LogLine> {
        self.0.lock().unwrap().clone()
    }

    /// The messages of one stream.
    pub(crate) fn of(&self, stream: Stream) -> Vec<String> {
        self.all().into_iter().filter(|it| it.stream == stream).map(|it| it.message).collect()
    }
}

impl Recorder for Lines {
    fn tally(&self, _: Tally) {}

    fn call(&self, _: CallRecord) {}

    fn log(&self, line: LogLine) {
        self.0.lock().unwrap().push(line);
    }

    fn dropped(&self) -> u64 {
        0
    }
}

/// An engine and what it talks to.
pub(crate) struct Host {
    pub(crate) engine: Arc<Engine>,
    pub(crate) lines: Arc<Lines>,
    pub(crate) artifacts: Arc<Folder>,
}

/// What tests change of the config, beside its few slots.
pub(crate) fn config() -> Config {
    Config { slots: 8, ..Config::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("engine-compiled")) }
}

impl Host {
    pub(crate) fn new() -> Self {
        Self::with(config(), None)
    }

    pub(crate) fn with(config: Config, score: Option<Arc<dyn Score>>) -> Self {
        let lines = Arc::new(Lines::default());
        let artifacts = Arc::new(Folder(TempDir::new().unwrap()));
        let clock = Arc::new(ManualClock::at("2026-01-02T03:04:05Z".parse().unwrap()));
        let parts = Parts {
            recorder: lines.clone(),
            clock,
            artifacts: artifacts.clone(),
            score,
            secrets: Arc::new(NoSecrets),
            state: Arc::new(MemoryState::new(ByteSize(1 << 20))),
            publish: Arc::new(NoPublish),
        };
        let engine = Engine::new(config, parts).unwrap();
        Self { engine, lines, artifacts }
    }

    /// Inspects and prepares a component under a manifest, whose name is added.
    pub(crate) async fn deploy(&self, component: &[u8], manifest: &str) -> Result<Arc<Revision>, PrepareError> {
        let blob = self.artifacts.put(Bytes::copy_from_slice(component)).await.unwrap();
        let file = self.artifacts.file(&blob.digest).await.unwrap();
        let inspection = self.engine.inspect(&file).await?;
        let manifest = Manifest::parse(&format!("name = \"subject\"\n{manifest}")).unwrap();
        let revision = Arc::new(Revision {
            id: RevisionId::next(),
            project: "default".parse().unwrap(),
            function: manifest.name.clone(),
            number: 1,
            component: blob.digest,
            component_size: blob.size,
            manifest,
            entries: inspection.entries,
            created_by: "test".into(),
            created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        });
        self.engine.prepare(&revision).await?;
        Ok(revision)
    }

    /// The conformance handler. It imports models, so its manifest grants one.
    pub(crate) async fn handler(&self, limits: &str) -> Arc<Revision> {
        let manifest = format!("[limits]\n{limits}\n[grants]\nmodel = [\"wine\"]\n");
        self.deploy(&guest("conformance_handler"), &manifest).await.unwrap()
    }

    /// The conformance wasi:http component.
    pub(crate) async fn http(&self, limits: &str) -> Arc<Revision> {
        self.deploy(&guest("conformance_http"), &format!("[limits]\n{limits}\n")).await.unwrap()
    }

    pub(crate) async fn call(&self, revision: &Arc<Revision>, call: Call) -> Called {
        self.engine.call(revision.clone(), context(), call).await
    }

    /// Sends a batch and waits for its end.
    pub(crate) async fn events(&self, revision: &Arc<Revision>, batch: &[(&str, &str)]) -> (Vec<Outcome>, Finished) {
        let called = self.call(revision, Call::Events(events(batch))).await;
        let Ok(Reply::Events(outcomes)) = called.reply else { panic!("no outcomes: {:?}", called.reply.err()) };
        (outcomes, finished(called.end).await)
    }

    /// Sends one event and gives back its data.
    pub(crate) async fn ask(&self, revision: &Arc<Revision>, kind: &str, data: &str) -> String {
        let (mut outcomes, _) = self.events(revision, &[(kind, data)]).await;
        let outputs = outcomes.remove(0).unwrap();
        outputs.first().map(|it| String::from_utf8(it.data.to_vec()).unwrap()).unwrap_or_default()
    }
}

/// The bytes of a built guest.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/wasm32-wasip2/guest");
    let file = built.join(format!("{name}.wasm"));
    std::fs::read(&file).unwrap_or_else(|_| panic!("{} is not there: run `cargo xtask guests` first", file.display()))
}

pub(crate) fn context() -> CallContext {
    CallContext::new(TriggerRef::new("test", "test"))
}

/// Events of these types and data, in order.
pub(crate) fn events(batch: &[(&str, &str)]) -> Vec<Event> {
    let event = |(index, (kind, data)): (usize, &(&str, &str))| Event {
        id: index.to_string(),
        source: "/test".into(),
        r#type: (*kind).into(),
        subject: None,
        time: None,
        content_type: Some("text/plain".into()),
        key: None,
        inlet: String::new(),
        extensions: Vec::new(),
        data: Bytes::copy_from_slice(data.as_bytes()),
    };
    batch.iter().enumerate().map(event).collect()
}

pub(crate) async fn finished(end: End) -> Finished {
    match end {
        End::Now(finished) => finished,
        End::Later(later) => later.await,
    }
}

/// What came of each event: `ok` and its first data, or the code of its failure.
pub(crate) fn told(outcomes: &[Outcome]) -> Vec<String> {
    let tell = |outcome: &Outcome| match outcome {
        Ok(outputs) => outputs.first().map_or("ok".into(), |it| format!("ok {}", String::from_utf8_lossy(&it.data))),
        Err(failure) => failure.code.clone(),
    };
    outcomes.iter().map(tell).collect()
}

/// The code of a call's failure.
pub(crate) fn failed(called: Called) -> String {
    match called.reply {
        Ok(_) => "answered".into(),
        Err(failure) => failure.code,
    }
}

/// The next of some prepared answers.
pub(crate) fn next<T>(queue: &Mutex<VecDeque<T>>) -> Option<T> {
    queue.lock().unwrap().pop_front()
}
