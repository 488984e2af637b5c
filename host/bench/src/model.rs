//! A forest of the size and form that `train-forest` exports, made up rather than trained: what counts is its cost.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use host_core::tensor::{Dtype, Tensor};
use host_inference::Session;
use serde_json::{Value, json};
use weft_onnx::{Builder, INPUT, Node, Tree};

use crate::statistics::median;

/// The model's name in the registry, as `predict` is granted it.
pub(crate) const NAME: &str = "wine";

const TREES: usize = 100;
const DEPTH: u32 = 6;
const LABELS: &[i64] = &[3, 4, 5, 6, 7, 8];

/// The measurements of a wine, with the spread that thresholds are drawn from.
const FEATURES: &[(&str, f32, f32, f32)] = &[
    ("fixed_acidity", 7.4, 4.0, 16.0),
    ("volatile_acidity", 0.7, 0.1, 1.6),
    ("citric_acid", 0.0, 0.0, 1.0),
    ("residual_sugar", 1.9, 0.9, 15.5),
    ("chlorides", 0.076, 0.01, 0.6),
    ("free_sulfur_dioxide", 11.0, 1.0, 72.0),
    ("total_sulfur_dioxide", 34.0, 6.0, 289.0),
    ("density", 0.9978, 0.99, 1.004),
    ("ph", 3.51, 2.7, 4.1),
    ("sulphates", 0.56, 0.3, 2.0),
    ("alcohol", 9.4, 8.4, 14.9),
];

/// The model, as ONNX.
pub(crate) fn onnx() -> Result<Vec<u8>> {
    let mut numbers = Numbers(1);
    let trees: Vec<Tree> = (0..TREES).map(|_| tree(&mut numbers)).collect();
    let model = Builder::new("bench-forest", FEATURES.len()).tree_classifier(&trees, LABELS);
    model.and_then(Builder::encode).context("could not write the model")
}

/// One wine, as `predict` takes it.
pub(crate) fn wine() -> Value {
    FEATURES
        .iter()
        .map(|(name, value, ..)| ((*name).to_owned(), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// One wine, as the inference protocol takes it.
pub(crate) fn infer() -> Value {
    let row: Vec<f32> = row().collect();
    json!({ "inputs": [{ "name": INPUT, "datatype": "FP32", "shape": [1, row.len()], "data": row }] })
}

/// How long the model takes where nothing lies between it and the caller.
pub(crate) fn time_natively() -> Result<Duration> {
    let session = Session::load(&onnx()?).context("could not load the model natively")?;
    let input = [tensor()];
    let mut batches = Vec::new();
    for _ in 0..9 {
        batches.push(time_batch(&session, &input)?.as_secs_f64());
    }
    Ok(Duration::from_secs_f64(median(batches).unwrap_or_default()))
}

fn time_batch(session: &Session, input: &[Tensor]) -> Result<Duration> {
    const CALLS: u32 = 2_000;
    let start = Instant::now();
    for _ in 0..CALLS {
        black_box(session.run(black_box(input)).context("the model does not answer natively")?);
    }
    Ok(start.elapsed() / CALLS)
}

fn row() -> impl Iterator<Item = f32> {
    FEATURES.iter().map(|(_, value, ..)| *value)
}

fn tensor() -> Tensor {
    let data: Vec<u8> = row().flat_map(f32::to_le_bytes).collect();
    let shape = vec![1, FEATURES.len() as u64];
    Tensor { name: INPUT.to_owned(), dtype: Dtype::Fp32, shape, data: Bytes::from(data) }
}

/// A full tree in the order of its levels, so that the children of node n are 2n + 1 and 2n + 2.
fn tree(numbers: &mut Numbers) -> Tree {
    let splits = (1 << DEPTH) - 1;
    let split = |node: usize, numbers: &mut Numbers| {
        let feature = numbers.next() as usize % FEATURES.len();
        let (_, _, low, high) = FEATURES[feature];
        let threshold = low + (high - low) * numbers.share();
        Node::Split { feature, threshold, low: 2 * node + 1, high: 2 * node + 2 }
    };
    let leaf = |numbers: &mut Numbers| {
        let mut weights = vec![0.0; LABELS.len()];
        // As an averaging forest has it: the weights of all its trees add up to 1.
        weights[numbers.next() as usize % LABELS.len()] = 1.0 / TREES as f32;
        Node::Leaf(weights)
    };
    let nodes = (0..2 * splits + 1).map(|node| if node < splits { split(node, numbers) } else { leaf(numbers) });
    Tree { nodes: nodes.collect() }
}

/// Numbers without a pattern, the same ones every time.
struct Numbers(u32);

impl Numbers {
    fn next(&mut self) -> u32 {
        // xorshift32
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    fn share(&mut self) -> f32 {
        (self.next() >> 8) as f32 / (1 << 24) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_answers_what_predict_asks_for() {
        let session = Session::load(&onnx().unwrap()).unwrap();
        let outputs = session.run(&[tensor()]).unwrap();
        let names: Vec<_> = outputs.iter().map(|it| (it.name.as_str(), it.shape.clone())).collect();
        assert_eq!(names, [("label", vec![1]), ("probabilities", vec![1, 6])]);
    }

    #[test]
    fn the_model_is_the_same_every_time() {
        assert_eq!(onnx().unwrap(), onnx().unwrap());
    }
}
