//! One tree: the library finds the questions, we say what its leaves hold.

use serde::Deserialize;
use smartcore::{
    linalg::basic::matrix::DenseMatrix,
    tree::decision_tree_regressor::{DecisionTreeRegressor, DecisionTreeRegressorParameters},
};
use weft_onnx::{Node, Tree};
use weft_tables::Examples;

use super::{Error, Settings};
use crate::trees::RawTree;

/// The tree as the library serialises it.
#[derive(Deserialize)]
struct Raw {
    tree_regressor: RawTree,
}

/// A tree that parts rows by what they are off by; its leaves are empty.
pub(super) fn shape(
    features: &DenseMatrix<f32>,
    residuals: &Vec<f64>,
    settings: &Settings,
    seed: u64,
) -> Result<Tree, Error> {
    let parameters = DecisionTreeRegressorParameters {
        // The library counts levels of nodes, we count questions on the way down.
        max_depth: Some(settings.max_depth.saturating_add(1)),
        min_samples_leaf: settings.min_samples_leaf,
        min_samples_split: settings.min_samples_split,
        seed: Some(seed),
    };
    let fitted = DecisionTreeRegressor::fit(features, residuals, parameters)?;
    let raw: Raw = serde_json::from_value(serde_json::to_value(&fitted)?)?;
    Ok(Tree { nodes: raw.tree_regressor.nodes.iter().map(|it| it.node(Vec::new())).collect() })
}

/// The tree with what `leaf` makes of the residuals of each leaf's rows, and how much each feature lessened their spread.
pub(super) fn filled(
    mut tree: Tree,
    rows: &Examples,
    residuals: &[f64],
    leaf: impl Fn(&[f64]) -> Vec<f32>,
) -> (Tree, Vec<f64>) {
    let mut members: Vec<Vec<f64>> = vec![Vec::new(); tree.nodes.len()];
    for (row, residual) in rows.iter().zip(residuals) {
        if let Some(at) = tree.leaf_id(row) {
            members[at].push(*residual);
        }
    }
    let mut sums: Vec<(f64, f64)> = members.iter().map(|it| (it.len() as f64, it.iter().sum())).collect();
    let mut gains = vec![0.0; rows.width];
    // Children come after their parents, so from the end on every child is added up before it is needed.
    for (at, node) in tree.nodes.iter_mut().enumerate().rev() {
        match node {
            Node::Split { feature, low, high, .. } => {
                let (low, high) = (sums[*low], sums[*high]);
                sums[at] = (low.0 + high.0, low.1 + high.1);
                gains[*feature] += (explained(low) + explained(high) - explained(sums[at])).max(0.0);
            }
            Node::Leaf(weights) => *weights = leaf(&members[at]),
        }
    }
    (tree, gains)
}

/// How much of the squares of some rows their mean explains.
fn explained((rows, sum): (f64, f64)) -> f64 {
    if rows > 0.0 { sum * sum / rows } else { 0.0 }
}
