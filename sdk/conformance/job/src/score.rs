//! Asking a model that is an input of the run.

use serde::Deserialize;
use serde_json::{Value, json};
use weft::{
    Failure, OrFail as _, Run,
    model::{self, Tensor},
};

/// What to ask, of which input.
#[derive(Deserialize)]
struct Question {
    input: String,
    tensor: String,
    shape: Vec<u64>,
    values: Vec<f32>,
}

/// `question` is JSON: `{"input", "tensor", "shape", "values"}`.
pub(crate) fn infer(run: &Run, question: &str) -> Result<Value, Failure> {
    let question: Question = serde_json::from_str(question).or_invalid("bad-json")?;
    let digest = run.input_info(&question.input)?.digest;
    let tensor = Tensor::f32(question.tensor, question.shape, &question.values);
    let prediction = model::infer(&format!("in/{}", question.input), &[tensor])?;
    let outputs: Vec<_> = prediction
        .outputs
        .iter()
        .map(|tensor| json!({ "name": tensor.name, "shape": tensor.shape, "values": tensor.to_f64s().ok() }))
        .collect();
    Ok(json!({ "version": prediction.version, "input_digest": digest, "outputs": outputs }))
}
