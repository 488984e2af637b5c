//! Rows in, weights out that have learned something.

use ndarray::Array2;
use weft_tables::{Table, Task, Transform};

use super::*;
use crate::Model as _;

/// Three classes side by side along `a + b`; `noise` says nothing.
fn stripes(rows: usize) -> String {
    let mut text = "a,b,noise,class\n".to_owned();
    for row in 0..rows {
        let (a, b) = ((row * 7919 % 97) as f64 / 9.7, (row * 104_729 % 89) as f64 / 0.89);
        let class = ["low", "middle", "top"][((a / 10.0 + b / 100.0) * 1.5).min(2.0) as usize];
        text.push_str(&format!("{a},{b},{},{class}\n", row * 31 % 17));
    }
    text
}

fn scaled(text: &str) -> (Table, Transform) {
    let table = Table::from_csv(text.as_bytes()).unwrap();
    let mut transform = Transform::identity(&table, "class", Task::Classification).unwrap();
    for (feature, (offset, scale)) in transform.features.iter_mut().zip([(5.0, 0.35), (50.0, 0.035), (8.0, 0.2)]) {
        (feature.offset, feature.scale, feature.fill) = (offset, scale, Some(offset));
    }
    (table, transform)
}

/// The search in stages ends where one uninterrupted search ends.
#[test]
fn looking_at_the_loss_does_not_change_the_weights() {
    use linfa::{Dataset, traits::Fit};

    let (table, transform) = scaled(&stripes(300));
    let examples = transform.examples(&table).unwrap().map(|row| transform.apply(row));
    let Target::Classes(classes) = &examples.target else { unreachable!() };
    let settings = Settings { l2: 1.0, max_iterations: 500, classes: 3 };
    let ours = fit(&examples, &settings, |_, _| ()).unwrap();
    let features: Vec<f64> = examples.features.iter().map(|it| f64::from(*it)).collect();
    let features = Array2::from_shape_vec((examples.rows(), 3), features).unwrap();
    let data = Dataset::new(features, ndarray::Array1::from(classes.clone()));
    let whole = linfa_logistic::MultiLogisticRegression::default().alpha(1.0).max_iterations(500).fit(&data).unwrap();
    for (class, coefficients) in ours.coefficients.iter().enumerate() {
        for (feature, weight) in coefficients.iter().enumerate() {
            assert!((weight - whole.params()[(feature, class)]).abs() < 1e-2, "{ours:?} {:?}", whole.params());
        }
    }
}

#[test]
fn values_are_learned_with_their_intercept() {
    let text: String =
        std::iter::once("x,z,y\n".to_owned())
            .chain((0..60).map(|row| {
                format!("{row},{},{}\n", row * 7 % 11, f64::from(row) * 2.0 - f64::from(row * 7 % 11) + 100.5)
            }))
            .collect();
    let table = Table::from_csv(text.as_bytes()).unwrap();
    let transform = Transform::identity(&table, "y", Task::Regression).unwrap();
    let examples = transform.examples(&table).unwrap();
    let at = |l2| fit(&examples, &Settings { l2, max_iterations: 100, classes: 0 }, |_, _| ()).unwrap();
    let weights = at(0.0);
    let near = |found: f64, wanted: f64| (found - wanted).abs() < 1e-6;
    assert!(near(weights.coefficients[0][0], 2.0) && near(weights.coefficients[0][1], -1.0), "{weights:?}");
    assert!(near(weights.intercepts[0], 100.5));
    let shrunk = at(1e4);
    assert!(shrunk.coefficients[0][0] < 1.8);
}

#[test]
fn probabilities_add_up_even_where_sums_are_huge() {
    let weights = Weights { coefficients: vec![vec![1e4], vec![-1e4]], intercepts: vec![0.0, 0.0] };
    assert_eq!(weights.probabilities(&[1.0]), [1.0, 0.0]);
    assert_eq!(crate::likeliest(&weights.answer(&[-1.0])), 1);
}
