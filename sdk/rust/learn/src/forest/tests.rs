//! Rows in, a forest out whose trees are the library's.

use smartcore::{
    ensemble::random_forest_classifier::{RandomForestClassifier, RandomForestClassifierParameters},
    linalg::basic::matrix::DenseMatrix,
};
use weft_tables::{Table, Transform};

use super::*;

/// Three classes on a grid: below the diagonal, above it, and a corner; two columns that say nothing.
fn grid(rows: usize) -> String {
    let mut text = "a,b,noise,flat,class\n".to_owned();
    for row in 0..rows {
        let (a, b) = ((row * 7919 % 97) as f64 / 97.0, (row * 104_729 % 89) as f64 / 89.0);
        let class = if a > 0.8 && b > 0.8 { 9 } else { i32::from(a > b) };
        text.push_str(&format!("{a},{b},{},1,{class}\n", row * 31 % 17));
    }
    text
}

fn grown(text: &str, trees: usize, max_depth: Option<u16>) -> (Transform, Examples, Forest) {
    let table = Table::from_csv(text.as_bytes()).unwrap();
    let transform = Transform::guess(&table, "").unwrap();
    let examples = transform.examples(&table).unwrap();
    let settings = Settings {
        trees,
        max_depth,
        min_samples_leaf: 1,
        min_samples_split: 2,
        features_per_split: None,
        criterion: Criterion::Gini,
        classes: transform.classes.len(),
        seed: 5,
    };
    let forest = fit(&examples, &settings, |_| ()).unwrap();
    (transform, examples, forest)
}

#[test]
fn probabilities_of_a_row_add_up_to_one() {
    let (_, examples, forest) = grown(&grid(300), 20, Some(3));
    for row in examples.iter() {
        assert!((forest.sums(row).iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
}

#[test]
fn a_tree_asks_at_most_as_many_questions_as_it_may() {
    for (max_depth, most) in [(1, 3), (2, 7), (3, 15)] {
        let (_, _, forest) = grown(&grid(300), 4, Some(max_depth));
        let sizes: Vec<_> = forest.trees.iter().map(|it| it.nodes.len()).collect();
        assert!(sizes.iter().all(|it| *it <= most) && sizes.iter().any(|it| *it > most / 2), "{sizes:?}");
    }
}

/// With whole leaves voting for the class the library gives them, our trees are the library's forest.
#[test]
fn the_trees_taken_out_answer_as_the_library_does() {
    let (_, examples, _) = grown(&grid(400), 1, None);
    let Target::Classes(classes) = &examples.target else { unreachable!() };
    let x = DenseMatrix::new(examples.rows(), examples.width, examples.features.clone(), false).unwrap();
    let y: Vec<u32> = classes.iter().map(|&it| it as u32).collect();
    let settings = RandomForestClassifierParameters::default().with_n_trees(1).with_keep_samples(true).with_seed(3);
    let fitted = RandomForestClassifier::fit(&x, &y, settings).unwrap();
    let tree = grow::hard_tree(serde_json::to_value(&fitted).unwrap(), 3);
    let ours: Vec<u32> =
        examples.iter().map(|row| tree.leaf(row).unwrap().iter().position(|it| *it > 0.0).unwrap() as u32).collect();
    assert_eq!(ours, fitted.predict(&x).unwrap());
    assert!(tree.nodes.len() > 10);
}
