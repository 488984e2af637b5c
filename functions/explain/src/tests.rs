//! A model and rows in, what it depends on out. Natively there is no model: a function stands in for it.

use std::path::Path;

use serde_json::Value;
use weft_onnx::Builder;

use super::*;

fn model() -> Vec<u8> {
    let notes = [("task", "regression"), ("label", "y"), ("features", "[\"a\",\"b\",\"noise\"]")];
    let builder = Builder::new("test", 3).linear_regressor(&[1.0; 3], 0.0).unwrap();
    notes.into_iter().fold(builder, |builder, (key, value)| builder.note(key, value)).encode().unwrap()
}

/// `y` is 4a + b.
fn data() -> String {
    let row = |it: usize| {
        let (a, b) = (it * 37 % 100, it * 53 % 100);
        format!("{a},{b},{},{}.0\n", it * 71 % 100, 4 * a + b)
    };
    std::iter::once("a,b,noise,y\n".to_owned()).chain((0..100).map(row)).collect()
}

fn explained(folder: &Path, params: Value) -> Result<Run, Failure> {
    fs::create_dir(folder.join("in")).unwrap();
    fs::create_dir(folder.join("out")).unwrap();
    fs::write(folder.join("in/model"), model()).unwrap();
    fs::write(folder.join("in/data"), data()).unwrap();
    let run = Run::in_folder(folder);
    with_model(&serde_json::from_value(params).unwrap(), &run, |batch| {
        let sums: Vec<f32> = batch.to_f32s()?.chunks(3).map(|row| 4.0 * row[0] + row[1]).collect();
        Ok(vec![Tensor::f32("variable", [batch.shape[0], 1], &sums)])
    })?;
    Ok(run)
}

#[test]
fn what_is_not_used_loses_nothing_and_what_weighs_most_loses_most() {
    let folder = tempfile::tempdir().unwrap();
    let run = explained(folder.path(), json!({ "seed": 1, "repeats": 10 })).unwrap();
    let found = run.recorded().results["importances"].clone();
    let names: Vec<_> = found.as_array().unwrap().iter().map(|it| it["feature"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b", "noise"]);
    assert_eq!((&found[2]["mean"], &found[2]["std"]), (&json!(0.0), &json!(0.0)));
    let (a, b) = (found[0]["mean"].as_f64().unwrap(), found[1]["mean"].as_f64().unwrap());
    // Without a weight w of two, R² falls by 2 w² of all squares.
    assert!((a - 2.0 * 16.0 / 17.0).abs() < 0.3 && (b - 2.0 / 17.0).abs() < 0.05, "{found}");
    assert_eq!(run.recorded().metrics[0], ("r2".to_owned(), 1.0, None));
}

#[test]
fn an_error_grows_where_a_share_falls() {
    let folder = tempfile::tempdir().unwrap();
    let run = explained(folder.path(), json!({ "seed": 1, "metric": "rmse", "rows": 50 })).unwrap();
    assert!(run.recorded().results["importances"][0]["mean"].as_f64().unwrap() > 50.0);
    assert!(run.recorded().metrics.contains(&("rows".to_owned(), 50.0, None)));
}

#[test]
fn the_seed_decides_what_is_dealt() {
    let found = |seed: u64| {
        let folder = tempfile::tempdir().unwrap();
        explained(folder.path(), json!({ "seed": seed })).unwrap().recorded().results["importances"].clone()
    };
    assert_eq!(found(1), found(1));
    assert_ne!(found(1), found(2));
}

#[test]
fn a_measure_of_another_kind_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(explained(folder.path(), json!({ "metric": "accuracy" })).unwrap_err().code, "bad-params");
}
