//! Builds a model: one tensor in, steps that change it, one estimator at the end.

use prost::Message;

use crate::{
    proto::{Attribute, Dimension, Entry, Graph, Model, NodeProto, OperatorSet, Shape, TensorType, Type, ValueInfo},
    tree::{Node, Tree},
};

/// The name of the input: `float32 [N, features]`.
pub const INPUT: &str = "input";
/// The name of a classifier's first output: `int64 [N]`.
pub const LABEL: &str = "label";
/// The name of a classifier's second output: `float32 [N, classes]`.
pub const PROBABILITIES: &str = "probabilities";
/// The name of a regressor's output: `float32 [N, 1]`.
pub const VARIABLE: &str = "variable";

const FLOAT: i32 = 1;
const INT64: i32 = 7;
const ML: &str = "ai.onnx.ml";

/// Why a model cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A list has the wrong length.
    #[error("{what}: expected {expected} numbers, found {found}")]
    Length {
        /// The list.
        what: &'static str,
        /// How long it must be.
        expected: usize,
        /// How long it is.
        found: usize,
    },
    /// A tree is not a tree.
    #[error("tree {tree}, node {node}: {what}")]
    Tree {
        /// Which tree, from 0.
        tree: usize,
        /// Which node of it, from 0.
        node: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// There is nothing to build.
    #[error("{0} must not be empty")]
    Empty(&'static str),
    /// The model has no estimator, or two.
    #[error("a model needs one estimator, the last step; this one has {0}")]
    Estimators(usize),
}

/// A model in the making.
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    name: String,
    features: usize,
    nodes: Vec<NodeProto>,
    current: String,
    outputs: Vec<ValueInfo>,
    estimators: usize,
    notes: Vec<Entry>,
}

impl Builder {
    /// A model called `name` that takes rows of `features` numbers.
    pub fn new(name: &str, features: usize) -> Self {
        Self {
            name: name.to_owned(),
            features,
            nodes: Vec::new(),
            current: INPUT.to_owned(),
            outputs: Vec::new(),
            estimators: 0,
            notes: Vec::new(),
        }
    }

    /// Replaces NaN by the number in `fill` for its column.
    ///
    /// # Errors
    /// When `fill` does not have a number per feature.
    pub fn impute(self, fill: &[f32]) -> Result<Self, Error> {
        self.per_feature("fill", fill)?;
        let attributes = vec![
            Attribute::floats("imputed_value_floats", fill.to_vec()),
            Attribute::float("replaced_value_float", f32::NAN),
        ];
        Ok(self.step("Imputer", "imputed", attributes))
    }

    /// Computes `(x - offset) * scale` column by column.
    ///
    /// # Errors
    /// When `offset` or `scale` does not have a number per feature.
    pub fn scale(self, offset: &[f32], scale: &[f32]) -> Result<Self, Error> {
        self.per_feature("offset", offset)?;
        self.per_feature("scale", scale)?;
        let attributes = vec![Attribute::floats("offset", offset.to_vec()), Attribute::floats("scale", scale.to_vec())];
        Ok(self.step("Scaler", "scaled", attributes))
    }

    /// Ends in a softmax over `coefficients` (class by class) and `intercepts`; `labels` names the classes.
    ///
    /// # Errors
    /// When the lengths do not fit.
    pub fn linear_classifier(self, coefficients: &[f32], intercepts: &[f32], labels: &[i64]) -> Result<Self, Error> {
        not_empty("labels", labels)?;
        length("coefficients", labels.len() * self.features, coefficients)?;
        length("intercepts", labels.len(), intercepts)?;
        let attributes = vec![
            Attribute::floats("coefficients", coefficients.to_vec()),
            Attribute::floats("intercepts", intercepts.to_vec()),
            Attribute::ints("classlabels_ints", labels.to_vec()),
            Attribute::int("multi_class", 1),
            Attribute::string("post_transform", "SOFTMAX"),
        ];
        Ok(self.classifier("LinearClassifier", attributes, labels.len()))
    }

    /// Ends in a weighted sum of the features.
    ///
    /// # Errors
    /// When there is not a coefficient per feature.
    pub fn linear_regressor(self, coefficients: &[f32], intercept: f32) -> Result<Self, Error> {
        self.per_feature("coefficients", coefficients)?;
        let attributes = vec![
            Attribute::floats("coefficients", coefficients.to_vec()),
            Attribute::floats("intercepts", vec![intercept]),
            Attribute::int("targets", 1),
        ];
        Ok(self.regressor("LinearRegressor", attributes))
    }

    /// Ends in a forest whose leaves hold a weight per class; the sums over the trees are the probabilities, which add up
    /// to 1.
    ///
    /// # Errors
    /// When a tree is malformed or a leaf does not have a weight per label.
    pub fn tree_classifier(self, trees: &[Tree], labels: &[i64]) -> Result<Self, Error> {
        not_empty("labels", labels)?;
        let (mut attributes, leaves) = forest(trees, self.features, labels.len())?;
        attributes.extend([
            Attribute::ints("class_treeids", leaves.trees),
            Attribute::ints("class_nodeids", leaves.nodes),
            Attribute::ints("class_ids", leaves.outputs),
            Attribute::floats("class_weights", leaves.weights),
            Attribute::ints("classlabels_int64s", labels.to_vec()),
            Attribute::string("post_transform", "NONE"),
        ]);
        Ok(self.classifier("TreeEnsembleClassifier", attributes, labels.len()))
    }

    /// Ends in boosted trees: what the leaves hold and `base` add up to a score, the log of the odds of the second of two
    /// classes, or to a score per class, of which a softmax makes probabilities.
    ///
    /// Of two classes the leaves hold a weight each, of which the first says nothing, and `base` holds one number.
    ///
    /// # Errors
    /// When a tree is malformed, a leaf does not have a weight per label, or `base` does not fit.
    pub fn boosted_classifier(self, trees: &[Tree], base: &[f32], labels: &[i64]) -> Result<Self, Error> {
        not_empty("labels", labels)?;
        length("base", if labels.len() == 2 { 1 } else { labels.len() }, base)?;
        let (mut attributes, mut leaves) = forest(trees, self.features, labels.len())?;
        let mut base = base.to_vec();
        if labels.len() == 2 {
            leaves.show_that_they_are_no_shares(&mut base);
        }
        attributes.extend([
            Attribute::ints("class_treeids", leaves.trees),
            Attribute::ints("class_nodeids", leaves.nodes),
            Attribute::ints("class_ids", leaves.outputs),
            Attribute::floats("class_weights", leaves.weights),
            Attribute::floats("base_values", base),
            Attribute::ints("classlabels_int64s", labels.to_vec()),
            Attribute::string("post_transform", if labels.len() == 2 { "LOGISTIC" } else { "SOFTMAX" }),
        ]);
        Ok(self.classifier("TreeEnsembleClassifier", attributes, labels.len()))
    }

    /// Ends in boosted trees whose leaves hold one value; their sum and `base` are the answer.
    ///
    /// # Errors
    /// When a tree is malformed or a leaf does not hold one value.
    pub fn boosted_regressor(self, trees: &[Tree], base: f32) -> Result<Self, Error> {
        self.regressor_of(trees, vec![Attribute::floats("base_values", vec![base])])
    }

    /// Ends in a forest whose leaves hold one value; their sum over the trees is the answer.
    ///
    /// # Errors
    /// When a tree is malformed or a leaf does not hold one value.
    pub fn tree_regressor(self, trees: &[Tree]) -> Result<Self, Error> {
        self.regressor_of(trees, Vec::new())
    }

    /// Adds a note for whoever reads the model (`metadata_props`).
    pub fn note(mut self, key: &str, value: impl Into<String>) -> Self {
        self.notes.push(Entry { key: Some(key.to_owned()), value: Some(value.into()) });
        self
    }

    /// The bytes of the model.
    ///
    /// # Errors
    /// When it does not have exactly one estimator.
    pub fn encode(self) -> Result<Vec<u8>, Error> {
        if self.estimators != 1 {
            return Err(Error::Estimators(self.estimators));
        }
        let opset = |domain: &str, version| OperatorSet { domain: Some(domain.to_owned()), version: Some(version) };
        let graph = Graph {
            node: self.nodes,
            name: Some(self.name),
            initializer: Vec::new(),
            input: vec![tensor(INPUT, FLOAT, &[Some(self.features)])],
            output: self.outputs,
        };
        let model = Model {
            ir_version: Some(8),
            producer_name: Some("weft-onnx".to_owned()),
            producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            graph: Some(graph),
            opset_import: vec![opset("", 17), opset(ML, 3)],
            metadata_props: self.notes,
        };
        Ok(model.encode_to_vec())
    }

    fn regressor_of(self, trees: &[Tree], more: Vec<Attribute>) -> Result<Self, Error> {
        let (mut attributes, leaves) = forest(trees, self.features, 1)?;
        attributes.extend([
            Attribute::ints("target_treeids", leaves.trees),
            Attribute::ints("target_nodeids", leaves.nodes),
            Attribute::ints("target_ids", leaves.outputs),
            Attribute::floats("target_weights", leaves.weights),
            Attribute::int("n_targets", 1),
            Attribute::string("aggregate_function", "SUM"),
            Attribute::string("post_transform", "NONE"),
        ]);
        attributes.extend(more);
        Ok(self.regressor("TreeEnsembleRegressor", attributes))
    }

    fn per_feature(&self, what: &'static str, numbers: &[f32]) -> Result<(), Error> {
        length(what, self.features, numbers)
    }

    fn step(mut self, operator: &str, output: &str, attributes: Vec<Attribute>) -> Self {
        let input = std::mem::replace(&mut self.current, output.to_owned());
        self.nodes.push(node(operator, input, &[output], attributes));
        self
    }

    fn classifier(mut self, operator: &str, attributes: Vec<Attribute>, classes: usize) -> Self {
        self.nodes.push(node(operator, self.current.clone(), &[LABEL, PROBABILITIES], attributes));
        self.outputs = vec![tensor(LABEL, INT64, &[]), tensor(PROBABILITIES, FLOAT, &[Some(classes)])];
        self.estimators += 1;
        self
    }

    fn regressor(mut self, operator: &str, attributes: Vec<Attribute>) -> Self {
        self.nodes.push(node(operator, self.current.clone(), &[VARIABLE], attributes));
        self.outputs = vec![tensor(VARIABLE, FLOAT, &[Some(1)])];
        self.estimators += 1;
        self
    }
}

/// What the leaves of a forest add to which output.
#[derive(Default)]
struct Leaves {
    trees: Vec<i64>,
    nodes: Vec<i64>,
    outputs: Vec<i64>,
    weights: Vec<f32>,
}

impl Leaves {
    /// Of two classes only the second is told, under the first id: runtimes take `label` from "more than a half" then,
    /// and would answer the second class to whatever adds anything to it otherwise. Exporters of scikit-learn do the same.
    ///
    /// With more classes most weights are 0, add nothing and are left out.
    fn push(&mut self, at: (usize, usize), weights: &[f32]) {
        if let [_, second] = weights {
            return self.add(at, 0, *second);
        }
        let nothing = weights.iter().all(|it| *it == 0.0);
        for (output, weight) in weights.iter().enumerate().filter(|(output, it)| **it != 0.0 || nothing && *output == 0)
        {
            self.add(at, output, *weight);
        }
    }

    /// Runtimes take weights of two classes none of which is negative for shares, and ask whether they are more than a
    /// half. So that boosted trees are not misread, the first tree then gives up what `base` gets.
    fn show_that_they_are_no_shares(&mut self, base: &mut [f32]) {
        if self.weights.iter().any(|it| *it < 0.0) {
            return;
        }
        let most = self.weights.iter().copied().fold(1.0, f32::max);
        for (tree, weight) in self.trees.iter().zip(&mut self.weights) {
            *weight -= if *tree == 0 { 2.0 * most } else { 0.0 };
        }
        base.iter_mut().for_each(|it| *it += 2.0 * most);
    }

    fn add(&mut self, at: (usize, usize), output: usize, weight: f32) {
        self.trees.push(int(at.0));
        self.nodes.push(int(at.1));
        self.outputs.push(int(output));
        self.weights.push(weight);
    }
}

/// The splits of a forest.
#[derive(Default)]
struct Splits {
    trees: Vec<i64>,
    nodes: Vec<i64>,
    features: Vec<i64>,
    thresholds: Vec<f32>,
    modes: Vec<&'static str>,
    low: Vec<i64>,
    high: Vec<i64>,
}

impl Splits {
    fn push(&mut self, at: (usize, usize), mode: &'static str, split: (usize, f32, usize, usize)) {
        self.trees.push(int(at.0));
        self.nodes.push(int(at.1));
        self.modes.push(mode);
        self.features.push(int(split.0));
        self.thresholds.push(split.1);
        self.low.push(int(split.2));
        self.high.push(int(split.3));
    }

    fn attributes(self) -> Vec<Attribute> {
        vec![
            Attribute::ints("nodes_treeids", self.trees),
            Attribute::ints("nodes_nodeids", self.nodes),
            Attribute::ints("nodes_featureids", self.features),
            Attribute::floats("nodes_values", self.thresholds),
            Attribute::strings("nodes_modes", &self.modes),
            Attribute::ints("nodes_truenodeids", self.low),
            Attribute::ints("nodes_falsenodeids", self.high),
        ]
    }
}

fn forest(trees: &[Tree], features: usize, outputs: usize) -> Result<(Vec<Attribute>, Leaves), Error> {
    not_empty("trees", trees)?;
    let (mut splits, mut leaves) = (Splits::default(), Leaves::default());
    for (tree, Tree { nodes }) in trees.iter().enumerate() {
        not_empty("a tree", nodes)?;
        for (id, node) in nodes.iter().enumerate() {
            check(node, id, nodes.len(), features, outputs).map_err(|what| Error::Tree { tree, node: id, what })?;
            match node {
                Node::Split { feature, threshold, low, high } => {
                    splits.push((tree, id), "BRANCH_LEQ", (*feature, *threshold, *low, *high));
                }
                Node::Leaf(weights) => {
                    splits.push((tree, id), "LEAF", (0, 0.0, 0, 0));
                    leaves.push((tree, id), weights);
                }
            }
        }
    }
    Ok((splits.attributes(), leaves))
}

fn check(node: &Node, id: usize, nodes: usize, features: usize, outputs: usize) -> Result<(), &'static str> {
    match node {
        Node::Split { feature, .. } if *feature >= features => Err("splits on a feature that does not exist"),
        Node::Split { threshold, .. } if threshold.is_nan() => Err("splits at NaN"),
        Node::Split { low, high, .. } if [low, high].into_iter().any(|child| *child <= id || *child >= nodes) => {
            Err("has a child that does not come after it")
        }
        Node::Leaf(weights) if weights.len() != outputs => Err("does not hold one weight per output"),
        Node::Split { .. } | Node::Leaf(_) => Ok(()),
    }
}

fn node(operator: &str, input: String, outputs: &[&str], attribute: Vec<Attribute>) -> NodeProto {
    NodeProto {
        input: vec![input],
        output: outputs.iter().map(|&name| name.to_owned()).collect(),
        name: Some(operator.to_owned()),
        op_type: Some(operator.to_owned()),
        attribute,
        domain: Some(ML.to_owned()),
    }
}

/// A tensor whose first dimension is the batch.
fn tensor(name: &str, element: i32, rest: &[Option<usize>]) -> ValueInfo {
    let batch = Dimension { value: None, param: Some("N".to_owned()) };
    let fixed = rest.iter().map(|extent| Dimension { value: extent.map(int), param: None });
    let shape = Shape { dim: std::iter::once(batch).chain(fixed).collect() };
    ValueInfo {
        name: Some(name.to_owned()),
        kind: Some(Type { tensor: Some(TensorType { element: Some(element), shape: Some(shape) }) }),
    }
}

fn length<T>(what: &'static str, expected: usize, list: &[T]) -> Result<(), Error> {
    if list.len() == expected { Ok(()) } else { Err(Error::Length { what, expected, found: list.len() }) }
}

fn not_empty<T>(what: &'static str, list: &[T]) -> Result<(), Error> {
    if list.is_empty() { Err(Error::Empty(what)) } else { Ok(()) }
}

fn int(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
