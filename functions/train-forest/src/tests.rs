//! Rows in, a forest out that has learned something.

use std::{fs, path::Path};

use serde_json::{Value, json};
use weft_tables::Table;

use super::*;

/// Three classes on a grid: below the diagonal, above it, and a corner; two columns that say nothing.
fn grid(rows: usize) -> String {
    let mut text = "a,b,noise,flat,class\n".to_owned();
    for row in 0..rows {
        let (a, b) = ((row * 7919 % 97) as f64 / 97.0, (row * 104_729 % 89) as f64 / 89.0);
        let class = if a > 0.8 && b > 0.8 { 9 } else { i32::from(a > b) };
        text.push_str(&format!("{a},{b},{},1,{class}\n", row * 31 % 17));
    }
    text
}

fn setting(folder: &Path, train: &str) {
    fs::create_dir(folder.join("in")).unwrap();
    fs::create_dir(folder.join("out")).unwrap();
    fs::write(folder.join("in/train"), train).unwrap();
}

fn params(json: Value) -> Params {
    serde_json::from_value(json).unwrap()
}

fn metric(run: &Run, name: &str) -> f64 {
    run.recorded().metrics.iter().find(|it| it.0 == name && it.2.is_none()).unwrap().1
}

#[test]
fn a_forest_learns_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    setting(folder.path(), &grid(600));
    let run = Run::in_folder(folder.path());
    train(params(json!({ "trees": 30 })), &run).unwrap();
    assert!(metric(&run, "accuracy") > 0.9 && metric(&run, "out_of_bag") > 0.9, "{:?}", run.recorded().metrics);
    let (kind, model) = run.recorded().outputs["model"].clone();
    assert_eq!(
        (kind.as_str(), &model["classes"], &model["task"]),
        ("model", &json!(["0", "1", "9"]), &json!("classification"))
    );
    assert_eq!(model["signature"]["inputs"], json!([{ "name": "input", "datatype": "FP32", "shape": [-1, 4] }]));
    let importances = run.recorded().results["importances"].clone();
    let first = importances[0]["feature"].as_str().unwrap().to_owned();
    assert!(["a", "b"].contains(&first.as_str()), "{importances}");
    assert_eq!(importances[3], json!({ "feature": "flat", "importance": 0.0 }));
    let curve: Vec<_> = run.recorded().metrics.iter().filter_map(|it| it.2).collect();
    assert_eq!(curve, (1..=30).collect::<Vec<_>>());
    assert!(fs::metadata(folder.path().join("out/model")).unwrap().len() > 1000);
}

#[test]
fn the_same_seed_grows_the_same_bytes() {
    let bytes = |seed| {
        let folder = tempfile::tempdir().unwrap();
        setting(folder.path(), &grid(200));
        train(params(json!({ "trees": 5, "seed": seed })), &Run::in_folder(folder.path())).unwrap();
        fs::read(folder.path().join("out/model")).unwrap()
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
}

#[test]
fn values_are_learned_too() {
    let text: String = std::iter::once("x,noise,y\n".to_owned())
        .chain((0..300).map(|row| format!("{row},{},{}\n", row * 13 % 7, f64::from(row) * 0.5 + 0.25)))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    setting(folder.path(), &text);
    let run = Run::in_folder(folder.path());
    train(params(json!({ "trees": 20, "features_per_split": 2 })), &run).unwrap();
    assert!(metric(&run, "r2") > 0.99 && metric(&run, "rmse") < 5.0, "{:?}", run.recorded().metrics);
    assert_eq!(run.recorded().outputs["model"].1["signature"]["outputs"][0]["name"], "variable");
}

#[test]
fn gaps_are_filled_as_the_transform_says_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    setting(folder.path(), &format!("{},0.5,1,1,0\n", grid(100)));
    let run = Run::in_folder(folder.path());
    assert_eq!(train(params(json!({ "trees": 2 })), &run).unwrap_err().code, "gap");
    let table = Table::from_csv(grid(100).as_bytes()).unwrap();
    let mut transform = Transform::guess(&table, "class").unwrap();
    transform.features.iter_mut().for_each(|it| it.fill = Some(0.5));
    fs::write(folder.path().join("in/transform"), serde_json::to_vec(&transform).unwrap()).unwrap();
    train(params(json!({ "trees": 2 })), &run).unwrap();
}

#[test]
fn params_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    setting(folder.path(), &grid(50));
    let run = Run::in_folder(folder.path());
    for given in [json!({ "trees": 0 }), json!({ "validation": 1.0 }), json!({ "min_samples_leaf": 0 })] {
        assert_eq!(train(params(given), &run).unwrap_err().code, "bad-params");
    }
}
