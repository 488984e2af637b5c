//! `evaluate` by group against fairlearn.

use serde_json::json;

use super::{Library, column, near, reference::reference, rows};

#[test]
fn parity_and_odds_of_groups_are_those_of_fairlearn() {
    let library = Library::with(&["train-linear", "batch-predict", "evaluate"]);
    // Who one is goes along with the second feature, and the truth depends on it.
    let label = |x: &[f64], noise: f64| {
        let who = ["a", "b", "c"][(x[1] * 2.999) as usize];
        format!("{who},{}", if x[0] + 0.5 * x[1] + 0.6 * noise > 0.8 { "yes" } else { "no" })
    };
    let with_header = |text: String| text.replacen(",y\n", ",who,y\n", 1);
    let (train, test) = (with_header(rows(400, 1, label)), with_header(rows(300, 2, label)));
    let model = library.run("train-linear", &[("train", &train)], json!({ "l2": 0.01 })).digest("model").to_owned();
    let predictions = library.run("batch-predict", &[("model", &model), ("data", &test)], json!({}));
    let params = json!({ "group_by": ["who"], "positive": "yes" });
    let ours = library.run("evaluate", &[("model", &model), ("data", &test)], params);
    let question = json!({ "data": test, "found": column(&predictions.text("predictions"), "prediction") });
    let Some(theirs) = reference("evaluate", &question) else { return };
    for (name, wanted) in theirs.as_object().unwrap().iter().filter(|it| it.0 != "groups") {
        near(name, &[ours.metric(name)], &[wanted.as_f64().unwrap()], 1e-9);
    }
    let report = ours.json("report");
    for group in report["groups"][0]["groups"].as_array().unwrap() {
        for (rate, wanted) in theirs["groups"][group["value"].as_str().unwrap()].as_object().unwrap() {
            near(rate, &[group[rate].as_f64().unwrap()], &[wanted.as_f64().unwrap()], 1e-9);
        }
    }
    assert!(ours.metric("demographic_parity_difference") > 0.1, "the groups differ");
}
