//! What is written can be read, and what makes no sense is refused.

use super::*;
use crate::{Element, Port, Summary};

fn stump(threshold: f32) -> Tree {
    let split = Node::Split { feature: 1, threshold, low: 1, high: 2 };
    Tree { nodes: vec![split, Node::Leaf(vec![1.0, 0.0]), Node::Leaf(vec![0.0, 1.0])] }
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> &'a Attribute {
    node.attribute.iter().find(|it| it.name.as_deref() == Some(name)).unwrap()
}

#[test]
fn a_classifier_tells_its_edges_and_notes() {
    let bytes = Builder::new("toy", 2)
        .impute(&[0.5, 1.5])
        .unwrap()
        .scale(&[0.0, 1.0], &[1.0, 2.0])
        .unwrap()
        .linear_classifier(&[1.0, 2.0, 3.0, 4.0], &[0.0, 1.0], &[3, 8])
        .unwrap()
        .note("classes", "[\"low\",\"high\"]")
        .encode()
        .unwrap();
    let summary = Summary::read(&bytes).unwrap();
    let port = |name: &str, element, rest: &[u64]| Port {
        name: name.to_owned(),
        element,
        shape: std::iter::once(None).chain(rest.iter().copied().map(Some)).collect(),
    };
    assert_eq!(summary.inputs, [port("input", Element::Float, &[2])]);
    assert_eq!(summary.outputs, [port("label", Element::Int, &[]), port("probabilities", Element::Float, &[2])]);
    let json = serde_json::to_string(&summary.outputs[1]).unwrap();
    assert_eq!(json, r#"{"name":"probabilities","datatype":"FP32","shape":[-1,2]}"#);
    assert_eq!(summary.notes["classes"], "[\"low\",\"high\"]");
}

#[test]
fn steps_are_chained_in_order() {
    let bytes = Builder::new("toy", 1)
        .impute(&[0.0])
        .unwrap()
        .scale(&[0.0], &[1.0])
        .unwrap()
        .linear_regressor(&[2.0], 1.0)
        .unwrap()
        .encode()
        .unwrap();
    let graph = Model::decode(bytes.as_slice()).unwrap().graph.unwrap();
    let chain: Vec<_> = graph.node.iter().map(|it| (it.input[0].as_str(), it.output[0].as_str())).collect();
    assert_eq!(chain, [("input", "imputed"), ("imputed", "scaled"), ("scaled", "variable")]);
    assert!(attribute(&graph.node[0], "replaced_value_float").f.unwrap().is_nan());
}

#[test]
fn a_forest_becomes_flat_lists() {
    let bytes = Builder::new("toy", 2).tree_classifier(&[stump(0.5), stump(0.7)], &[0, 1]).unwrap().encode().unwrap();
    let graph = Model::decode(bytes.as_slice()).unwrap().graph.unwrap();
    let node = &graph.node[0];
    assert_eq!(attribute(node, "nodes_treeids").ints, [0, 0, 0, 1, 1, 1]);
    assert_eq!(attribute(node, "nodes_nodeids").ints, [0, 1, 2, 0, 1, 2]);
    assert_eq!(attribute(node, "nodes_values").floats, [0.5, 0.0, 0.0, 0.7, 0.0, 0.0]);
    assert_eq!(attribute(node, "nodes_modes").strings[..2], [b"BRANCH_LEQ".to_vec(), b"LEAF".to_vec()]);
    assert_eq!(attribute(node, "nodes_truenodeids").ints, [1, 0, 0, 1, 0, 0]);
}

#[test]
fn of_two_classes_only_the_second_is_told() {
    let bytes = Builder::new("toy", 2).tree_classifier(&[stump(0.5)], &[0, 1]).unwrap().encode().unwrap();
    let graph = Model::decode(bytes.as_slice()).unwrap().graph.unwrap();
    assert_eq!(attribute(&graph.node[0], "class_nodeids").ints, [1, 2]);
    assert_eq!(attribute(&graph.node[0], "class_ids").ints, [0, 0]);
    assert_eq!(attribute(&graph.node[0], "class_weights").floats, [0.0, 1.0]);
}

#[test]
fn of_three_classes_only_weights_that_add_something_are_kept() {
    let leaf = |weights: &[f32]| Tree { nodes: vec![Node::Leaf(weights.to_vec())] };
    let trees = [leaf(&[0.0, 0.25, 0.75]), leaf(&[0.0, 0.0, 0.0])];
    let bytes = Builder::new("toy", 1).tree_classifier(&trees, &[0, 1, 2]).unwrap().encode().unwrap();
    let graph = Model::decode(bytes.as_slice()).unwrap().graph.unwrap();
    assert_eq!(attribute(&graph.node[0], "class_ids").ints, [1, 2, 0]);
    assert_eq!(attribute(&graph.node[0], "class_weights").floats, [0.25, 0.75, 0.0]);
}

#[test]
fn a_value_at_the_threshold_goes_low_and_nan_goes_high() {
    let tree = stump(0.5);
    assert_eq!(tree.leaf(&[9.0, 0.5]).unwrap(), [1.0, 0.0]);
    assert_eq!(tree.leaf(&[9.0, 0.500_001]).unwrap(), [0.0, 1.0]);
    assert_eq!(tree.leaf(&[9.0, f32::NAN]).unwrap(), [0.0, 1.0]);
    assert_eq!(tree.leaf(&[9.0]), None);
}

#[test]
fn a_malformed_tree_is_refused_by_its_place() {
    let looped =
        Tree { nodes: vec![Node::Split { feature: 0, threshold: 0.0, low: 0, high: 1 }, Node::Leaf(vec![1.0])] };
    let error = Builder::new("toy", 1).tree_regressor(std::slice::from_ref(&looped)).unwrap_err();
    assert_eq!(error.to_string(), "tree 0, node 0: has a child that does not come after it");
    assert_eq!(looped.leaf(&[0.0]), None);
    let error = Builder::new("toy", 1).tree_classifier(&[stump(0.5)], &[0, 1]).unwrap_err();
    assert_eq!(error.to_string(), "tree 0, node 0: splits on a feature that does not exist");
}

#[test]
fn lengths_must_fit_the_features() {
    let error = Builder::new("toy", 2).scale(&[0.0], &[1.0, 1.0]).unwrap_err();
    assert_eq!(error.to_string(), "offset: expected 2 numbers, found 1");
    assert_eq!(Builder::new("toy", 2).encode().unwrap_err(), Error::Estimators(0));
}

#[test]
fn bytes_that_are_no_model_are_refused() {
    assert!(Summary::read(b"\xff\xff\xff").is_err());
    assert!(Summary::read(b"").is_err());
}

/// Boosted trees of two classes or more, of leaves that hold what `leaves` says.
fn boosted(leaves: [Vec<f32>; 2], base: &[f32], labels: &[i64]) -> Result<NodeProto, Error> {
    let split = Node::Split { feature: 0, threshold: 0.5, low: 1, high: 2 };
    let tree = Tree { nodes: vec![split, Node::Leaf(leaves[0].clone()), Node::Leaf(leaves[1].clone())] };
    let bytes = Builder::new("toy", 1).boosted_classifier(&[tree.clone(), tree], base, labels)?.encode()?;
    Ok(Model::decode(bytes.as_slice()).unwrap().graph.unwrap().node.remove(0))
}

#[test]
fn boosted_trees_begin_at_their_base_and_end_in_shares() {
    let node = boosted([vec![0.0, -1.0], vec![0.0, 2.0]], &[0.25], &[3, 8]).unwrap();
    assert_eq!(attribute(&node, "class_weights").floats, [-1.0, 2.0, -1.0, 2.0]);
    assert_eq!(attribute(&node, "base_values").floats, [0.25]);
    assert_eq!(attribute(&node, "post_transform").s.as_deref(), Some(b"LOGISTIC".as_slice()));
    let node = boosted([vec![0.0, 0.5, 0.0], vec![0.0, 0.0, -1.0]], &[0.1, 0.2, 0.3], &[0, 1, 2]).unwrap();
    assert_eq!(attribute(&node, "class_ids").ints, [1, 2, 1, 2]);
    assert_eq!(attribute(&node, "post_transform").s.as_deref(), Some(b"SOFTMAX".as_slice()));
    let short = boosted([vec![0.0; 3], vec![0.0; 3]], &[0.1], &[0, 1, 2]).unwrap_err();
    assert_eq!(short.to_string(), "base: expected 3 numbers, found 1");
}

#[test]
fn weights_that_are_all_positive_are_not_taken_for_shares() {
    let node = boosted([vec![0.0, 1.0], vec![0.0, 2.0]], &[0.25], &[0, 1]).unwrap();
    let weights = &attribute(&node, "class_weights").floats;
    assert_eq!(weights, &[-3.0, -2.0, 1.0, 2.0]);
    // Each row ends at one leaf of each tree: what one gave up the base got.
    assert_eq!(attribute(&node, "base_values").floats, [4.25]);
}

#[test]
fn a_boosted_value_begins_at_its_base() {
    let tree = Tree { nodes: vec![Node::Leaf(vec![1.5])] };
    let bytes = Builder::new("toy", 1).boosted_regressor(&[tree], 10.0).unwrap().encode().unwrap();
    let node = Model::decode(bytes.as_slice()).unwrap().graph.unwrap().node.remove(0);
    assert_eq!((attribute(&node, "base_values").floats[0], attribute(&node, "n_targets").i), (10.0, Some(1)));
}
