//! Models on a host: from a pipeline to the registry to live scores, swapped without losing a request.

use serde_json::{Value, json};

use crate::support::{Host, root};

mod protocol;
mod refused;
mod swap;
mod wine;

/// A model that scikit-learn trained: its bytes, what it was asked, and what it answered.
pub(crate) struct Fixture {
    pub(crate) bytes: Vec<u8>,
    pub(crate) input: Value,
    pub(crate) outputs: Value,
}

impl Fixture {
    pub(crate) fn read(name: &str) -> Self {
        let folder = root().join("host/inference/tests/fixtures/trained").join(name);
        let case: Value = serde_json::from_slice(&std::fs::read(folder.join("case.json")).unwrap()).unwrap();
        let bytes = std::fs::read(folder.join("model.onnx")).unwrap();
        Self { bytes, input: case["inputs"][0].clone(), outputs: case["outputs"].clone() }
    }

    /// The question as the Open Inference Protocol has it.
    pub(crate) fn question(&self) -> Value {
        let Self { input, .. } = self;
        let tensor =
            json!({"name": input["name"], "datatype": input["dtype"], "shape": input["shape"], "data": input["data"]});
        json!({"inputs": [tensor]})
    }
}

/// Whether two lists of numbers say the same, as far as arithmetic allows.
pub(crate) fn agree(ours: &Value, theirs: &Value) -> bool {
    let numbers = |it: &Value| -> Vec<f64> { it.as_array().unwrap().iter().map(|it| it.as_f64().unwrap()).collect() };
    let (ours, theirs) = (numbers(ours), numbers(theirs));
    ours.len() == theirs.len() && ours.iter().zip(&theirs).all(|(a, b)| (a - b).abs() <= 1e-5 * b.abs().max(1.0))
}

impl Host {
    /// Stores bytes as an artifact; its digest.
    pub(crate) fn upload(&self, bytes: &[u8]) -> String {
        let (status, body) =
            self.post("/api/v1/projects/default/artifacts?name=model", "application/octet-stream", bytes);
        assert_eq!(status, 201, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()["digest"].as_str().unwrap().to_owned()
    }

    /// Asks for an artifact to become a version of a model.
    pub(crate) fn try_to_register(&self, model: &str, digest: &str) -> (u16, Value) {
        let path = format!("/api/v1/projects/default/models/{model}/versions");
        self.question(&path, &json!({"digest": digest}))
    }

    /// Makes bytes a version of a model.
    pub(crate) fn register(&self, model: &str, bytes: &[u8]) -> Value {
        let (status, version) = self.try_to_register(model, &self.upload(bytes));
        assert_eq!(status, 201, "{version}");
        version
    }

    /// POST of JSON, answered by JSON.
    pub(crate) fn question(&self, path: &str, question: &Value) -> (u16, Value) {
        let (status, body) = self.post(path, "application/json", question.to_string().as_bytes());
        (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")))
    }
}
