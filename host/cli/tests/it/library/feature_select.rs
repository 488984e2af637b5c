//! `feature-select` against scikit-learn.

use serde_json::json;
use weft_tables::Table;

use super::{Library, near, numbers, reference::reference, tables};

const FEATURES: [&str; 4] = ["a", "b", "c", "d"];

#[test]
fn scores_are_those_of_scikit_learn() {
    let library = Library::with(&["feature-select"]);
    let data = tables::complete(&tables::measurements(300, 6), &FEATURES);
    let Some(theirs) = reference("feature-select", &json!({ "data": data, "features": FEATURES, "bins": 8 })) else {
        return;
    };
    for label in ["class", "y"] {
        let params = json!({ "label": label, "features": FEATURES, "bins": 8, "top": 2 });
        let answer = library.run("feature-select", &[("data", &data)], params);
        let scores = Table::from_csv(answer.text("scores").as_bytes()).unwrap();
        let ours = |name: &str| scores.column(name).unwrap().as_numbers().unwrap().into_owned();
        let theirs = &theirs[label];
        for (name, within) in [("variance", 1e-10), ("f", 1e-9), ("mutual_information", 1e-10)] {
            near(&format!("{name} for {label}"), &ours(name), &numbers(&theirs[name]), within);
        }
        // Probabilities as far as the two ways to compute them agree.
        near(&format!("f_p for {label}"), &ours("f_p"), &numbers(&theirs["f_p"]), 1e-9);
        if label == "class" {
            near("chi2", &ours("chi2"), &numbers(&theirs["chi2"]), 1e-9);
            near("chi2_p", &ours("chi2_p"), &numbers(&theirs["chi2_p"]), 1e-9);
        }
        assert_eq!(answer.result("selected_features"), &theirs["best"], "{label}");
    }
}

#[test]
fn gaps_count_for_the_feature_they_are_in_and_for_no_other() {
    let library = Library::with(&["feature-select"]);
    let data = tables::measurements(200, 7);
    let score = |data: &str, name: &str| {
        let answer = library.run("feature-select", &[("data", data)], json!({ "label": "y", "features": FEATURES }));
        let scores = Table::from_csv(answer.text("scores").as_bytes()).unwrap();
        let row = FEATURES.iter().position(|it| *it == name).unwrap();
        scores.column("f").unwrap().as_numbers().unwrap()[row]
    };
    for feature in FEATURES {
        assert_eq!(score(&data, feature), score(&tables::complete(&data, &[feature]), feature), "{feature}");
    }
}
