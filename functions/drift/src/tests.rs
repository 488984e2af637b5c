//! Two tables in, what has moved out.

use std::path::Path;

use serde_json::Value;

use super::*;

/// `x` moves, `y` stays, `color` gets a new word.
fn tables() -> (String, String) {
    let rows = |moved: f64, words: [&str; 3]| {
        let row = |it: usize| format!("{},{},{}\n", (it * 37 % 200) as f64 + moved, it * 53 % 200, words[it % 3]);
        std::iter::once("x,y,color\n".to_owned()).chain((0..200).map(row)).collect::<String>()
    };
    (rows(0.0, ["red", "red", "blue"]), rows(120.0, ["green", "red", "blue"]))
}

fn compared(folder: &Path, reference: &str, current: &str, params: Value) -> Result<(Run, Value), Failure> {
    fs::create_dir(folder.join("in")).unwrap();
    fs::create_dir(folder.join("out")).unwrap();
    fs::write(folder.join("in/reference"), reference).unwrap();
    fs::write(folder.join("in/current"), current).unwrap();
    let run = Run::in_folder(folder);
    drift(serde_json::from_value(params).unwrap(), &run)?;
    let report = serde_json::from_slice(&fs::read(folder.join("out/report")).unwrap()).unwrap();
    Ok((run, report))
}

#[test]
fn what_has_moved_is_told_from_what_has_not() {
    let (before, now) = tables();
    let folder = tempfile::tempdir().unwrap();
    let (run, report) = compared(folder.path(), &before, &now, json!({})).unwrap();
    assert_eq!(report["drifted"], json!(["x", "color"]));
    assert_eq!(run.recorded().results["columns_drifted"], json!(["x", "color"]));
    let x = &report["columns"][0];
    assert!((x["wasserstein"].as_f64().unwrap() - 120.0).abs() < 1e-9 && x["ks"].as_f64().unwrap() > 0.5, "{x}");
    assert_eq!((&report["columns"][1]["change"], &report["columns"][1]["psi"]), (&json!("none"), &json!(0.0)));
    assert!(report["columns"][2]["ks"].is_null());
    let page = fs::read_to_string(folder.path().join("out/page")).unwrap();
    assert!(page.contains("green") && !page.contains("NaN"));
}

#[test]
fn thresholds_and_the_measure_decide() {
    let (before, now) = tables();
    let drifted = |params: Value| {
        let folder = tempfile::tempdir().unwrap();
        compared(folder.path(), &before, &now, params).unwrap().1["drifted"].clone()
    };
    assert_eq!(drifted(json!({ "psi_large": 100.0 })), json!([]));
    assert_eq!(drifted(json!({ "by": "ks", "psi_large": 100.0 })), json!(["x"]));
    assert_eq!(drifted(json!({ "by": "wasserstein", "wasserstein": 0.5, "psi_large": 100.0 })), json!(["x"]));
    assert_eq!(drifted(json!({ "by": "jensen_shannon", "columns": ["color"] })), json!(["color"]));
    assert_eq!(drifted(json!({ "by": "any", "columns": ["y"] })), json!([]));
}

#[test]
fn a_constant_that_changes_and_a_column_that_vanishes_have_drifted() {
    let folder = tempfile::tempdir().unwrap();
    let before = "a,b,c\n1,5,x\n1,6,x\n1,7,x\n";
    let (_, report) = compared(folder.path(), before, "a,b,c\n2,,x\n2,,x\n2,,x\n", json!({})).unwrap();
    assert_eq!(report["drifted"], json!(["a", "b"]));
    assert_eq!(report["columns"][1]["missing"], json!([0.0, 1.0]));
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let code = |reference: &str, current: &str, params: Value| {
        let folder = tempfile::tempdir().unwrap();
        compared(folder.path(), reference, current, params).unwrap_err().code
    };
    assert_eq!(code("a\n1\n", "a\n", json!({})), "bad-table");
    assert_eq!(code("a\n1\n", "b\n1\n", json!({})), "bad-columns");
    assert_eq!(code("a\n1\n", "a\n1\n", json!({ "columns": ["z"] })), "bad-columns");
}
