//! `explain` against scikit-learn's permutation importance of the same model.

use serde_json::json;

use super::{Library, friedman, reference::reference, rows};

#[test]
fn importances_are_those_of_scikit_learn_within_the_chance_of_the_deals() {
    let library = Library::with(&["train-linear", "explain"]);
    let (train, test) = (rows(300, 1, friedman), rows(200, 2, friedman));
    let model = library.run("train-linear", &[("train", &train)], json!({ "l2": 1.0 })).digest("model").to_owned();
    let repeats = 40;
    let params = json!({ "repeats": repeats, "seed": 1 });
    let ours = library.run("explain", &[("model", &model), ("data", &test)], params).json("importances");
    let question = json!({ "train": train, "test": test, "repeats": repeats });
    let Some(theirs) = reference("explain", &question) else { return };
    let number = |it: &serde_json::Value, name: &str| it[name].as_f64().unwrap();
    for it in ours.as_array().unwrap() {
        let theirs = &theirs[it["feature"].as_str().unwrap()];
        // The difference of two means over as many deals, at four standard errors.
        let error = (number(it, "std").powi(2) + number(theirs, "std").powi(2)).sqrt() / f64::from(repeats).sqrt();
        let off = (number(it, "mean") - number(theirs, "mean")).abs();
        assert!(off <= 4.0 * error + 1e-6, "{it} against {theirs}");
        assert!((number(it, "std") / number(theirs, "std") - 1.0).abs() < 0.6, "{it} against {theirs}");
    }
}
