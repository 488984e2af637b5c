//! What a caller can get wrong, and what they are told.

use host_core::{
    model::{ScoreError, Signature, TensorSpec},
    tensor::{Dtype, Tensor},
};
use host_inference::Session;

use super::fixtures::trained_named;

fn spec(name: &str, datatype: Dtype, shape: &[i64]) -> TensorSpec {
    TensorSpec { name: name.to_owned(), datatype, shape: shape.to_vec() }
}

fn tensor(name: &str, dtype: Dtype, shape: &[u64], bytes: usize) -> Tensor {
    Tensor { name: name.to_owned(), dtype, shape: shape.to_vec(), data: vec![0; bytes].into() }
}

fn refusal(model: &str, inputs: &[Tensor], wanted: &[&str]) -> String {
    let session = Session::load(&trained_named(model).model).unwrap();
    let wanted: Vec<String> = wanted.iter().map(|it| (*it).to_owned()).collect();
    match session.run_for(inputs, &wanted) {
        Err(ScoreError::Invalid(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_knows_its_signature() {
    let session = Session::load(&trained_named("forest-wine-100").model).unwrap();
    let expected = Signature {
        inputs: vec![spec("X", Dtype::Fp32, &[-1, 13])],
        outputs: vec![spec("label", Dtype::Int64, &[-1]), spec("probabilities", Dtype::Fp32, &[-1, 3])],
    };
    assert_eq!(session.signature(), &expected);
    let texts = Session::load(&trained_named("logistic-strings").model).unwrap();
    assert_eq!(texts.signature().outputs[0], spec("label", Dtype::Bytes, &[-1]));
}

#[test]
fn a_wrong_tensor_is_told_what_was_expected() {
    let refusal = |inputs: &[Tensor]| refusal("forest-wine-100", inputs, &[]);
    let right = tensor("X", Dtype::Fp32, &[1, 13], 52);
    assert_eq!(refusal(&[]), "input `X` is missing: the model takes `X` FP32 [-1, 13]");
    assert_eq!(
        refusal(&[tensor("Y", Dtype::Fp32, &[1, 13], 52)]),
        "input `Y` is not one of the model's: it takes `X` FP32 [-1, 13]"
    );
    assert_eq!(refusal(&[right.clone(), right]), "input `X` is given twice");
    assert_eq!(refusal(&[tensor("X", Dtype::Fp64, &[1, 13], 104)]), "input `X` is FP64, but the model takes FP32");
    let shape = |shape: &[u64]| refusal(&[tensor("X", Dtype::Fp32, shape, 48)]);
    let end = "but the model takes [-1, 13], where -1 is any number from 1";
    assert_eq!(shape(&[1, 12]), format!("input `X` has shape [1, 12], {end}"));
    assert_eq!(shape(&[13]), format!("input `X` has shape [13], {end}"));
    assert_eq!(shape(&[1, 13, 1]), format!("input `X` has shape [1, 13, 1], {end}"));
    assert_eq!(shape(&[0, 13]), format!("input `X` has shape [0, 13], {end}"));
    assert_eq!(shape(&[1, 13]), "input `X` holds 48 bytes, but shape [1, 13] of FP32 needs 52");
    assert_eq!(shape(&[u64::MAX, 13]), "input `X` has shape [18446744073709551615, 13], which no memory holds");
}

#[test]
fn inputs_that_disagree_on_the_batch_are_refused() {
    let inputs = ["sepal_length", "sepal_width", "petal_length", "petal_width"];
    let inputs: Vec<_> = inputs
        .iter()
        .enumerate()
        .map(|(i, name)| tensor(name, Dtype::Fp32, &[if i == 2 { 3 } else { 2 }, 1], if i == 2 { 12 } else { 8 }))
        .collect();
    assert_eq!(
        refusal("columns", &inputs, &[]),
        "input `petal_length` has 3 where input `sepal_length` has 2; the model takes the same of both"
    );
}

#[test]
fn only_the_outputs_that_are_wanted_come_in_the_order_they_are_wanted() {
    let case = trained_named("forest-wine-100");
    let session = Session::load(&case.model).unwrap();
    let names = |wanted: &[&str]| {
        let wanted: Vec<String> = wanted.iter().map(|it| (*it).to_owned()).collect();
        session.run_for(&case.inputs, &wanted).unwrap().into_iter().map(|it| it.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), ["label", "probabilities"]);
    assert_eq!(names(&["probabilities"]), ["probabilities"]);
    assert_eq!(names(&["probabilities", "label"]), ["probabilities", "label"]);
    assert_eq!(
        refusal("forest-wine-100", &case.inputs, &["score"]),
        "output `score` is not one of the model's: it gives `label`, `probabilities`"
    );
}

#[test]
fn cost_is_counted_in_rows() {
    let session = Session::load(&trained_named("forest-wine-100").model).unwrap();
    assert_eq!(session.rows(&[tensor("X", Dtype::Fp32, &[7, 13], 0)]), 7);
    assert_eq!(session.rows(&[]), 0);
    assert!(session.cost().of(1_000) >= session.cost().of(1));
}
