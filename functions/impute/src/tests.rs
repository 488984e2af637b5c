//! Tables with gaps in, without out.

use serde_json::{Value, json};

use super::*;

const DATA: &str = "x,y,t,b\n1,10,a,true\n,20,,\n3,,b,false\n8,40,b,false\n";

fn imputed(csv: &str, params: Value, statistics: Option<&str>) -> Result<(String, String), String> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("in")).unwrap();
    fs::create_dir_all(folder.path().join("out")).unwrap();
    fs::write(folder.path().join("in/data"), csv).unwrap();
    if let Some(statistics) = statistics {
        fs::write(folder.path().join("in/statistics"), statistics).unwrap();
    }
    impute(serde_json::from_value(params).unwrap(), &Run::in_folder(folder.path())).map_err(|it| it.to_string())?;
    let out = |name| fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    Ok((out("data"), out("statistics")))
}

fn data(params: Value) -> String {
    imputed(DATA, params, None).unwrap().0
}

#[test]
fn each_strategy_fills_what_it_can() {
    assert_eq!(data(json!({})), "x,y,t,b\n1,10,a,1\n3,20,,0\n3,20,b,0\n8,40,b,0\n");
    assert_eq!(
        data(json!({ "columns": ["x"], "strategy": "mean" })),
        "x,y,t,b\n1,10,a,true\n4,20,,\n3,,b,false\n8,40,b,false\n"
    );
    let frequent = data(json!({ "strategy": "most_frequent", "columns": ["t", "b", "x"] }));
    assert_eq!(frequent, "x,y,t,b\n1,10,a,true\n1,20,b,false\n3,,b,false\n8,40,b,false\n");
    let per_column =
        json!({ "columns": ["x", "t"], "strategy": "constant", "value": "7", "per_column": { "y": "mean" } });
    let constant = data(per_column);
    assert_eq!(constant, "x,y,t,b\n1,10,a,true\n7,20,7,\n3,23.333333333333332,b,false\n8,40,b,false\n");
}

#[test]
fn neighbours_are_those_that_share_most() {
    let csv = "a,b\n1,1\n2,2\n10,10\n,9\n,\n";
    let (table, _) = imputed(csv, json!({ "strategy": "knn", "neighbors": 2 }), None).unwrap();
    // The last row has no neighbours: it gets the means.
    assert_eq!(table, "a,b\n1,1\n2,2\n10,10\n6,9\n4.333333333333333,5.5\n");
}

#[test]
fn what_was_learned_fills_other_tables_alike() {
    for params in [json!({}), json!({ "strategy": "knn", "columns": ["x", "y"], "neighbors": 1 })] {
        let (_, statistics) = imputed(DATA, params, None).unwrap();
        let (again, same) = imputed("b,y,x,t\n,,1,z\n", json!({}), Some(&statistics)).unwrap();
        assert_eq!(same, statistics);
        assert!(again.ends_with(",1,z\n") && again.lines().nth(1).unwrap().split(',').nth(1).unwrap() != "", "{again}");
    }
    let error = imputed("x\n1\n", json!({}), Some("{}")).unwrap_err();
    assert!(error.contains("bad-statistics"), "{error}");
}

#[test]
fn gaps_are_marked_where_that_is_asked_for_and_columns_of_gaps_stay() {
    let (table, statistics) = imputed("x,e\n1,\n,\n", json!({ "indicator": true }), None).unwrap();
    assert_eq!(table, "x,e,x_missing,e_missing\n1,,0,1\n1,,1,1\n");
    assert!(statistics.contains("null"), "{statistics}");
    let constant = json!({ "strategy": "constant", "value": "none", "columns": ["e"] });
    assert_eq!(imputed("x,e\n1,\n", constant, None).unwrap().0, "x,e\n1,none\n");
}

#[test]
fn what_cannot_be_filled_says_why() {
    let fails = |params: Value| imputed(DATA, params, None).unwrap_err();
    assert!(fails(json!({ "columns": ["t"] })).contains("column `t` holds text"));
    assert!(fails(json!({ "columns": ["z"] })).contains("no-column"));
    assert!(fails(json!({ "strategy": "constant" })).contains("say what the constant is"));
    assert!(
        fails(json!({ "strategy": "constant", "value": "a", "columns": ["x"] })).contains("column `x` holds no text")
    );
    assert!(fails(json!({ "strategy": "knn", "neighbors": 0 })).contains("at least 1"));
    let (_, statistics) = imputed(DATA, json!({}), None).unwrap();
    let other = imputed("x,y,b\n,a,true\nb,,\n", json!({}), Some(&statistics)).unwrap_err();
    assert!(other.contains("column `x` holds no numbers"), "{other}");
}
