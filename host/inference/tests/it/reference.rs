//! What this room computes, beside what onnxruntime computed for the same model and inputs.

use host_core::tensor::{Dtype, Tensor};
use host_inference::Session;

use super::fixtures::{Case, decoded_texts, encoded_texts, floats, integers, operators, trained};

/// How far a number may be from onnxruntime's, relative to its size.
const TOLERANCE: f64 = 1e-5;

/// Two classes nearer than this are a tie, and either may win.
const TIE: f64 = 1e-6;

#[test]
fn models_trained_by_scikit_learn_score_as_on_onnxruntime() {
    expect_equal(&trained());
}

#[test]
fn single_operators_compute_as_on_onnxruntime() {
    expect_equal(&operators());
}

#[test]
fn each_row_of_a_batch_scores_as_it_does_alone() {
    for case in trained().iter().filter(|it| it.inputs.len() == 1) {
        let session = Session::load(&case.model).unwrap();
        let rows = usize::try_from(case.inputs[0].shape[0]).unwrap();
        for row in 0..rows {
            let alone = session.run(&[row_of(&case.inputs[0], row)]).unwrap();
            for (alone, expected) in alone.iter().zip(&case.outputs) {
                let problem = difference(&row_of(expected, row), alone, &[]);
                assert_eq!(problem, None, "{}, row {row}, output {}", case.name, expected.name);
            }
        }
    }
}

fn expect_equal(cases: &[Case]) {
    assert!(!cases.is_empty());
    let problems: Vec<String> = cases.iter().flat_map(problems).collect();
    assert!(problems.is_empty(), "{} differences:\n{}", problems.len(), problems.join("\n"));
}

fn problems(case: &Case) -> Vec<String> {
    let outputs = match Session::load(&case.model) {
        Ok(session) => session.run(&case.inputs),
        Err(error) => return vec![format!("{}: {error}", case.name)],
    };
    match outputs {
        Err(error) => vec![format!("{}: {error}", case.name)],
        Ok(outputs) => {
            let pairs = case.outputs.iter().zip(&outputs);
            let named =
                pairs.filter_map(|(expected, actual)| Some((expected, difference(expected, actual, &outputs)?)));
            named.map(|(expected, problem)| format!("{}, output {}: {problem}", case.name, expected.name)).collect()
        }
    }
}

/// What is different, if anything.
fn difference(expected: &Tensor, actual: &Tensor, all: &[Tensor]) -> Option<String> {
    if (&expected.name, expected.dtype, &expected.shape) != (&actual.name, actual.dtype, &actual.shape) {
        return Some(format!("{} {:?} is not {} {:?}", actual.dtype, actual.shape, expected.dtype, expected.shape));
    }
    match expected.dtype {
        Dtype::Fp16 | Dtype::Fp32 | Dtype::Fp64 => {
            let pairs = floats(expected).into_iter().zip(floats(actual));
            pairs
                .enumerate()
                .find(|(_, (expected, actual))| !are_near(*expected, *actual))
                .map(|(place, (expected, actual))| format!("{actual} is not {expected} at {place}"))
        }
        Dtype::Int64 if expected.shape.len() == 1 => {
            let pairs = integers(expected).into_iter().zip(integers(actual));
            pairs
                .enumerate()
                .find(|(row, (expected, actual))| expected != actual && !is_tie(all, *row))
                .map(|(row, (expected, actual))| format!("label {actual} is not {expected} in row {row}"))
        }
        _ => (expected.data != actual.data).then(|| format!("{:?} is not {:?}", actual.data, expected.data)),
    }
}

fn are_near(expected: f64, actual: f64) -> bool {
    expected.to_bits() == actual.to_bits()
        || expected.is_nan() && actual.is_nan()
        || (expected - actual).abs() <= TOLERANCE * expected.abs().max(1.0)
        || expected == actual
}

/// Whether the two highest scores of a row are so near that either may win.
fn is_tie(outputs: &[Tensor], row: usize) -> bool {
    outputs.iter().filter(|it| it.dtype == Dtype::Fp32 && it.shape.len() == 2).any(|scores| {
        let classes = usize::try_from(scores.shape[1]).unwrap();
        let mut scores = floats(scores)[row * classes..][..classes].to_vec();
        scores.sort_by(|a, b| b.total_cmp(a));
        scores.len() > 1 && scores[0] - scores[1] < TIE
    })
}

/// One row of a tensor, as a tensor of one row.
fn row_of(tensor: &Tensor, row: usize) -> Tensor {
    let rows = usize::try_from(tensor.shape[0]).unwrap();
    let mut shape = tensor.shape.clone();
    shape[0] = 1;
    let data = if tensor.dtype == Dtype::Bytes {
        encoded_texts(&decoded_texts(tensor)[row..=row])
    } else {
        let width = tensor.data.len() / rows;
        tensor.data.slice(row * width..(row + 1) * width)
    };
    Tensor { shape, data, ..tensor.clone() }
}
