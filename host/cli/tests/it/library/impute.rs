//! `impute` against scikit-learn.

use serde_json::json;

use super::{Library, reference::reference, tables};

#[test]
fn what_stands_for_gaps_is_what_scikit_learn_puts_there() {
    let library = Library::with(&["impute"]);
    let (train, test) = (tables::measurements(160, 1), tables::measurements(60, 2));
    let numbers = json!(["a", "b", "c", "d"]);
    let cases = [
        json!({ "strategy": "mean", "columns": numbers }),
        json!({ "strategy": "median", "columns": numbers }),
        json!({ "strategy": "most_frequent", "columns": ["a", "color"] }),
        json!({ "strategy": "constant", "value": "-1", "columns": numbers }),
        json!({ "strategy": "knn", "neighbors": 3, "columns": numbers }),
        json!({ "strategy": "knn", "neighbors": 7, "columns": ["b", "c"] }),
    ];
    let question = json!({ "train": train, "test": test, "cases": cases });
    let Some(theirs) = reference("impute", &question) else { return };
    for (params, theirs) in cases.into_iter().zip(theirs.as_array().unwrap()) {
        let fitted = library.run("impute", &[("data", &train)], params.clone());
        tables::same_columns(&format!("train, {params}"), &fitted.text("data"), &theirs["train"], 1e-10);
        let inputs = [("data", test.as_str()), ("statistics", fitted.digest("statistics"))];
        let applied = library.run("impute", &inputs, json!({}));
        tables::same_columns(&format!("test, {params}"), &applied.text("data"), &theirs["test"], 1e-10);
        assert_eq!(applied.digest("statistics"), fitted.digest("statistics"));
    }
}
