//! `ensemble-vote` against an offline computation, and over HTTP.

use serde_json::{Value, json};

use super::{Library, column, dice, near, number_column, numbers, reference::reference};

/// Three tables of the same rows in orders of their own.
fn tables(vote: impl Fn(f64) -> String) -> [String; 3] {
    let mut dice = dice(9);
    [1_usize, 7, 11].map(|step| {
        let row = |at: usize| format!("{:03},{}\n", at * step % 120, vote(dice()));
        std::iter::once("id,prediction\n".to_owned()).chain((0..120).map(row)).collect()
    })
}

#[test]
fn majorities_means_and_medians_are_those_of_an_offline_computation() {
    let library = Library::with(&["ensemble-vote"]);
    let words = tables(|it| ["a", "b", "c"][(it * 2.999) as usize].to_owned());
    let values = tables(|it| (it * 10.0).to_string());
    let cases = [
        (&words, "majority", [1.0, 1.0, 1.0]),
        (&words, "majority", [1.0, 2.5, 1.0]),
        (&values, "mean", [1.0, 2.0, 5.0]),
        (&values, "median", [1.0; 3]),
    ];
    for (tables, method, weights) in cases {
        let inputs = [("a", tables[0].as_str()), ("b", tables[1].as_str()), ("c", tables[2].as_str())];
        let params = json!({ "method": method, "weights": weights, "id": ["id"] });
        let ours = library.run("ensemble-vote", &inputs, params).text("predictions");
        assert_eq!(column(&ours, "id"), column(&tables[0], "id"));
        let question = json!({ "tables": tables, "method": method, "weights": weights });
        let Some(theirs) = reference("ensemble_vote", &question) else { return };
        if method == "majority" {
            assert_eq!(json!(column(&ours, "prediction")), theirs);
        } else {
            near(method, &number_column(&ours, "prediction"), &numbers(&theirs), 1e-12);
        }
    }
}

#[test]
fn one_row_at_a_time_is_answered_over_http() {
    let library = Library::with(&["ensemble-vote"]);
    let ask = |question: Value| library.host.question("/fn/ensemble-vote", &question);
    let (status, answer) = ask(json!({ "predictions": ["good", "bad", "good"], "weights": [1, 2, 1], "tie": "none" }));
    assert_eq!((status, &answer["prediction"], &answer["tie"]), (200, &Value::Null, &json!(true)));
    assert_eq!(ask(json!({ "predictions": [1, 2.5] })).1["prediction"], 1.75);
    assert_eq!(ask(json!({ "predictions": [] })).0, 422);
}
