//! A host for tests, from the outside in.

use std::{path::Path, sync::Arc, time::Instant};

use async_trait::async_trait;
use axum::{Router, body::Body};
use bytes::Bytes;
use host_core::{
    Digest, Name, RevisionId,
    budget::Budget,
    call::{Call, CallContext, Called, End, Finished, InferCall, Prediction, Reply},
    clock::SystemClock,
    event::{Failure, Output},
    function::{Entries, Revision},
    identity::Access,
    model::{At, LoadError, ModelRef, ScoreError, Signature, TensorSpec, Version, VersionId},
    ports::{ArtifactStream, Fetch, FetchError, Inspection, Invoke, PrepareError, Score},
    run::Platform,
    size::ByteSize,
    tensor::{Dtype, Tensor},
};
use host_dispatch::{Dispatcher, Endpoints, Parts, Release};
use host_pipelines::{Runs, Scheduler, Services};
use host_store::{ArtifactStore, KeySource, SecretsConfig, Store, StoreSecrets};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::registry::Agreeable;
use crate::{AppState, Config, Rooms, router};

/// The control plane, and the neighbours a test plays with.
pub(super) struct Host {
    pub(super) router: Router,
    pub(super) store: Store,
    pub(super) guest: Arc<Guest>,
    pub(super) vet: Arc<Agreeable>,
    pub(super) bodies: Arc<Budget>,
    pub(super) stop: CancellationToken,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} {:?}", self.status, self.body))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }

    /// The status and the problem's code.
    pub(super) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{:?}", self.body);
        let problem = self.json();
        let code = problem["code"].as_str().unwrap();
        assert_eq!(problem["type"], format!("urn:weft:problem:{code}"));
        assert_eq!(problem["status"], self.status);
        assert!(!problem["title"].as_str().unwrap().is_empty() && !problem["detail"].as_str().unwrap().is_empty());
        (self.status, code.to_owned())
    }
}

impl Host {
    pub(super) async fn new() -> Self {
        Self::with(Config::default()).await
    }

    pub(super) async fn with(config: Config) -> Self {
        Self::reached(Access::default(), config).await
    }

    pub(super) async fn reached(access: Access, config: Config) -> Self {
        let clock = Arc::new(SystemClock);
        let store = Store::memory(clock.clone()).await.unwrap();
        let artifacts = Arc::new(ArtifactStore::memory().await.unwrap());
        let (guest, score, stop) = (Arc::new(Guest::default()), Arc::new(Scores), CancellationToken::new());
        let (models, directory) = (Arc::new(store.clone()), store.directory());
        let endpoints = Arc::new(Endpoints::new(models.clone()));
        let parts = Parts {
            directory: directory.clone(),
            deployments: models.clone(),
            invoke: guest.clone(),
            score: score.clone(),
            endpoints: endpoints.clone(),
            recorder: store.recorder(),
            clock: clock.clone(),
        };
        let dispatch = Arc::new(Dispatcher::new(host_dispatch::Config::default(), parts));
        let release = Release::new(artifacts.clone(), models.clone(), directory.clone(), guest.clone(), clock.clone());
        let secrets = StoreSecrets::start(&store, KeySource::Memory, &SecretsConfig::default());
        let services = Services {
            journal: models.clone(),
            artifacts: artifacts.clone(),
            dispatch: dispatch.clone(),
            deployments: models.clone(),
            directory: directory.clone(),
            models: models.clone(),
            score: score.clone(),
            secrets: secrets.clone(),
            fetch: Arc::new(Nowhere),
            answer: Arc::new(host_core::ports::NoAnswer),
            notify: Arc::new(host_core::ports::NoNotify),
            occasions: Arc::new(store.clone()),
            standing: Arc::new(store.clone()),
            letters: Arc::new(store.clone()),
            clock: clock.clone(),
            platform: Platform::default(),
        };
        let bodies = Budget::new(ByteSize(32 << 20));
        let rows: Arc<Store> = Arc::new(store.clone());
        let vet = Arc::new(Agreeable::default());
        let registry = super::registry::of(rows, artifacts.clone(), vet.clone(), &stop);
        let rooms = Rooms {
            runs: Runs::new(Scheduler::new(services, host_pipelines::Config::default())),
            store: store.clone(),
            library: None,
            artifacts,
            directory,
            models,
            dispatch,
            release: Arc::new(release),
            endpoints,
            score,
            secrets,
            registry,
            sources: Arc::new(host_core::ports::NoSources),
            bodies: bodies.clone(),
            access,
            clock,
            settings: Vec::new(),
            stop: stop.clone(),
        };
        Self { router: router(AppState::new(config, rooms)), store, guest, vet, bodies, stop }
    }

    pub(super) async fn ask(&self, request: Request<Body>) -> Answer {
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    pub(super) async fn send(&self, method: &str, uri: &str, media_type: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder().method(method).uri(uri).header("content-type", media_type);
        self.ask(request.body(body.into()).unwrap()).await
    }

    pub(super) async fn get(&self, uri: &str) -> Answer {
        self.ask(Request::builder().uri(uri).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, uri: &str, body: Value) -> Answer {
        self.send("POST", uri, "application/json", body.to_string()).await
    }

    pub(super) async fn put(&self, uri: &str, body: Value) -> Answer {
        self.send("PUT", uri, "application/json", body.to_string()).await
    }

    /// Uploads a component and returns its digest.
    pub(super) async fn upload(&self, bytes: &'static [u8]) -> String {
        let digest = Digest::of(bytes).to_string();
        let uri = format!("/api/v1/components/{digest}");
        assert_eq!(self.send("PUT", &uri, "application/wasm", bytes).await.status, 201);
        digest
    }

    /// Deploys a function that is said to be what its manifest says.
    pub(super) async fn deploy(&self, name: &str, bytes: &'static [u8]) -> Answer {
        let component = self.upload(bytes).await;
        let uri = format!("/api/v1/projects/default/functions/{name}/revisions");
        self.post(&uri, serde_json::json!({ "component": component, "manifest": { "name": name } })).await
    }
}

/// How the guest answers.
type Act = Box<dyn Fn(Call) -> Result<Reply, Failure> + Send + Sync>;

/// A guest that does what it is told; it gives each event back unless told otherwise.
pub(super) struct Guest {
    pub(super) act: Mutex<Act>,
    pub(super) inspection: Mutex<Inspection>,
}

impl Default for Guest {
    fn default() -> Self {
        let entries = Entries { http: false, handler: true, job: true };
        let inspection = Inspection { entries, ..Inspection::default() };
        Self { act: Mutex::new(Box::new(echo)), inspection: Mutex::new(inspection) }
    }
}

fn echo(call: Call) -> Result<Reply, Failure> {
    let Call::Events(events) = call else { return Err(Failure::fatal("unexpected", "only events are known")) };
    let output = |event: host_core::event::Event| Output {
        outlet: String::new(),
        r#type: event.r#type,
        subject: event.subject,
        content_type: event.content_type,
        key: None,
        extensions: vec![("id".into(), event.id)],
        data: event.data,
    };
    Ok(Reply::Events(events.into_iter().map(|it| Ok(vec![output(it)])).collect()))
}

#[async_trait]
impl Invoke for Guest {
    async fn inspect(&self, file: &Path) -> Result<Inspection, PrepareError> {
        let bytes = std::fs::read(file).map_err(|error| PrepareError::Storage(error.to_string()))?;
        if bytes.starts_with(b"not") {
            return Err(PrepareError::NotAComponent("bad magic number".into()));
        }
        Ok(self.inspection.lock().clone())
    }

    async fn prepare(&self, _: &Arc<Revision>) -> Result<(), PrepareError> {
        Ok(())
    }

    async fn call(&self, _: Arc<Revision>, _: CallContext, call: Call) -> Called {
        Called { reply: (self.act.lock())(call), end: End::Now(Finished::default()) }
    }

    fn retire(&self, _: RevisionId) {}

    fn is_prepared(&self, _: &Digest) -> bool {
        true
    }
}

/// A model `wine` that adds its two inputs up, in its only version, 3.
struct Scores;

fn wine() -> Version {
    let spec = |name: &str, shape: Vec<i64>| TensorSpec { name: name.into(), datatype: Dtype::Fp32, shape };
    Version {
        id: VersionId { model: "wine".parse().unwrap(), number: 3, digest: Digest::of(b"wine") },
        format: "onnx".into(),
        signature: Signature { inputs: vec![spec("x", vec![-1, 2])], outputs: vec![spec("sum", vec![-1])] },
        metrics: serde_json::Map::new(),
        description: None,
        run: None,
        step: None,
        origin: None,
        created_by: "test".into(),
        created_at: "2025-01-01T00:00:00Z".parse().unwrap(),
        retired_at: None,
    }
}

#[async_trait]
impl Score for Scores {
    fn current(&self, _: &Name, model: &ModelRef) -> Result<Version, ScoreError> {
        let known = model.model.as_str() == "wine" && matches!(model.at, At::Default | At::Number(3));
        known.then(wine).ok_or_else(|| ScoreError::NotFound(model.to_string()))
    }

    async fn infer(
        &self,
        project: &Name,
        model: &ModelRef,
        call: InferCall,
        _: Option<Instant>,
    ) -> Result<Prediction, ScoreError> {
        let version = self.current(project, model)?.id;
        let [input] = &call.inputs[..] else {
            return Err(ScoreError::Invalid(format!("model takes 1 input, x, and was given {}", call.inputs.len())));
        };
        if input.shape.len() != 2 || input.shape[1] != 2 {
            return Err(ScoreError::Invalid(format!("input x has shape [-1, 2], and was given {:?}", input.shape)));
        }
        let floats: Vec<f32> = input.data.chunks(4).map(|it| f32::from_le_bytes(it.try_into().unwrap())).collect();
        let sums = floats.chunks(2).flat_map(|it| (it[0] + it[1]).to_le_bytes()).collect();
        let data = Bytes::from_owner::<Vec<u8>>(sums);
        let sum = Tensor { name: "sum".into(), dtype: Dtype::Fp32, shape: vec![input.shape[0]], data };
        Ok(Prediction { version, outputs: vec![sum] })
    }

    async fn infer_version(
        &self,
        version: &VersionId,
        _: InferCall,
        _: Option<Instant>,
    ) -> Result<Prediction, ScoreError> {
        Err(ScoreError::NotFound(version.model.to_string()))
    }

    async fn infer_file(
        &self,
        digest: Digest,
        _: &Path,
        _: InferCall,
        _: Option<Instant>,
    ) -> Result<Vec<Tensor>, ScoreError> {
        Err(ScoreError::NotFound(digest.to_string()))
    }

    async fn verify(&self, format: &str, bytes: Bytes) -> Result<Signature, LoadError> {
        if format != "onnx" {
            return Err(LoadError::Format(format.into()));
        }
        if bytes.starts_with(b"broken") {
            return Err(LoadError::Corrupt("it ends too early".into()));
        }
        Ok(wine().signature)
    }
}

/// Reaches nothing.
struct Nowhere;

#[async_trait]
impl Fetch for Nowhere {
    async fn fetch(&self, url: &str) -> Result<ArtifactStream, FetchError> {
        Err(FetchError::Unreachable { url: url.into(), reason: "there is no network".into() })
    }
}
