//! Tables in, one table out; and one row at a time.

use std::path::Path;

use serde_json::Value;

use super::*;

fn voted(folder: &Path, tables: &[&str], params: Value) -> Result<(Run, String), Failure> {
    fs::create_dir(folder.join("in")).unwrap();
    fs::create_dir(folder.join("out")).unwrap();
    for (name, table) in INPUTS.iter().zip(tables) {
        fs::write(folder.join("in").join(name), table).unwrap();
    }
    let run = Run::in_folder(folder);
    vote(serde_json::from_value(params).unwrap(), &run)?;
    Ok((run, fs::read_to_string(folder.join("out/predictions")).unwrap()))
}

#[test]
fn rows_are_joined_by_what_tells_them_apart() {
    let folder = tempfile::tempdir().unwrap();
    let tables = [
        "id,prediction,probability_bad\n007,bad,0.9\nx,good,0.2\n",
        "id,prediction\nx,bad\n007,bad\n",
        "id,prediction\n007,good\nx,bad\n",
    ];
    let (run, text) = voted(folder.path(), &tables, json!({ "id": ["id"] })).unwrap();
    assert_eq!(text, "id,prediction,agreement\n007,bad,0.6666666666666666\nx,bad,0.6666666666666666\n");
    assert!(run.recorded().metrics.contains(&("ties".to_owned(), 0.0, None)));
}

#[test]
fn rows_of_one_place_belong_together_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let tables = ["row,prediction\n1,1.5\n2,\n", "row,prediction\n1,2.5\n2,4\n"];
    let (_, text) = voted(folder.path(), &tables, json!({ "weights": [1, 3] })).unwrap();
    assert_eq!(text, "row,prediction,agreement\n1,2.25,0\n2,4,1\n");
}

#[test]
fn rows_that_do_not_fit_are_named() {
    let said = |tables: &[&str], params: Value| {
        let folder = tempfile::tempdir().unwrap();
        voted(folder.path(), tables, params).unwrap_err().to_string()
    };
    let one = "id,prediction\na,1\nb,2\n";
    assert!(said(&[], json!({})).contains("no predictions"));
    assert!(said(&[one, "id,prediction\na,1\n"], json!({})).contains("table 2 has 1 rows, the first has 2"));
    assert!(said(&[one, "id,prediction\na,1\nc,2\n"], json!({ "id": ["id"] })).contains("table 2 has no row for b"));
    assert!(said(&[one, "id,prediction\na,1\na,2\n"], json!({ "id": ["id"] })).contains("two rows for a"));
    assert!(said(&[one], json!({ "prediction": "grade" })).contains("no column `grade`"));
    assert!(said(&[one, one], json!({ "weights": [1] })).contains("1 weights for 2 predictions"));
}

#[test]
fn a_question_is_answered_in_the_form_in_which_it_was_put() {
    let answer = |question: Value| ask(Event::new("vote", serde_json::from_value(question).unwrap()));
    let said = |question| serde_json::to_value(answer(question).unwrap()).unwrap();
    assert_eq!(said(json!({ "predictions": [5, 6, 5] }))["prediction"], 5);
    assert_eq!(said(json!({ "predictions": ["a", null, "b"], "tie": "none" }))["prediction"], Value::Null);
    let mean = said(json!({ "predictions": [1.5, 2], "weights": [1, 1] }));
    assert_eq!((&mean["prediction"], &mean["method"]), (&json!(1.75), &json!("mean")));
    assert_eq!(said(json!({ "predictions": [true, true, false] }))["prediction"], true);
    assert_eq!(answer(json!({ "predictions": [] })).unwrap_err().code, "bad-predictions");
    assert_eq!(answer(json!({ "predictions": [[1]] })).unwrap_err().code, "bad-predictions");
    assert_eq!(answer(json!({ "predictions": [1], "weights": [0] })).unwrap_err().code, "bad-weights");
}
