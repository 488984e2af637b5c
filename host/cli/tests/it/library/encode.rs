//! `encode` against scikit-learn.

use serde_json::json;

use super::{Library, reference::reference, tables};

#[test]
fn numbers_for_categories_are_those_of_scikit_learn() {
    let library = Library::with(&["encode"]);
    // What was not learned: the second table has every colour, the first has not.
    let train = tables::complete(&tables::measurements(150, 1).replace("綠", "red"), &["color"]);
    let test = tables::complete(&tables::measurements(60, 2), &["color"]);
    let cases = [
        json!({ "method": "one_hot", "columns": ["color"] }),
        json!({ "method": "one_hot", "columns": ["color", "class"], "drop_first": true }),
        json!({ "method": "ordinal", "columns": ["color", "class"] }),
        json!({ "method": "target", "columns": ["color", "class"], "label": "y", "smoothing": 10 }),
        json!({ "method": "target", "columns": ["class"], "label": "y", "smoothing": 0 }),
    ];
    let question = json!({ "train": train, "test": test, "cases": cases });
    let Some(theirs) = reference("encode", &question) else { return };
    for (params, theirs) in cases.into_iter().zip(theirs.as_array().unwrap()) {
        let fitted = library.run("encode", &[("data", &train)], params.clone());
        tables::same_columns(&format!("train, {params}"), &fitted.text("data"), &theirs["train"], 1e-10);
        let inputs = [("data", test.as_str()), ("mapping", fitted.digest("mapping"))];
        let applied = library.run("encode", &inputs, json!({}));
        tables::same_columns(&format!("test, {params}"), &applied.text("data"), &theirs["test"], 1e-10);
        assert_eq!(applied.digest("mapping"), fitted.digest("mapping"));
        assert!(applied.metric("unknown") > 0.0 || params["columns"] == json!(["class"]));
    }
}
