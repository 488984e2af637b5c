//! Rows in, weights out that have learned something.

use std::{fs, path::Path};

use serde_json::{Value, json};
use weft_tables::{Table, Task, Transform};

use super::*;

/// Three classes side by side along `a + b`; `noise` says nothing.
fn stripes(rows: usize) -> String {
    let mut text = "a,b,noise,class\n".to_owned();
    for row in 0..rows {
        let (a, b) = ((row * 7919 % 97) as f64 / 9.7, (row * 104_729 % 89) as f64 / 0.89);
        let class = ["low", "middle", "top"][((a / 10.0 + b / 100.0) * 1.5).min(2.0) as usize];
        text.push_str(&format!("{a},{b},{},{class}\n", row * 31 % 17));
    }
    text
}

fn scaled(text: &str) -> (Table, Transform) {
    let table = Table::from_csv(text.as_bytes()).unwrap();
    let mut transform = Transform::identity(&table, "class", Task::Classification).unwrap();
    for (feature, (offset, scale)) in transform.features.iter_mut().zip([(5.0, 0.35), (50.0, 0.035), (8.0, 0.2)]) {
        (feature.offset, feature.scale, feature.fill) = (offset, scale, Some(offset));
    }
    (table, transform)
}

fn setting(folder: &Path, train: &str, transform: Option<&Transform>) {
    fs::create_dir(folder.join("in")).unwrap();
    fs::create_dir(folder.join("out")).unwrap();
    fs::write(folder.join("in/train"), train).unwrap();
    if let Some(transform) = transform {
        fs::write(folder.join("in/transform"), serde_json::to_vec(transform).unwrap()).unwrap();
    }
}

fn params(json: Value) -> Params {
    serde_json::from_value(json).unwrap()
}

fn metric(run: &Run, name: &str) -> f64 {
    run.recorded().metrics.iter().find(|it| it.0 == name && it.2.is_none()).unwrap().1
}

#[test]
fn classes_are_learned_and_the_loss_falls() {
    let folder = tempfile::tempdir().unwrap();
    let (_, transform) = scaled(&stripes(400));
    setting(folder.path(), &stripes(400), Some(&transform));
    let run = Run::in_folder(folder.path());
    train(params(json!({ "l2": 0.1 })), &run).unwrap();
    assert!(metric(&run, "accuracy") > 0.9 && metric(&run, "log_loss") < 0.3, "{:?}", run.recorded().metrics);
    let losses: Vec<f64> = run.recorded().metrics.iter().filter(|it| it.0 == "loss").map(|it| it.1).collect();
    assert!(losses.len() > 2 && losses.is_sorted_by(|a, b| *a >= b - 1e-4), "{losses:?}");
    let model = run.recorded().outputs["model"].1.clone();
    assert_eq!(
        (&model["classes"], &model["algorithm"]),
        (&json!(["low", "middle", "top"]), &json!("logistic regression"))
    );
    assert_eq!(run.recorded().results["importances"][2]["feature"], "noise");
}

#[test]
fn values_are_learned_too() {
    let text: String =
        std::iter::once("x,z,y\n".to_owned())
            .chain((0..60).map(|row| {
                format!("{row},{},{}\n", row * 7 % 11, f64::from(row) * 2.0 - f64::from(row * 7 % 11) + 100.5)
            }))
            .collect();
    let folder = tempfile::tempdir().unwrap();
    setting(folder.path(), &text, None);
    let run = Run::in_folder(folder.path());
    train(params(json!({})), &run).unwrap();
    assert!(metric(&run, "r2") > 0.99);
    assert_eq!(run.recorded().outputs["model"].1["signature"]["outputs"][0]["name"], "variable");
}

#[test]
fn what_cannot_be_learned_is_refused() {
    let refused = |text: &str, given: Value| {
        let folder = tempfile::tempdir().unwrap();
        setting(folder.path(), text, None);
        train(params(given), &Run::in_folder(folder.path())).unwrap_err()
    };
    assert_eq!(refused("x,y\n1,a\n2,a\n3,a\n", json!({})).code, "cannot-train");
    assert_eq!(refused("x,y\n1,a\n,b\n3,a\n", json!({})).code, "gap");
    assert_eq!(refused(&stripes(20), json!({ "l2": -1.0 })).code, "bad-params");
    assert_eq!(refused(&stripes(20), json!({ "max_iterations": 0 })).code, "cannot-train");
    assert_eq!(refused("x,y\nred,a\n", json!({})).code, "bad-label");
}
