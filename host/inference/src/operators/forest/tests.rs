//! Trees by hand: how they are walked, and which are refused.

use super::{Attributes, Branch, Forest, Node, Rules};

/// One tree: `x0 <= 0.5 ? (x1 < 1 ? 10 : 20) : 30`, its nodes numbered from 0.
fn attributes() -> Attributes {
    Attributes {
        tree_ids: vec![0; 5],
        node_ids: vec![0, 1, 2, 3, 4],
        features: vec![0, 1, 0, 0, 0],
        thresholds: vec![0.5, 1.0, 0.0, 0.0, 0.0],
        modes: ["BRANCH_LEQ", "BRANCH_LT", "LEAF", "LEAF", "LEAF"].map(str::to_owned).to_vec(),
        true_ids: vec![1, 3, 0, 0, 0],
        false_ids: vec![2, 4, 0, 0, 0],
        weight_tree_ids: vec![0; 3],
        weight_node_ids: vec![3, 4, 2],
        weight_targets: vec![0; 3],
        weights: vec![10.0, 20.0, 30.0],
        targets: 1,
        ..Attributes::default()
    }
}

fn reached(forest: &Forest<f32>, rows: &[[f32; 2]]) -> Vec<f32> {
    let mut values = vec![0.0; rows.len()];
    forest.visit(rows.as_flattened(), 2, |row, weights| values[row] += weights[0].value).unwrap();
    values
}

fn refusal(change: impl FnOnce(&mut Attributes)) -> String {
    let mut attributes = attributes();
    change(&mut attributes);
    attributes.build::<f32>().unwrap_err().to_string()
}

#[test]
fn a_row_goes_where_its_values_lead() {
    let forest = attributes().build().unwrap();
    assert_eq!(reached(&forest, &[[0.5, 0.0], [0.5, 1.0], [0.6, 0.0], [f32::NAN, 0.0]]), [10.0, 20.0, 30.0, 30.0]);
}

#[test]
fn nan_passes_where_a_node_says_so() {
    let forest = Attributes { nan_passes: vec![1, 0, 0, 0, 0], ..attributes() }.build().unwrap();
    assert_eq!(reached(&forest, &[[f32::NAN, 0.0], [f32::NAN, f32::NAN]]), [10.0, 20.0]);
}

#[test]
fn many_rows_walk_in_blocks_and_keep_their_numbers() {
    let forest: Forest<f32> = attributes().build().unwrap();
    let rows: Vec<[f32; 2]> = (0..200u8).map(|row| [f32::from(row % 2), 0.0]).collect();
    let expected: Vec<f32> = (0..200).map(|row| if row % 2 == 0 { 10.0 } else { 30.0 }).collect();
    assert_eq!(reached(&forest, &rows), expected);
}

#[test]
fn a_child_may_be_shared() {
    let forest = Attributes { true_ids: vec![1, 2, 0, 0, 0], ..attributes() }.build().unwrap();
    assert_eq!(reached(&forest, &[[0.0, 0.0], [0.0, 5.0], [9.0, 0.0]]), [30.0, 20.0, 30.0]);
}

#[test]
fn a_tree_of_a_hundred_thousand_levels_is_placed_and_walked() {
    let levels = 100_000;
    let all = 2 * levels + 1;
    let attributes = Attributes {
        tree_ids: vec![0; all],
        node_ids: (0..).take(all).collect(),
        features: vec![0; all],
        thresholds: vec![0.0; all],
        modes: (0..all).map(|id| if id < levels { "BRANCH_LEQ" } else { "LEAF" }.to_owned()).collect(),
        true_ids: (1..).take(all).collect(),
        false_ids: (levels as i64 + 1..).take(levels).chain(vec![0; levels + 1]).collect(),
        weight_tree_ids: vec![0],
        weight_node_ids: vec![levels as i64],
        weight_targets: vec![0],
        weights: vec![7.0],
        targets: 1,
        ..Attributes::default()
    };
    assert_eq!(reached(&attributes.build().unwrap(), &[[0.0, 0.0]]), [7.0]);
}

#[test]
fn trees_that_cannot_be_walked_are_refused() {
    assert_eq!(refusal(|it| it.true_ids[1] = 0), "has a tree that leads back to its node 0");
    assert_eq!(refusal(|it| it.true_ids[1] = 1), "has a tree that leads back to its node 1");
    assert_eq!(refusal(|it| it.false_ids[0] = 9), "leads to node 9 of tree 0, which does not exist");
    assert_eq!(refusal(|it| it.false_ids[0] = -1), "leads to node -1 of tree 0, which does not exist");
    assert_eq!(refusal(|it| it.node_ids[4] = 3), "has node 3 of tree 0 twice");
    assert_eq!(refusal(|it| it.features[0] = -2), "tests feature -2");
    assert_eq!(refusal(|it| it.modes[0] = "BRANCH_MAYBE".to_owned()), "has a node of unknown mode BRANCH_MAYBE");
    assert_eq!(refusal(|it| it.weight_node_ids[0] = 17), "has a weight for node 17 of tree 0, which does not exist");
    assert_eq!(refusal(|it| it.weight_targets[0] = 1), "has a weight for target 1 of 1");
    assert_eq!(refusal(|it| it.tree_ids = vec![0, 0, 1, 0, 0]), "has the nodes of tree 0 in two places");
}

#[test]
fn rows_with_too_few_columns_are_refused() {
    let forest: Forest<f32> = attributes().build().unwrap();
    assert_eq!(forest.visit(&[0.0], 1, |_, _| {}).unwrap_err().to_string(), "takes 2 columns at least, got 1");
}

#[test]
fn nodes_are_small_and_share_one_rule_where_they_can() {
    let forest: Forest<f32> = Attributes {
        modes: ["BRANCH_LT", "BRANCH_LT", "LEAF", "LEAF", "LEAF"].map(str::to_owned).to_vec(),
        ..attributes()
    }
    .build()
    .unwrap();
    assert!(matches!(forest.rules, Rules::Same(Branch::Lt)));
    assert_eq!(size_of::<Node<f32>>(), 16);
}
