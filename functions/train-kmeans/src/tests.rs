//! Rows in, clusters out.

use std::path::Path;

use serde_json::Value;

use super::*;

/// Three heaps of unlike scales; one gap, and a column of text.
fn heaps() -> String {
    let mut text = "name,x,y\n".to_owned();
    for row in 0..90 {
        let (x, y) = [(0.0, 0.0), (10.0, 0.0), (5.0, 900.0)][row % 3];
        let (off, further) = ((row * 7919 % 17) as f64 / 17.0, (row * 104_729 % 13) as f64 * 5.0);
        text.push_str(&format!(
            "r{row},{},{}\n",
            x + off,
            if row == 60 { String::new() } else { (y + further).to_string() }
        ));
    }
    text
}

fn trained(folder: &Path, data: &str, params: Value) -> Result<Run, Failure> {
    fs::create_dir(folder.join("in")).unwrap();
    fs::create_dir(folder.join("out")).unwrap();
    fs::write(folder.join("in/data"), data).unwrap();
    let run = Run::in_folder(folder);
    super::train(serde_json::from_value(params).unwrap(), &run)?;
    Ok(run)
}

#[test]
fn heaps_are_found_and_numbered_by_their_first_row() {
    let folder = tempfile::tempdir().unwrap();
    let run = trained(folder.path(), &heaps(), json!({ "seed": 3 })).unwrap();
    let found = run.recorded().results["clusters"].clone();
    let sizes: Vec<_> = found.as_array().unwrap().iter().map(|it| it["rows"].as_u64().unwrap()).collect();
    assert_eq!(sizes, [30, 30, 30]);
    assert!((found[1]["center"]["x"].as_f64().unwrap() - 10.5).abs() < 0.5, "{found}");
    assert!(found[2]["center"]["y"].as_f64().unwrap() > 800.0);
    let assigned = fs::read_to_string(folder.path().join("out/assigned")).unwrap();
    assert!(assigned.starts_with("name,x,y,cluster\nr0,0,0,0\nr1,"), "{assigned}");
    assert_eq!(run.recorded().outputs["model"].1["algorithm"], "k-means");
}

#[test]
fn the_seed_decides_the_bytes() {
    let bytes = |seed| {
        let folder = tempfile::tempdir().unwrap();
        trained(folder.path(), &heaps(), json!({ "seed": seed, "clusters": 7, "runs": 1 })).unwrap();
        fs::read(folder.path().join("out/model")).unwrap()
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
}

#[test]
fn more_beginnings_never_make_it_worse() {
    let inertia = |runs| {
        let folder = tempfile::tempdir().unwrap();
        let run = trained(folder.path(), &heaps(), json!({ "seed": 1, "clusters": 6, "runs": runs })).unwrap();
        run.recorded().metrics.iter().find(|it| it.0 == "inertia").unwrap().1
    };
    assert!(inertia(8) <= inertia(1));
}

#[test]
fn what_cannot_be_clustered_is_refused() {
    let code = |data: &str, params| {
        let folder = tempfile::tempdir().unwrap();
        trained(folder.path(), data, params).unwrap_err().code
    };
    assert_eq!(code("x\n1\n1\n2\n", json!({})), "cannot-train");
    assert_eq!(code(&heaps(), json!({ "clusters": 1 })), "cannot-train");
    assert_eq!(code("x\nred\nblue\n", json!({})), "bad-features");
    assert_eq!(code(&heaps(), json!({ "features": ["name"] })), "bad-features");
    assert_eq!(code(&heaps(), json!({ "features": ["z"] })), "bad-features");
}
