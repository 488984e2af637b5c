//! A model and rows in, a report out. Natively there is no model: a function stands in for it.

use std::path::Path;

use serde_json::Value;
use weft_onnx::Builder;
use weft_tables::{Feature, Transform};

use super::*;

fn transform(classes: &[&str]) -> Transform {
    let feature = |name: &str| Feature { name: name.to_owned(), fill: None, offset: 0.0, scale: 1.0 };
    Transform {
        task: if classes.is_empty() { Task::Regression } else { Task::Classification },
        label: "y".to_owned(),
        classes: classes.iter().map(|&it| it.to_owned()).collect(),
        features: vec![feature("a"), feature("b")],
    }
}

/// A file that says what a model says; what it would compute is up to the test.
fn model(transform: &Transform, with_notes: bool) -> Vec<u8> {
    let builder = Builder::new("test", 2);
    let builder = match transform.classes.len() {
        0 => builder.linear_regressor(&[1.0, 1.0], 0.0).unwrap(),
        classes => {
            builder.linear_classifier(&vec![0.0; 2 * classes], &vec![0.0; classes], &transform.class_labels()).unwrap()
        }
    };
    let notes = if with_notes { transform.notes() } else { Vec::new() };
    notes.into_iter().fold(builder, |builder, (key, value)| builder.note(key, value)).encode().unwrap()
}

fn setting(folder: &Path, model: &[u8], data: &str) -> Run {
    fs::create_dir(folder.join("in")).unwrap();
    fs::create_dir(folder.join("out")).unwrap();
    fs::write(folder.join("in/model"), model).unwrap();
    fs::write(folder.join("in/data"), data).unwrap();
    Run::in_folder(folder)
}

/// Says class 5 with probability `a`, and 8 with the rest.
fn wine(batch: &Tensor) -> Result<Vec<Tensor>, Failure> {
    let rows = batch.shape[0];
    let likely: Vec<f32> = batch.to_f32s()?.chunks(2).flat_map(|row| [row[0], 1.0 - row[0]]).collect();
    let labels: Vec<i64> = likely.chunks(2).map(|it| if it[0] >= it[1] { 5 } else { 8 }).collect();
    Ok(vec![Tensor::i64("label", [rows], &labels), Tensor::f32("probabilities", [rows, 2], &likely)])
}

fn metric(run: &Run, name: &str) -> f64 {
    run.recorded().metrics.iter().find(|it| it.0 == name).unwrap().1
}

fn report(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("out/report")).unwrap()).unwrap()
}

const WINES: &str = "b,a,y\n0,0.9,5\n0,0.8,5\n0,0.3,5\n0,0.6,8\n0,0.1,8\n";

#[test]
fn a_classifier_is_measured_and_compared_with_the_majority() {
    let folder = tempfile::tempdir().unwrap();
    let run = setting(folder.path(), &model(&transform(&["5", "8"]), true), WINES);
    with_model(Params { batch: 2, ..Params::default() }, &run, wine).unwrap();
    assert_eq!((metric(&run, "accuracy"), metric(&run, "majority_accuracy")), (0.6, 0.6));
    assert_eq!(run.recorded().results["confusion"], json!({ "classes": ["5", "8"], "counts": [[2, 1], [1, 1]] }));
    let found = report(folder.path());
    // As scikit-learn has them.
    let near = |value: &Value, wanted: f64| (value.as_f64().unwrap() - wanted).abs() < 1e-6;
    assert!(near(&found["f1_macro"], 0.583_333_333) && near(&found["f1_weighted"], 0.6), "{found}");
    assert!(near(&found["auc"], 0.833_333_333) && near(&found["balanced_accuracy"], 0.583_333_333), "{found}");
    assert!(near(&found["log_loss"], 0.510_825_6), "{found}");
    let page = fs::read_to_string(folder.path().join("out/page")).unwrap();
    assert!(page.contains("always 5: 0.6") && page.contains("ROC") && !page.contains("NaN"));
}

#[test]
fn rows_reach_the_model_in_its_order_whatever_the_order_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let run = setting(folder.path(), &model(&transform(&["5", "8"]), true), WINES);
    with_model(Params::default(), &run, |batch| {
        assert_eq!((batch.name.as_str(), batch.shape.as_slice()), ("input", [5, 2].as_slice()));
        assert_eq!(batch.to_f32s().unwrap()[..4], [0.9, 0.0, 0.8, 0.0]);
        wine(batch)
    })
    .unwrap();
}

#[test]
fn a_regression_is_measured_and_compared_with_the_mean() {
    let folder = tempfile::tempdir().unwrap();
    let run = setting(folder.path(), &model(&transform(&[]), true), "a,b,y\n1,1,2.5\n2,1,3\n3,3,5.5\n");
    let sum = |batch: &Tensor| {
        let sums: Vec<f32> = batch.to_f32s()?.chunks(2).map(|row| row[0] + row[1]).collect();
        Ok(vec![Tensor::f32("variable", [batch.shape[0], 1], &sums)])
    };
    with_model(Params::default(), &run, sum).unwrap();
    assert!((metric(&run, "mae") - 1.0 / 3.0).abs() < 1e-9 && (metric(&run, "rmse") - 0.408_248_29).abs() < 1e-7);
    assert!(metric(&run, "r2") > 0.9 && metric(&run, "mean_rmse") > 1.3);
    assert_eq!(report(folder.path())["points"][0], json!([2.5, 2.0]));
}

#[test]
fn a_model_of_another_make_is_read_by_the_types_of_its_outputs() {
    let folder = tempfile::tempdir().unwrap();
    let run = setting(folder.path(), &model(&transform(&["5", "8"]), false), "a,b,y\n0.9,0,5\n0.1,0,8\n");
    let renamed = |batch: &Tensor| {
        let mut outputs = wine(batch)?;
        outputs.reverse();
        outputs.iter_mut().for_each(|it| it.name = format!("output_{}", it.name));
        Ok(outputs)
    };
    with_model(Params::default(), &run, renamed).unwrap();
    assert_eq!((metric(&run, "accuracy"), metric(&run, "auc")), (1.0, 1.0));
}

#[test]
fn what_does_not_fit_is_named() {
    let failure = |model: &[u8], data: &str, infer: fn(&Tensor) -> Result<Vec<Tensor>, Failure>| {
        let folder = tempfile::tempdir().unwrap();
        let run = setting(folder.path(), model, data);
        with_model(Params::default(), &run, infer).unwrap_err().to_string()
    };
    let good = model(&transform(&["5", "8"]), true);
    assert!(failure(b"no model", WINES, wine).contains("the bytes are not an onnx model"));
    assert!(failure(&good, "a,y\n1,5\n", wine).contains("there is no column `b`"));
    assert!(failure(&good, "a,b,y\n1,0,7\n", wine).contains("row 1: `7` is not a class of `y`"));
    let without = model(&transform(&["5", "8"]), false);
    assert!(failure(&without, "a,y\n1,5\n2,8\n", wine).contains("takes 2 features, the data has 1"));
    assert!(failure(&good, WINES, |_| Ok(vec![])).contains("no output of labels"));
    let other = |batch: &Tensor| Ok(vec![Tensor::i64("label", [batch.shape[0]], &[3; 5])]);
    assert!(failure(&good, WINES, other).contains("the model answered `3`; the classes of the data are 5, 8"));
}

#[test]
fn without_probabilities_there_is_no_curve_and_no_loss() {
    let folder = tempfile::tempdir().unwrap();
    let run = setting(folder.path(), &model(&transform(&["5", "8"]), true), WINES);
    with_model(Params::default(), &run, |batch| Ok(wine(batch)?.into_iter().take(1).collect())).unwrap();
    assert_eq!((&report(folder.path())["auc"], &report(folder.path())["log_loss"]), (&Value::Null, &Value::Null));
}

#[test]
fn groups_are_compared_by_a_column_that_is_no_feature() {
    let data = "b,a,who,y\n0,0.9,x,5\n0,0.8,x,5\n0,0.3,y,5\n0,0.6,y,8\n0,0.1,y,8\n";
    let folder = tempfile::tempdir().unwrap();
    let run = setting(folder.path(), &model(&transform(&["5", "8"]), true), data);
    let asked = |positive: &str| Params {
        group_by: vec!["who".to_owned()],
        positive: positive.to_owned(),
        ..Params::default()
    };
    with_model(asked("5"), &run, wine).unwrap();
    assert!((metric(&run, "demographic_parity_difference") - 2.0 / 3.0).abs() < 1e-12);
    assert_eq!(report(folder.path())["groups"][0]["groups"][0]["selection_rate"], 1.0);
    assert!(fs::read_to_string(folder.path().join("out/page")).unwrap().contains("By who"));
    assert_eq!(with_model(asked("7"), &run, wine).unwrap_err().code, "bad-params");
}
