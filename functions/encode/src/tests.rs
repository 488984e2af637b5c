//! Text in, numbers and their mapping out.

use serde_json::{Value, json};

use super::*;

const DATA: &str = "color,n,ok,y\nred,1,true,1\nblue,2,false,0\n,3,true,1\nred,4,false,0\nred,5,,1\n";

fn encoded(csv: &str, params: Value, mapping: Option<&str>) -> Result<(String, String), String> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("in")).unwrap();
    fs::create_dir_all(folder.path().join("out")).unwrap();
    fs::write(folder.path().join("in/data"), csv).unwrap();
    if let Some(mapping) = mapping {
        fs::write(folder.path().join("in/mapping"), mapping).unwrap();
    }
    encode(serde_json::from_value(params).unwrap(), &Run::in_folder(folder.path())).map_err(|it| it.to_string())?;
    let out = |name| fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    Ok((out("data"), out("mapping")))
}

fn data(params: Value) -> String {
    encoded(DATA, params, None).unwrap().0
}

#[test]
fn each_method_puts_numbers_where_the_column_was() {
    assert_eq!(
        data(json!({})),
        "color_blue,color_red,n,ok_false,ok_true,y\n0,1,1,0,1,1\n1,0,2,1,0,0\n0,0,3,0,1,1\n0,1,4,1,0,0\n0,1,5,0,0,1\n"
    );
    let gaps = data(json!({ "columns": ["color"], "missing": "category", "drop_first": true }));
    assert!(gaps.starts_with("color_red,color_missing,n,ok,y\n1,0,1,true,1\n0,0,2,false,0\n0,1,3,true,1\n"), "{gaps}");
    let ordinal = data(json!({ "columns": ["color", "n"], "method": "ordinal" }));
    assert!(ordinal.starts_with("color,n,ok,y\n1,0,true,1\n0,1,false,0\n,2,true,1\n1,3,"), "{ordinal}");
    let target = data(json!({ "columns": ["color"], "method": "target", "label": "y", "smoothing": 1 }));
    // red: (2 + 0.6) / (3 + 1); blue: (0 + 0.6) / 2; a gap: 0.6.
    assert!(target.starts_with("color,n,ok,y\n0.65,1,true,1\n0.3,2,false,0\n0.6,3,true,1\n"), "{target}");
}

#[test]
fn what_was_learned_is_put_to_other_tables_and_new_categories_are_counted() {
    let (_, mapping) = encoded(DATA, json!({ "columns": ["color"] }), None).unwrap();
    let (table, same) = encoded("x,color\n1,green\n2,red\n", json!({}), Some(&mapping)).unwrap();
    assert_eq!(table, "x,color_blue,color_red\n1,0,0\n2,0,1\n");
    assert_eq!(same, mapping);
    let (_, strict) = encoded(DATA, json!({ "columns": ["color"], "unknown": "error" }), None).unwrap();
    let error = encoded("x,color\n1,red\n2,green\n", json!({}), Some(&strict)).unwrap_err();
    assert!(error.contains("row 2: `green` is no category of `color`"), "{error}");
    let (_, ordinal) = encoded(DATA, json!({ "columns": ["color"], "method": "ordinal" }), None).unwrap();
    assert_eq!(encoded("x,color\n1,green\n2,\n", json!({}), Some(&ordinal)).unwrap().0, "x,color\n1,-1\n2,\n");
}

#[test]
fn a_target_is_numbers_truth_values_or_two_classes() {
    let params = |label: &str| json!({ "columns": ["c"], "method": "target", "label": label, "smoothing": 0 });
    let csv = "c,two,three,b\na,no,1,true\nb,yes,x,false\na,no,y,true\n";
    assert_eq!(
        encoded(csv, params("two"), None).unwrap().0,
        "c,two,three,b\n0,no,1,true\n1,yes,x,false\n0,no,y,true\n"
    );
    assert!(encoded(csv, params("b"), None).unwrap().0.contains("\n1,no,1,true\n0,yes"));
    assert!(encoded(csv, params("three"), None).unwrap_err().contains("has 3 classes"));
    assert!(encoded(csv, params(""), None).unwrap_err().contains("needs the param `label`"));
    assert!(encoded(csv, params("c"), None).unwrap_err().contains("its own mean"));
}

#[test]
fn what_cannot_be_encoded_says_why() {
    let fails = |params: Value| encoded(DATA, params, None).unwrap_err();
    assert!(fails(json!({ "columns": ["colour"] })).contains("is it `color`?"));
    assert!(fails(json!({ "columns": ["n"], "most_categories": 3 })).contains("has 5 categories"));
    assert!(encoded("a,a_1\nx,1\n1,1\n", json!({}), None).unwrap_err().contains("two columns are called `a_1`"));
    let error = encoded("x\n1\n", json!({}), Some("{\"method\":\"one_hot\"}")).unwrap_err();
    assert!(error.contains("bad-mapping"), "{error}");
}
