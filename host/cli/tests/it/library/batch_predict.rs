//! `batch-predict`: what a model of scikit-learn's kind says, row by row, with what tells rows apart.

use serde_json::json;

use super::{Library, column, friedman, near, number_column, numbers, reference::reference, rows};

#[test]
fn rows_keep_their_ids_and_get_what_scikit_learn_would_say() {
    let library = Library::with(&["train-linear", "batch-predict"]);
    let (train, test) = (rows(200, 1, friedman), rows(150, 2, friedman));
    let model = library.run("train-linear", &[("train", &train)], json!({ "l2": 1.0 })).digest("model").to_owned();
    let answer = library.run("batch-predict", &[("model", &model), ("data", &test)], json!({ "batch": 64 }));
    let predictions = answer.text("predictions");
    assert_eq!(column(&predictions, "id"), column(&test, "id"));
    assert_eq!(column(&predictions, "y"), column(&test, "y"));
    assert_eq!((answer.metric("rows"), answer.metric("gaps")), (150.0, 0.0));
    let Some(theirs) = reference("batch_predict", &json!({ "train": train, "test": test })) else { return };
    near("predictions", &number_column(&predictions, "prediction"), &numbers(&theirs), 1e-4);
}

#[test]
fn a_registered_model_predicts_by_its_alias() {
    let library = Library::with(&["load-dataset", "train-linear", "batch-predict"]);
    let data = format!("data={}", library.with_flowers());
    let args = ["run", "batch-predict", "--json", "-i", "model=model:iris@production", "-i", &data];
    let ran = crate::runs::ran(&library.host.run(&args)).done();
    assert_eq!(ran.steps()[0]["results"]["rows"], 150.0);
}
