//! Tables in, the best features and all scores out.

use serde_json::{Value, json};

use super::*;

const DATA: &str =
    "a,twice,noise,same,bad,y\n1,2,5,7,-1,x\n2,4,3,7,1,x\n3,6,,7,1,x\n7,14,5,7,-1,z\n8,16,4,7,1,z\n9,18,3,7,-1,z\n";

fn selected(csv: &str, params: Value) -> Result<(String, Table), String> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("in")).unwrap();
    fs::create_dir_all(folder.path().join("out")).unwrap();
    fs::write(folder.path().join("in/data"), csv).unwrap();
    feature_select(serde_json::from_value(params).unwrap(), &Run::in_folder(folder.path()))
        .map_err(|it| it.to_string())?;
    let out = |name| fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    Ok((out("data"), Table::from_csv(out("scores").as_bytes()).unwrap()))
}

fn header(params: Value) -> String {
    selected(DATA, params).unwrap().0.lines().next().unwrap().to_owned()
}

fn cell(scores: &Table, column: &str, row: usize) -> String {
    scores.column(column).unwrap().cell(row).unwrap_or_default().into_owned()
}

#[test]
fn what_does_not_vary_goes_and_what_repeats_a_better_one_and_what_is_not_among_the_best() {
    assert_eq!(header(json!({})), "a,twice,noise,bad,y");
    assert_eq!(header(json!({ "correlation": 0.95 })), "a,noise,bad,y");
    assert_eq!(header(json!({ "correlation": 0.95, "top": 1 })), "a,y");
    assert_eq!(header(json!({ "by": "variance", "top": 1 })), "twice,y");
    assert_eq!(header(json!({ "variance": 1 })), "a,twice,y");
    let (_, scores) = selected(DATA, json!({ "correlation": 0.95, "top": 1 })).unwrap();
    let reasons: Vec<_> = (0..5).map(|row| cell(&scores, "reason", row)).collect();
    assert_eq!(reasons, ["", "like a", "rank", "variance", "rank"]);
    assert_eq!(cell(&scores, "rank", 3), "");
}

#[test]
fn scores_can_be_checked_by_hand() {
    let (_, scores) = selected(DATA, json!({})).unwrap();
    // Means 2 and 8 within variances of 1: 54 between, 4 within by 4.
    assert_eq!(cell(&scores, "f", 0), "54");
    assert_eq!(cell(&scores, "chi2", 0), "10.8");
    assert_eq!(cell(&scores, "chi2", 4), "", "a number below 0 is no count");
    let information: f64 = cell(&scores, "mutual_information", 0).parse().unwrap();
    assert!((information - 2.0_f64.ln()).abs() < 1e-12, "{information}");
    let (_, scores) = selected("x,y\n1,1.5\n2,2.5\n3,3\n4,5.5\n", json!({})).unwrap();
    let correlation: f64 = cell(&scores, "correlation", 0).parse().unwrap();
    let f: f64 = cell(&scores, "f", 0).parse().unwrap();
    assert!((f - correlation * correlation / (1.0 - correlation * correlation) * 2.0).abs() < 1e-9);
    assert_eq!(cell(&scores, "chi2", 0), "");
}

#[test]
fn what_cannot_be_chosen_from_says_why() {
    let fails = |params: Value| selected(DATA, params).err().unwrap();
    assert!(fails(json!({ "label": "w" })).contains("bad-label"));
    assert!(fails(json!({ "features": ["y"] })).contains("cannot be a feature too"));
    assert!(fails(json!({ "features": ["b"] })).contains("bad-features"));
    assert!(fails(json!({ "variance": 1000 })).contains("nothing-left"));
    assert!(fails(json!({ "label": "same" })).contains("one class"));
    assert!(fails(json!({ "label": "a", "features": ["y"] })).contains("column `y` holds text"));
    assert!(selected("t,y\na,1\nb,2\n", json!({})).err().unwrap().contains("bad-features"));
}
