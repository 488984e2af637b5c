//! Rows in, boosted trees out that say what they are.

use std::{fs, path::Path};

use serde_json::Value;

use super::*;

fn rows(label: impl Fn(f64, f64) -> String) -> String {
    let row = |row: usize| {
        let (a, b) = ((row * 7919 % 97) as f64 / 97.0, (row * 104_729 % 89) as f64 / 89.0);
        format!("{a},{b},{}\n", label(a, b))
    };
    std::iter::once("a,b,y\n".to_owned()).chain((0..300).map(row)).collect()
}

fn trained(folder: &Path, train: &str, params: Value) -> Result<Run, Failure> {
    fs::create_dir(folder.join("in")).unwrap();
    fs::create_dir(folder.join("out")).unwrap();
    fs::write(folder.join("in/train"), train).unwrap();
    let run = Run::in_folder(folder);
    super::train(serde_json::from_value(params).unwrap(), &run)?;
    Ok(run)
}

fn metric(run: &Run, name: &str) -> f64 {
    run.recorded().metrics.iter().find(|it| it.0 == name && it.2.is_none()).unwrap().1
}

#[test]
fn classes_are_learned_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let text = rows(|a, b| if a > b { "good" } else { "bad" }.to_owned());
    let run = trained(folder.path(), &text, json!({ "stages": 40 })).unwrap();
    assert!(metric(&run, "accuracy") > 0.85 && metric(&run, "log_loss") < 0.3, "{:?}", run.recorded().metrics);
    let model = run.recorded().outputs["model"].1.clone();
    assert_eq!((&model["algorithm"], &model["classes"]), (&json!("boosted trees"), &json!(["bad", "good"])));
    assert_eq!(model["params"]["learning_rate"], 0.1);
    let curve: Vec<_> = run.recorded().metrics.iter().filter_map(|it| it.2).collect();
    assert_eq!((curve.len(), curve.last()), (40, Some(&40)));
}

#[test]
fn values_are_learned_and_the_seed_decides() {
    let text = rows(|a, b| format!("{}", 3.0 * a - b * b + 0.25));
    let bytes = |seed: u64| {
        let folder = tempfile::tempdir().unwrap();
        let run = trained(folder.path(), &text, json!({ "subsample": 0.5, "seed": seed })).unwrap();
        assert!(metric(&run, "r2") > 0.97, "{:?}", run.recorded().metrics);
        fs::read(folder.path().join("out/model")).unwrap()
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
}

#[test]
fn params_that_make_no_sense_are_refused() {
    let text = rows(|a, _| a.to_string());
    for params in [
        json!({ "stages": 0 }),
        json!({ "max_depth": 0 }),
        json!({ "min_samples_leaf": 0 }),
        json!({ "learning_rate": 0.0 }),
        json!({ "subsample": 1.5 }),
        json!({ "validation": 1.0 }),
    ] {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(trained(folder.path(), &text, params).unwrap_err().code, "bad-params");
    }
}
