//! `auto-train`: the best is the best, and its numbers are near those of scikit-learn's counterparts.

use serde_json::{Value, json};

use super::{Library, friedman, reference::reference, rows};

#[test]
fn the_best_of_the_table_is_exported_and_the_table_is_near_that_of_scikit_learn() {
    let library = Library::with(&["auto-train", "evaluate"]);
    let without_id: String =
        rows(300, 1, friedman).lines().map(|line| line.split_once(',').unwrap().1.to_owned() + "\n").collect();
    let params = json!({ "trees": 20, "stages": 50, "seed": 1 });
    let answer = library.run("auto-train", &[("train", &without_id)], params);
    let board = answer.json("leaderboard");
    let entries = board["entries"].as_array().unwrap();
    let r2 = |entry: &Value| entry["means"]["r2"].as_f64().unwrap();
    assert!(entries.len() == 8 && entries.is_sorted_by(|a, b| r2(a) >= r2(b)), "{board}");
    assert_eq!(answer.result("best")["name"], entries[0]["name"]);
    assert_eq!(answer.metric("r2"), r2(&entries[0]));
    let held = rows(200, 2, friedman);
    let evaluated = library.run("evaluate", &[("model", answer.digest("model")), ("data", &held)], json!({}));
    assert!((evaluated.metric("r2") - r2(&entries[0])).abs() < 0.05, "{}", evaluated.metric("r2"));
    let Some(theirs) = reference("auto_train", &json!({ "train": without_id })) else { return };
    for (name, wanted) in theirs.as_object().unwrap() {
        let entry = entries.iter().find(|it| it["name"] == *name).unwrap_or_else(|| panic!("no {name} in {board}"));
        let (found, wanted) = (r2(entry), wanted.as_f64().unwrap());
        // Other folds: both are means over five.
        assert!((found - wanted).abs() < 0.03, "{name}: {found} against {wanted}");
    }
}
