//! A model and rows in, predictions out. Natively there is no model: a function stands in for it.

use std::path::Path;

use serde_json::Value;
use weft_onnx::Builder;

use super::*;

/// A file that says what a model says; what it would compute is up to the test.
fn model(classes: &str) -> Vec<u8> {
    let notes = [
        ("task", if classes == "[]" { "regression" } else { "classification" }),
        ("label", "y"),
        ("classes", classes),
        ("features", "[\"a\",\"b\"]"),
    ];
    let builder = Builder::new("test", 2);
    let builder = if classes == "[]" {
        builder.linear_regressor(&[1.0, 1.0], 0.0).unwrap()
    } else {
        builder.linear_classifier(&[0.0; 4], &[0.0; 2], &[0, 1]).unwrap()
    };
    notes.into_iter().fold(builder, |builder, (key, value)| builder.note(key, value)).encode().unwrap()
}

fn predicted(folder: &Path, classes: &str, data: &str, params: Value) -> Result<(Run, String), Failure> {
    fs::create_dir(folder.join("in")).unwrap();
    fs::create_dir(folder.join("out")).unwrap();
    fs::write(folder.join("in/model"), model(classes)).unwrap();
    fs::write(folder.join("in/data"), data).unwrap();
    let run = Run::in_folder(folder);
    with_model(&serde_json::from_value(params).unwrap(), &run, |batch| {
        let rows = batch.shape[0];
        let first: Vec<f32> = batch.to_f32s()?.chunks(2).map(|row| row[0]).collect();
        if classes == "[]" {
            return Ok(vec![Tensor::f32("variable", [rows, 1], &first)]);
        }
        let labels: Vec<i64> = first.iter().map(|it| i64::from(*it > 0.5)).collect();
        let likely: Vec<f32> = first.iter().flat_map(|it| [1.0 - it, *it]).collect();
        Ok(vec![Tensor::i64("label", [rows], &labels), Tensor::f32("probabilities", [rows, 2], &likely)])
    })?;
    let text = fs::read_to_string(folder.join("out/predictions")).unwrap();
    Ok((run, text))
}

const NAMED: &str = "[\"bad\",\"good\"]";

#[test]
fn what_tells_rows_apart_is_kept_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    let data = "b,id,a\n0,007,0.25\n0,x,0.75\n,y,1\n";
    let (run, text) = predicted(folder.path(), NAMED, data, json!({ "batch": 2 })).unwrap();
    let expected = "id,prediction,probability_bad,probability_good\n007,bad,0.75,0.25\nx,good,0.25,0.75\ny,good,0,1\n";
    assert_eq!(text, expected);
    let metrics = run.recorded().metrics;
    assert_eq!(metrics, [("rows".to_owned(), 3.0, None), ("gaps".to_owned(), 1.0, None)]);
    assert_eq!(run.recorded().outputs["predictions"].1["predicts"], "y");
}

#[test]
fn rows_are_numbered_where_nothing_else_tells_them_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (_, text) = predicted(folder.path(), "[]", "a,b\n0.5,1\n-2,1\n", json!({})).unwrap();
    assert_eq!(text, "row,prediction\n1,0.5\n2,-2\n");
}

#[test]
fn columns_are_chosen_and_named_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let asked = json!({ "keep": ["a", "id"], "prediction": "grade", "probabilities": false });
    let (_, text) = predicted(folder.path(), NAMED, "id,a,b\n1,1,0\n", asked).unwrap();
    assert_eq!(text, "a,id,grade\n1,1,good\n");
}

#[test]
fn what_does_not_fit_is_refused() {
    let code = |data: &str, params| {
        let folder = tempfile::tempdir().unwrap();
        predicted(folder.path(), NAMED, data, params).unwrap_err().code
    };
    assert_eq!(code("a,b\n", json!({})), "bad-table");
    assert_eq!(code("a\n1\n", json!({})), "bad-table");
    assert_eq!(code("a,b\n1,2\n", json!({ "keep": ["id"] })), "bad-keep");
    assert_eq!(code("a,b,id\n1,2,3\n", json!({ "keep": ["id"], "prediction": "id" })), "bad-keep");
}
