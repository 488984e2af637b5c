//! A guest of `wasi:nn`, without the guest: its calls, in the order a component makes them.

use std::{path::Path, sync::Arc, time::Instant};

use async_trait::async_trait;
use bytes::Bytes;
use host_core::{
    Digest, Name, RevisionId,
    call::{CallContext, InferCall, Prediction, TriggerRef},
    clock::ManualClock,
    function::{Entries, Revision},
    manifest::Manifest,
    model::{LoadError, ModelRef, ScoreError, Signature, Version, VersionId},
    ports::{NoRecorder, Score},
};

use super::{
    errors::HostError as _,
    graph::{Host as _, HostGraph as _},
    inference::HostGraphExecutionContext as _,
    tensor::HostTensor as _,
    *,
};
use crate::{
    Config,
    current::{Current, Length, Services},
    ticker::Epochs,
    ways::Ways,
};

/// Gives back its inputs, and a text beside them.
struct Echo;

fn version(model: &ModelRef) -> VersionId {
    VersionId { model: model.model.clone(), number: 4, digest: Digest::of(b"4") }
}

#[async_trait]
impl Score for Echo {
    fn current(&self, _: &Name, model: &ModelRef) -> Result<Version, ScoreError> {
        Ok(Version {
            id: version(model),
            format: "onnx".into(),
            signature: Signature::default(),
            metrics: serde_json::Map::new(),
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
        if call.inputs.is_empty() {
            return Err(ScoreError::Invalid("it takes one input".into()));
        }
        let label = Tensor { name: "label".into(), dtype: Dtype::Bytes, shape: vec![0], data: Bytes::new() };
        Ok(Prediction { version: version(model), outputs: [call.inputs, vec![label]].concat() })
    }

    async fn infer_version(&self, _: &VersionId, _: InferCall, _: Option<Instant>) -> Result<Prediction, ScoreError> {
        Err(ScoreError::Busy)
    }

    async fn infer_file(
        &self,
        _: Digest,
        _: &Path,
        _: InferCall,
        _: Option<Instant>,
    ) -> Result<Vec<Tensor>, ScoreError> {
        Err(ScoreError::Busy)
    }

    async fn verify(&self, _: &str, _: Bytes) -> Result<Signature, LoadError> {
        Ok(Signature::default())
    }
}

/// A guest whose manifest grants `wine`.
fn guest() -> Guest {
    let manifest = Manifest::parse("name = \"subject\"\n[grants]\nmodel = [\"wine\"]\n").unwrap();
    let engine = wasmtime::Engine::default();
    let services = Services {
        config: Config::default(),
        recorder: Arc::new(NoRecorder),
        clock: Arc::new(ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap())),
        score: Some(Arc::new(Echo)),
        secrets: Arc::new(host_core::ports::NoSecrets),
        state: Arc::new(host_core::ports::NoKeyValue),
        publish: Arc::new(host_core::ports::NoPublish),
        _epochs: Arc::new(Epochs([engine.clone(), engine.clone(), engine])),
    };
    let revision = Revision {
        id: RevisionId::next(),
        project: "default".parse().unwrap(),
        function: manifest.name.clone(),
        number: 1,
        component: Digest::of(b""),
        component_size: 0,
        manifest,
        entries: Entries::default(),
        created_by: "test".into(),
        created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
    };
    let context = CallContext::new(TriggerRef::new("test", "test"));
    let current =
        Arc::new(Current::new(Arc::new(revision), context, Arc::new(services), None, Ways::default(), Length::Call));
    let watch = current.watch();
    Guest::serving(current, watch)
}

fn told<T: std::fmt::Debug>(guest: &mut Guest, answer: Answer<T>) -> (ErrorCode, String) {
    let denied = answer.unwrap().unwrap_err();
    let text = guest.data_of(&denied);
    (guest.code(denied).unwrap(), text)
}

impl Guest {
    fn data_of(&mut self, denied: &Resource<Denied>) -> String {
        errors::HostError::data(self, Resource::new_borrow(denied.rep())).unwrap()
    }
}

#[tokio::test]
async fn a_granted_model_computes_by_name() {
    let mut guest = guest();
    let graph = guest.load_by_name("wine".into()).unwrap().unwrap();
    let model = guest.init_execution_context(graph).unwrap().unwrap();
    let array = guest.new(vec![1, 2], TensorType::Fp32, vec![0; 8]).unwrap();
    let mut outputs = guest.compute(model, vec![("x".into(), array)]).await.unwrap().unwrap();
    assert_eq!(outputs.len(), 1, "a text has no place in a tensor of wasi:nn");
    let (name, output) = outputs.remove(0);
    assert_eq!((name.as_str(), guest.dimensions(Resource::new_borrow(output.rep())).unwrap()), ("x", vec![1, 2]));
    assert_eq!(tensor::HostTensor::data(&mut guest, output).unwrap(), [0; 8]);
    let models = guest.current.finish(Default::default(), None).models;
    assert_eq!(models.iter().map(|it| it.number).collect::<Vec<_>>(), [4], "the record names the version");
}

#[tokio::test]
async fn what_is_not_granted_or_not_right_is_told_apart() {
    let mut guest = guest();
    let answer = guest.load_by_name("iris".into());
    assert_eq!(told(&mut guest, answer).0, ErrorCode::Security);
    let answer = guest.load(vec![vec![1]], GraphEncoding::Onnx, ExecutionTarget::Cpu);
    assert_eq!(told(&mut guest, answer).0, ErrorCode::UnsupportedOperation);
    let mut model = || {
        let graph = guest.load_by_name("wine".into()).unwrap().unwrap();
        guest.init_execution_context(graph).unwrap().unwrap()
    };
    let (first, second) = (model(), model());
    let answer = guest.compute(first, Vec::new()).await;
    assert_eq!(told(&mut guest, answer), (ErrorCode::InvalidArgument, "it takes one input".into()));
    let array = guest.new(vec![1], TensorType::Bf16, vec![0; 2]).unwrap();
    let answer = guest.compute(second, vec![("x".into(), array)]).await;
    assert_eq!(told(&mut guest, answer).0, ErrorCode::UnsupportedOperation);
}
