//! `drift` against scipy.

use serde_json::json;

use super::{Library, dice, near, reference::reference};

/// Columns that stay, move, widen, lose values and change their words.
fn table(count: usize, seed: u64, has_moved: bool) -> String {
    let mut dice = dice(seed);
    let (by, spread, words) =
        if has_moved { (0.4, 1.8, ["r", "g", "g", "k"]) } else { (0.0, 1.0, ["r", "g", "b", "b"]) };
    let mut text = "same,moved,wider,gaps,word\n".to_owned();
    for row in 0..count {
        let mut bell = || dice() + dice() + dice() - 1.5;
        let gap = if row % 7 == 0 { String::new() } else { bell().to_string() };
        let (same, moved, wider) = (bell(), bell() + by, bell() * spread);
        text.push_str(&format!("{same},{moved},{wider},{gap},{}\n", words[row % 4]));
    }
    text
}

#[test]
fn every_measure_is_that_of_scipy() {
    let library = Library::with(&["drift"]);
    let (reference_rows, current) = (table(500, 1, false), table(300, 2, true));
    let inputs = [("reference", reference_rows.as_str()), ("current", current.as_str())];
    let ours = library.run("drift", &inputs, json!({}));
    assert_eq!(*ours.result("columns_drifted"), json!(["moved", "wider", "word"]));
    let report = ours.json("report");
    let question = json!({ "reference": reference_rows, "current": current });
    let Some(theirs) = reference("drift", &question) else { return };
    for column in report["columns"].as_array().unwrap() {
        let name = column["column"].as_str().unwrap();
        for (measure, wanted) in theirs[name].as_object().unwrap() {
            near(
                &format!("{measure} of {name}"),
                &[column[measure].as_f64().unwrap()],
                &[wanted.as_f64().unwrap()],
                1e-9,
            );
        }
    }
}
