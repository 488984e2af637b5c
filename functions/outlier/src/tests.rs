//! Rows in, scores out.

use std::path::Path;

use serde_json::Value;

use super::*;

fn data() -> String {
    let row = |it: usize| format!("r{it},{},{}\n", it * 37 % 50, if it == 7 { 900 } else { it * 53 % 40 });
    std::iter::once("id,x,y\n".to_owned()).chain((0..100).map(row)).collect()
}

fn found(folder: &Path, data: &str, params: Value) -> Result<(Run, String), Failure> {
    fs::create_dir(folder.join("in")).unwrap();
    fs::create_dir(folder.join("out")).unwrap();
    fs::write(folder.join("in/data"), data).unwrap();
    let run = Run::in_folder(folder);
    find(serde_json::from_value(params).unwrap(), &run)?;
    Ok((run, fs::read_to_string(folder.join("out/scores")).unwrap()))
}

#[test]
fn the_row_that_is_unlike_the_others_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let (run, text) = found(folder.path(), &data(), json!({ "seed": 1, "contamination": 0.02 })).unwrap();
    let rows = run.recorded().results["outlier_rows"].clone();
    assert_eq!((rows[0].as_u64(), rows.as_array().unwrap().len()), (Some(8), 2));
    assert!(text.starts_with("id,x,y,outlier_score,is_outlier\n"), "{text}");
    assert!(text.lines().nth(8).unwrap().ends_with(",true"), "{text}");
}

#[test]
fn only_the_features_asked_for_count() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = found(folder.path(), &data(), json!({ "seed": 1, "features": ["x"], "threshold": 0.7 })).unwrap();
    assert_eq!(run.recorded().results["outlier_rows"], json!([]));
    assert_eq!(run.recorded().outputs["scores"].1["features"], json!(["x"]));
}

#[test]
fn what_says_nothing_is_refused() {
    let code = |data: &str, params| {
        let folder = tempfile::tempdir().unwrap();
        found(folder.path(), data, params).unwrap_err().code
    };
    assert_eq!(code("x\n1\n", json!({})), "bad-table");
    assert_eq!(code("x\nred\nblue\n", json!({})), "bad-features");
    assert_eq!(code(&data(), json!({ "features": ["id"] })), "bad-features");
    assert_eq!(code(&data(), json!({ "contamination": 0.6 })), "bad-params");
}
