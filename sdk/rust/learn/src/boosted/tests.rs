//! Rows in, boosted trees out that have learned something.

use weft_tables::{Table, Target};

use super::*;

/// Three classes on a grid, and a value that bends.
fn grid(rows: usize, label: &str) -> (Transform, Examples) {
    let mut text = "a,b,noise,label\n".to_owned();
    for row in 0..rows {
        let (a, b) = ((row * 7919 % 97) as f64 / 97.0, (row * 104_729 % 89) as f64 / 89.0);
        let class = if a > 0.8 && b > 0.8 { 9 } else { i32::from(a > b) };
        let label = match label {
            "three" => class.to_string(),
            "two" => class.min(1).to_string(),
            _ => (10.0 * (a * b).sin() + a * a + 0.5).to_string(),
        };
        text.push_str(&format!("{a},{b},{},{label}\n", row * 31 % 17));
    }
    let table = Table::from_csv(text.as_bytes()).unwrap();
    let transform = Transform::guess(&table, "").unwrap();
    let examples = transform.examples(&table).unwrap();
    (transform, examples)
}

fn settings(classes: usize) -> Settings {
    Settings {
        stages: 60,
        learning_rate: 0.1,
        max_depth: 3,
        min_samples_leaf: 1,
        min_samples_split: 2,
        subsample: 1.0,
        classes,
        seed: 5,
    }
}

fn fitted(label: &str, more: impl FnOnce(&mut Settings)) -> (Transform, Examples, Boosted) {
    let (transform, examples) = grid(400, label);
    let mut settings = settings(transform.classes.len());
    more(&mut settings);
    let boosted = fit(&examples, &settings, |_| ()).unwrap();
    (transform, examples, boosted)
}

#[test]
fn classes_and_values_are_learned() {
    for (label, metric, least) in
        [("three", Metric::Accuracy, 0.95), ("two", Metric::Accuracy, 0.95), ("value", Metric::R2, 0.99)]
    {
        let (transform, examples, boosted) = fitted(label, |_| ());
        let found = Measures::of(&boosted, &examples).get(metric).unwrap();
        assert!(found > least, "{label}: {found}");
        assert!((boosted.importances.iter().sum::<f64>() - 1.0).abs() < 1e-9 && boosted.importances[2] < 0.1);
        assert!(boosted.onnx(&transform).unwrap().len() > 1000);
        let curve = boosted.curve(&examples);
        let (stages, last) = *curve.last().unwrap();
        assert!(curve.len() <= POINTS && stages == 60 && (last - found).abs() < 1e-4, "{curve:?}");
    }
}

#[test]
fn likelihoods_add_up_to_one() {
    for label in ["two", "three"] {
        let (_, examples, boosted) = fitted(label, |it| it.stages = 10);
        assert!(examples.iter().all(|row| (boosted.answer(row).iter().sum::<f64>() - 1.0).abs() < 1e-9));
    }
}

#[test]
fn the_seed_decides_which_rows_a_stage_learns_from() {
    let trees = |seed| fitted("value", |it| (it.subsample, it.seed, it.stages) = (0.5, seed, 5)).2.trees;
    assert_eq!(trees(1), trees(1));
    assert_ne!(trees(1), trees(2));
    assert_eq!(drawn(10, 0.5, 3).len(), 5);
    assert_eq!(drawn(3, 0.01, 3).len(), 1);
}

#[test]
fn one_class_alone_is_refused() {
    let examples = Examples { features: vec![1.0, 2.0], width: 1, target: Target::Classes(vec![0, 0]) };
    assert!(matches!(fit(&examples, &settings(1), |_| ()), Err(Error::OneClass)));
}

#[test]
fn the_first_answer_is_what_all_rows_have_in_common() {
    let (_, examples, boosted) = fitted("value", |it| it.stages = 0);
    let Target::Values(values) = &examples.target else { unreachable!() };
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    assert!((boosted.answer(&[0.0, 0.0, 0.0])[0] - mean).abs() < 1e-5);
}
