//! One table in, the best of several models out.

use std::path::Path;

use serde_json::Value;

use super::*;

/// A value that bends: no straight line is near it.
fn bent() -> String {
    let row = |row: usize| {
        let (a, b) = ((row * 7919 % 97) as f64 / 9.7, (row * 104_729 % 89) as f64 / 8.9);
        format!("{a},{b},{}\n", (a - 5.0).powi(2) + b + 0.5)
    };
    std::iter::once("a,b,y\n".to_owned()).chain((0..200).map(row)).collect()
}

fn trained(folder: &Path, data: &str, params: Value) -> Result<Run, Failure> {
    fs::create_dir(folder.join("in")).unwrap();
    fs::create_dir(folder.join("out")).unwrap();
    fs::write(folder.join("in/train"), data).unwrap();
    let run = Run::in_folder(folder);
    super::train(serde_json::from_value(params).unwrap(), &run)?;
    Ok(run)
}

#[test]
fn the_best_by_the_metric_is_exported() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path(), &bent(), json!({ "trees": 10, "stages": 60, "folds": 3, "seed": 1 })).unwrap();
    let recorded = run.recorded();
    assert!(recorded.results["best"]["name"].as_str().unwrap().starts_with("boosted"), "{}", recorded.results["best"]);
    let board = &recorded.results["leaderboard"];
    let scores: Vec<f64> =
        board["entries"].as_array().unwrap().iter().map(|it| it["means"]["r2"].as_f64().unwrap()).collect();
    assert_eq!((board["metric"].as_str(), scores.len()), (Some("r2"), 8));
    assert!(scores.is_sorted_by(|a, b| a >= b) && scores[0] > 0.9 && scores[7] < 0.5, "{scores:?}");
    assert_eq!(recorded.outputs["model"].1["algorithm"], "boosted trees");
    assert!(fs::read_to_string(folder.path().join("out/page")).unwrap().contains("boosted, depth"));
}

#[test]
fn a_metric_that_falls_is_best_where_it_is_least() {
    let folder = tempfile::tempdir().unwrap();
    let asked = json!({ "algorithms": ["linear", "boosted", "linear"], "metric": "rmse", "stages": 30, "seed": 1 });
    let run = trained(folder.path(), &bent(), asked).unwrap();
    let board = run.recorded().results["leaderboard"].clone();
    let scores: Vec<f64> =
        board["entries"].as_array().unwrap().iter().map(|it| it["means"]["rmse"].as_f64().unwrap()).collect();
    assert!(scores.len() == 6 && scores.is_sorted(), "{scores:?}");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let code = |data: &str, params| {
        let folder = tempfile::tempdir().unwrap();
        trained(folder.path(), data, params).unwrap_err().code
    };
    assert_eq!(code(&bent(), json!({ "metric": "accuracy" })), "bad-params");
    assert_eq!(code(&bent(), json!({ "metric": "beauty" })), "bad-params");
    assert_eq!(code(&bent(), json!({ "folds": 1 })), "bad-params");
    assert_eq!(code(&bent(), json!({ "algorithms": [] })), "bad-params");
    let classes = "x,y\n1,a\n2,a\n3,a\n4,a\n";
    assert_eq!(code(classes, json!({ "algorithms": ["linear", "boosted"], "folds": 2 })), "cannot-train");
}
