//! A table in, two tables and a transform out.

use std::path::Path;

use serde_json::Value;

use super::*;

fn job(data: &str, params: Value) -> Result<(tempfile::TempDir, Run), Failure> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    fs::create_dir(folder.path().join("out")).unwrap();
    fs::write(folder.path().join("in/data"), data).unwrap();
    let run = Run::in_folder(folder.path());
    prepare(serde_json::from_value(params).unwrap(), &run)?;
    Ok((folder, run))
}

fn rows(folder: &Path, name: &str) -> Vec<String> {
    let text = fs::read_to_string(folder.join("out").join(name)).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn transform(folder: &Path) -> Transform {
    serde_json::from_slice(&fs::read(folder.join("out/transform")).unwrap()).unwrap()
}

/// Twenty rows, `x` from 0 to 19, `y` either 4 or 8.
fn twenty() -> String {
    let row =
        |x: usize| format!("{x},{},{}\n", if x == 3 { String::new() } else { (2 * x).to_string() }, 4 + x % 2 * 4);
    std::iter::once("x,z,quality\n".to_owned()).chain((0..20).map(row)).collect()
}

#[test]
fn rows_stay_raw_and_the_transform_is_fitted_on_the_training_rows_alone() {
    let (folder, run) = job(&twenty(), json!({ "seed": 1, "test": 0.2, "missing": "mean" })).unwrap();
    let (train, test) = (rows(folder.path(), "train"), rows(folder.path(), "test"));
    assert_eq!((train.len(), test.len(), train[0].as_str()), (17, 5, "x,z,quality"));
    let xs: Vec<f64> = train[1..].iter().map(|it| it.split(',').next().unwrap().parse().unwrap()).collect();
    let transform = transform(folder.path());
    assert_eq!(transform.classes, ["4", "8"]);
    let mean = xs.iter().sum::<f64>() / 16.0;
    assert!((transform.features[0].offset - mean).abs() < 1e-9);
    assert_eq!(transform.features[1].fill, Some(transform.features[1].offset));
    assert!(run.recorded().metrics.contains(&("majority_share".to_owned(), 0.5, None)));
}

#[test]
fn the_seed_decides_the_split() {
    let test = |seed| rows(job(&twenty(), json!({ "seed": seed })).unwrap().0.path(), "test");
    assert_eq!(test(1), test(1));
    assert_ne!(test(1), test(2));
}

#[test]
fn rows_with_a_gap_go_when_asked_and_rows_without_a_label_always() {
    let data = "x,quality\n1,5\n,6\n3,\n4,5\n5,6\n6,5\n7,6\n";
    let (folder, run) = job(data, json!({ "missing": "drop", "test": 0.4, "scale": "minmax" })).unwrap();
    assert!(run.recorded().metrics.contains(&("dropped_rows".to_owned(), 2.0, None)));
    let transform = transform(folder.path());
    assert_eq!(transform.features[0].fill, None);
    assert!(transform.features[0].scale > 0.16);
}

#[test]
fn labels_can_be_binned_and_renamed() {
    let params =
        json!({ "bins": [5, 8], "bin_names": ["low", "middle", "high"], "label_map": { "high": "top" }, "test": 0.3 });
    let (folder, _) = job(&twenty(), params).unwrap();
    assert_eq!(transform(folder.path()).classes, ["low", "top"]);
    let params = json!({ "bins": [5], "bin_names": ["low", "high"], "test": 0.3 });
    let (folder, _) = job(&twenty(), params).unwrap();
    assert_eq!(transform(folder.path()).classes, ["low", "high"]);
}

#[test]
fn text_is_no_feature_and_repetitions_go_when_asked() {
    let data = "color,x,y\nred,1,a\nred,1,a\nred,2,b\nwhite,3,a\nred,4,b\nred,5,a\n";
    let (folder, run) = job(data, json!({ "duplicates": "drop", "test": 0.4 })).unwrap();
    assert_eq!(run.recorded().results["left_out"], json!(["color"]));
    assert_eq!(rows(folder.path(), "train").len() + rows(folder.path(), "test").len() - 2, 5);
    assert_eq!(transform(folder.path()).features.len(), 1);
}

#[test]
fn a_label_of_many_numbers_is_a_quantity() {
    let data: String =
        std::iter::once("x,y\n".to_owned()).chain((0..50).map(|x| format!("{x},{}.5\n", x * x))).collect();
    let (folder, _) = job(&data, json!({})).unwrap();
    let transform = transform(folder.path());
    assert_eq!((transform.task, transform.classes.len()), (Task::Regression, 0));
}

#[test]
fn what_cannot_be_prepared_is_named() {
    let message = |data: &str, params| job(data, params).unwrap_err().to_string();
    assert!(message("x,y\n1,a\n2,a\n", json!({})).contains("label `y` has 1 class"));
    assert!(message("x,y\n1,\n", json!({})).contains("no row is left"));
    assert!(message(&twenty(), json!({ "features": ["quality"] })).contains("cannot be a feature too"));
    assert!(message(&twenty(), json!({ "bins": [5, 4] })).contains("bins must ascend"));
    assert!(message(&twenty(), json!({ "test": 1.0 })).contains("test must be between 0 and 1"));
    assert!(message("a,y\nred,1\nblue,2\n", json!({})).contains("no column but the label `y` holds numbers"));
}
