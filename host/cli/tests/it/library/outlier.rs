//! `outlier` against scikit-learn.

use serde_json::json;

use super::{Library, dice, number_column, reference::reference};

fn rows(count: usize) -> String {
    let mut dice = dice(5);
    let mut text = "id,a,b,c\n".to_owned();
    for row in 0..count {
        let mut bell = |wide: f64| (dice() + dice() + dice() - 1.5) * wide;
        let far = if row % 50 == 0 { 6.0 } else { 1.0 };
        text.push_str(&format!("r{row},{},{},{}\n", bell(far), bell(far * 10.0), bell(2.0)));
    }
    text
}

#[test]
fn rows_are_ranked_as_scikit_learn_ranks_them() {
    let library = Library::with(&["outlier"]);
    let data = rows(600);
    let params = json!({ "contamination": 0.02, "seed": 1 });
    let ours = library.run("outlier", &[("data", &data)], params.clone());
    assert_eq!(ours.metric("outliers"), 12.0);
    let again = library.run("outlier", &[("data", &(data.clone() + "\n"))], params);
    assert_eq!(ours.digest("scores"), again.digest("scores"), "the seed decides, and the run does not");
    let scores = number_column(&ours.text("scores"), "outlier_score");
    let Some(theirs) = reference("outlier", &json!({ "data": data, "scores": scores })) else { return };
    let correlation = theirs["ours"].as_f64().unwrap();
    assert!(correlation >= 0.9, "{theirs}");
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    assert!((mean - theirs["mean"].as_f64().unwrap()).abs() < 0.01, "{mean}: {theirs}");
}
