//! `train-boosted` against scikit-learn, and its ONNX against the trees it was made from.

use serde_json::{Value, json};
use weft_learn::{Model as _, boosted};
use weft_tables::{Table, Transform};

use super::{Library, column, friedman, number_column, reference::reference, rows};

const FUNCTIONS: [&str; 3] = ["train-boosted", "batch-predict", "evaluate"];

fn without_id(csv: &str) -> String {
    csv.lines().map(|line| line.split_once(',').unwrap().1.to_owned() + "\n").collect()
}

/// The settings that are the defaults of the function and of scikit-learn.
fn usual(classes: usize) -> boosted::Settings {
    boosted::Settings {
        stages: 100,
        learning_rate: 0.1,
        max_depth: 3,
        min_samples_leaf: 1,
        min_samples_split: 2,
        subsample: 1.0,
        classes,
        seed: 7,
    }
}

struct Trained {
    model_says: Value,
    predictions: String,
    evaluated: f64,
}

/// Trains in the engine, scores the other rows there, and measures.
fn trained(train: &str, test: &str, metric: &str) -> Trained {
    let library = Library::with(&FUNCTIONS);
    let model = library.run("train-boosted", &[("train", &without_id(train))], json!({ "validation": 0, "seed": 7 }));
    let digest = model.digest("model").to_owned();
    let predictions =
        library.run("batch-predict", &[("model", &digest), ("data", test)], json!({})).text("predictions");
    let evaluated = library.run("evaluate", &[("model", &digest), ("data", test)], json!({})).metric(metric);
    Trained { model_says: model.result("importances").clone(), predictions, evaluated }
}

/// What the same trees answer outside of any engine.
fn own_answers(train: &str, test: &str) -> Vec<Vec<f64>> {
    let table = Table::from_csv(without_id(train).as_bytes()).unwrap();
    let transform = Transform::guess(&table, "").unwrap();
    let examples = transform.examples(&table).unwrap();
    let model = boosted::fit(&examples, &usual(transform.classes.len()), |_| ()).unwrap();
    let test = Table::from_csv(test.as_bytes()).unwrap();
    transform.raw(&test).unwrap().chunks(transform.features.len()).map(|row| model.answer(row)).collect()
}

#[test]
fn values_are_predicted_as_scikit_learn_and_the_own_trees_predict_them() {
    let (train, test) = (rows(400, 1, friedman), rows(200, 2, friedman));
    let ours = trained(&train, &test, "r2");
    let found = number_column(&ours.predictions, "prediction");
    for (found, own) in found.iter().zip(own_answers(&train, &test)) {
        assert!((found - own[0]).abs() <= 1e-5 * own[0].abs().max(1.0), "{found} against {own:?}");
    }
    let question = json!({ "train": train, "test": test, "classes": false });
    let Some(theirs) = reference("train_boosted", &question) else { return };
    let score = theirs["score"].as_f64().unwrap();
    assert!((ours.evaluated - score).abs() < 0.02, "R² {} against {score}", ours.evaluated);
    for it in ours.model_says.as_array().unwrap() {
        let (feature, share) = (it["feature"].as_str().unwrap(), it["importance"].as_f64().unwrap());
        let wanted = theirs["importances"][feature].as_f64().unwrap();
        assert!((share - wanted).abs() < 0.02, "{feature}: {share} against {wanted}");
    }
}

#[test]
fn classes_are_predicted_as_scikit_learn_and_the_own_trees_predict_them() {
    let two = |x: &[f64], noise: f64| if x[0] + x[1] * x[2] + 0.2 * noise > 0.8 { "b" } else { "a" }.to_owned();
    let three = |x: &[f64], noise: f64| {
        ["a", "b", "c"][((x[0] + x[1] + 0.3 * noise) * 1.5).clamp(0.0, 2.0) as usize].to_owned()
    };
    let tables = [[rows(400, 3, two), rows(300, 4, two)], [rows(400, 5, three), rows(300, 6, three)]];
    for [train, test] in tables {
        let ours = trained(&train, &test, "accuracy");
        let own = own_answers(&train, &test);
        let classes = ["a", "b", "c"];
        for (at, class) in classes.iter().enumerate().take(own[0].len()) {
            let found = number_column(&ours.predictions, &format!("probability_{class}"));
            assert!(found.iter().zip(&own).all(|(found, own)| (found - own[at]).abs() <= 1e-5), "{class}");
        }
        let likeliest = |it: &Vec<f64>| classes[weft_learn::likeliest(it)].to_owned();
        assert_eq!(column(&ours.predictions, "prediction"), own.iter().map(likeliest).collect::<Vec<_>>());
        let question = json!({ "train": train, "test": test, "classes": true });
        let Some(theirs) = reference("train_boosted", &question) else { return };
        let score = theirs["score"].as_f64().unwrap();
        assert!((ours.evaluated - score).abs() < 0.02, "accuracy {} against {score}", ours.evaluated);
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let library = Library::with(&["train-boosted"]);
    let train = without_id(&rows(100, 1, friedman));
    let digest = |seed: u64| {
        let params = json!({ "seed": seed, "subsample": 0.6, "stages": 5 });
        library.run("train-boosted", &[("train", &train)], params).digest("model").to_owned()
    };
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
}
