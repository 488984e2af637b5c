//! Models as guests ask for them: by grant, by pin, and among a job's inputs.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex},
    time::Instant,
};

use async_trait::async_trait;
use bytes::Bytes;
use host_core::{
    Digest, Name,
    artifact::Kind,
    call::{Call, InferCall, JobCall, JobInput, Prediction},
    event::code,
    model::{LoadError, ModelRef, ScoreError, Signature, Version, VersionId},
    ports::{Invoke, NoTrack, Score},
    tensor::{Dtype, Tensor},
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::support::{Host, config, context, finished, guest, next};

/// Answers every question with its own tensors; fails as often as it was told to.
struct Echo {
    version: Mutex<u64>,
    failures: Mutex<VecDeque<ScoreError>>,
}

impl Echo {
    fn new(failures: impl Into<VecDeque<ScoreError>>) -> Arc<Self> {
        Arc::new(Self { version: Mutex::new(1), failures: Mutex::new(failures.into()) })
    }

    fn version(&self, model: &Name) -> VersionId {
        let number = *self.version.lock().unwrap();
        VersionId { model: model.clone(), number, digest: Digest::of(&number.to_le_bytes()) }
    }

    fn answer(&self, version: VersionId, call: InferCall) -> Result<Prediction, ScoreError> {
        match next(&self.failures) {
            Some(failure) => Err(failure),
            None => Ok(Prediction { version, outputs: call.inputs }),
        }
    }
}

#[async_trait]
impl Score for Echo {
    fn current(&self, _: &Name, model: &ModelRef) -> Result<Version, ScoreError> {
        Ok(Version {
            id: self.version(&model.model),
            format: "onnx".into(),
            signature: Signature::default(),
            metrics: Map::new(),
            description: None,
            run: None,
            step: None,
            origin: None,
            created_by: "test".into(),
            created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            retired_at: None,
        })
    }

    async fn infer(
        &self,
        _: &Name,
        model: &ModelRef,
        call: InferCall,
        _: Option<Instant>,
    ) -> Result<Prediction, ScoreError> {
        self.answer(self.version(&model.model), call)
    }

    async fn infer_version(
        &self,
        version: &VersionId,
        call: InferCall,
        _: Option<Instant>,
    ) -> Result<Prediction, ScoreError> {
        self.answer(version.clone(), call)
    }

    async fn infer_file(
        &self,
        _: Digest,
        file: &Path,
        _: InferCall,
        _: Option<Instant>,
    ) -> Result<Vec<Tensor>, ScoreError> {
        let size = std::fs::metadata(file).map_err(|it| ScoreError::Failed(it.to_string()))?.len();
        let data = Bytes::copy_from_slice(&(size as f32).to_le_bytes());
        Ok(vec![Tensor { name: "size".into(), dtype: Dtype::Fp32, shape: vec![1], data }])
    }

    async fn verify(&self, _: &str, _: Bytes) -> Result<Signature, LoadError> {
        Ok(Signature::default())
    }
}

fn question(name: &str) -> String {
    json!({ "name": name, "input": "x", "shape": [1, 2], "values": [1.5, -2.0] }).to_string()
}

#[tokio::test]
async fn a_granted_model_answers_and_is_named_in_the_end() {
    let score = Echo::new([]);
    let host = Host::with(config(), Some(score.clone()));
    let handler = host.handler("").await;
    let (outcomes, end) = host.events(&handler, &[("model", &question("wine"))]).await;
    let answer: Value = serde_json::from_slice(&outcomes[0].as_ref().unwrap()[0].data).unwrap();
    let output = json!({ "name": "x", "dtype": "FP32", "shape": [1, 2], "values": [1.5, -2.0] });
    assert_eq!((&answer["outputs"][0], &answer["version"]["number"]), (&output, &json!(1)));
    assert_eq!(end.models, [score.version(&"wine".parse().unwrap())]);
}

#[tokio::test]
async fn a_model_that_is_not_granted_or_not_there_is_told_apart() {
    let score = Echo::new([ScoreError::Busy, ScoreError::NotFound("wine".into()), ScoreError::Invalid("shape".into())]);
    let host = Host::with(config(), Some(score));
    let handler = host.handler("").await;
    let code = async |name: &str| {
        let (outcomes, end) = host.events(&handler, &[("model", &question(name))]).await;
        assert!(end.models.is_empty());
        outcomes[0].as_ref().unwrap_err().clone()
    };
    let denied = code("iris").await;
    assert!(denied.message.contains("iris"), "{denied:?}");
    let told = [code("wine").await, code("wine").await, code("wine").await];
    let kinds: Vec<_> = told.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(kinds[0], "transient", "busy: {:?}", told[0]);
    assert_ne!(told[1].code, told[0].code);
    assert!(told[2].message.contains("shape"), "{:?}", told[2]);
}

#[tokio::test]
async fn a_host_without_models_says_so() {
    let host = Host::new();
    let handler = host.handler("").await;
    let (outcomes, _) = host.events(&handler, &[("model", &question("wine"))]).await;
    let failure = outcomes[0].as_ref().unwrap_err();
    assert!(failure.message.contains("serves no models"), "{failure:?}");
}

#[tokio::test]
async fn a_warm_instance_is_not_lent_once_what_it_saw_has_moved() {
    let score = Echo::new([]);
    let host = Host::with(config(), Some(score.clone()));
    let handler = host.handler("").await;
    host.ask(&handler, "current", "wine").await;
    assert_eq!(host.ask(&handler, "count", "").await, "2", "nothing moved");
    *score.version.lock().unwrap() = 2;
    assert_eq!(host.ask(&handler, "count", "").await, "1", "it may have kept something of version 1");
}

/// Runs the job's `infer` on `name`; its report and the versions named in the end.
async fn infer_in_job(name: &str, pinned: Vec<VersionId>) -> (Result<Value, String>, Vec<VersionId>) {
    let host = Host::with(config(), Some(Echo::new([])));
    let manifest = "[inputs.scorer]\nkind = \"model\"\n[grants]\nmodel = [\"wine@candidate\"]\n";
    let job = host.deploy(&guest("conformance-job"), manifest).await.unwrap();
    let (inside, out) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = inside.path().join("model");
    std::fs::write(&path, b"12345").unwrap();
    let question = json!({ "input": name, "tensor": "x", "shape": [1], "values": [1.0] }).to_string();
    let track = Arc::new(NoTrack::default());
    let mut surroundings = context();
    surroundings.track = Some(track.clone());
    let call = JobCall {
        params: json!({ "do": "infer", "text": question }).as_object().unwrap().clone(),
        inputs: vec![JobInput {
            name: "scorer".into(),
            path,
            digest: Digest::of(b"12345"),
            kind: Kind::Model,
            media_type: None,
        }],
        out: out.path().into(),
        seed: 1,
        as_of: "2020-01-01T00:00:00Z".parse().unwrap(),
        models: pinned,
    };
    let called = host.engine.call(job, surroundings, Call::Job(call)).await;
    let models = finished(called.end).await.models;
    (called.reply.map(|_| track.results()["report"].clone()).map_err(|it| it.code), models)
}

#[tokio::test]
async fn a_job_asks_a_model_among_its_inputs() {
    let (report, models) = infer_in_job("scorer", Vec::new()).await;
    let report = report.unwrap();
    assert_eq!(report["outputs"][0]["values"], json!([5.0]), "it was asked by its file");
    assert_eq!(report["version"]["digest"], Digest::of(b"12345").to_string());
    assert!(models.is_empty(), "an input is no version of the registry");
    let (report, _) = infer_in_job("elsewhere", Vec::new()).await;
    assert!(report.is_err_and(|it| it != code::TRAP));
}

/// What a program written to `wasi:nn` reports.
async fn reported(host: &Host, manifest: &str, params: Value) -> String {
    let manifest = format!("{manifest}\n[params.model]\ntype = \"string\"\n[params.input]\ntype = \"string\"\n");
    let manifest = format!("{manifest}[outputs.report]\nkind = \"report\"\n");
    let program = host.deploy(&guest("conformance-nn"), &manifest).await.unwrap();
    let out = TempDir::new().unwrap();
    let job = JobCall {
        params: params.as_object().unwrap().clone(),
        inputs: Vec::new(),
        out: out.path().to_owned(),
        seed: 7,
        as_of: "2026-01-01T00:00:00Z".parse().unwrap(),
        models: Vec::new(),
    };
    let called = host.call(&program, Call::Job(job)).await;
    finished(called.end).await;
    called.reply.unwrap_or_else(|failure| panic!("{failure:?}"));
    std::fs::read_to_string(out.path().join("report")).unwrap()
}

#[tokio::test]
async fn a_program_written_to_the_standard_loads_a_model_by_name_and_computes() {
    let host = Host::with(config(), Some(Echo::new([])));
    let granted = "[grants]\nmodel = [\"wine\"]";
    assert_eq!(reported(&host, granted, json!({ "model": "wine" })).await, "x TensorType::Fp32 [1, 2] 1 2\n");
    let refused = reported(&host, granted, json!({ "model": "beer" })).await;
    assert!(refused.starts_with("load-by-name ErrorCode::Security: function.toml grants no model `beer`"), "{refused}");
    let host = Host::with(config(), Some(Echo::new([ScoreError::Invalid("it takes one input".into())])));
    let invalid = reported(&host, granted, json!({ "model": "wine" })).await;
    assert_eq!(invalid, "compute ErrorCode::InvalidArgument: it takes one input\n");
    let error = host.deploy(&guest("conformance-nn"), "").await.unwrap_err();
    assert!(error.to_string().contains("wasi:nn/"), "{error}");
}
