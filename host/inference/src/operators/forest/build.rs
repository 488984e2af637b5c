//! From the attributes of a model file, which may say anything, to a forest that can be walked.

use std::collections::HashMap;

use tract_onnx::{model::ParsingContext, pb::NodeProto, tract_hir::internal::*};

use super::{super::attributes, Branch, Forest, LEAF, Node, Real, Rule, Rules, Weight};

/// More targets than any model has; each costs memory for every row.
const MOST_TARGETS: usize = 1 << 16;

/// The attributes of a tree ensemble: one list per field, one element per node or weight.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Attributes {
    pub(super) tree_ids: Vec<i64>,
    pub(super) node_ids: Vec<i64>,
    pub(super) features: Vec<i64>,
    pub(super) thresholds: Vec<f64>,
    pub(super) modes: Vec<String>,
    pub(super) true_ids: Vec<i64>,
    pub(super) false_ids: Vec<i64>,
    pub(super) nan_passes: Vec<i64>,
    pub(super) weight_tree_ids: Vec<i64>,
    pub(super) weight_node_ids: Vec<i64>,
    pub(super) weight_targets: Vec<i64>,
    pub(super) weights: Vec<f64>,
    pub(super) targets: usize,
    /// Whether thresholds were given in double precision.
    pub(in super::super) is_double: bool,
}

/// A node of the file, by its place in the lists.
type Place = usize;

/// What a depth-first walk knows of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Unseen,
    /// Placed, but below it the walk still goes on: to meet it again is a cycle.
    Open(u32),
    /// Placed, and all below it too.
    Done(u32),
}

impl Attributes {
    /// Reads the attributes and checks that lists that belong together are as long as one another.
    pub(in super::super) fn of(
        context: &ParsingContext,
        node: &NodeProto,
        prefix: &str,
        targets: usize,
    ) -> TractResult<Self> {
        node.expect((1..=MOST_TARGETS).contains(&targets), || format!("1 to {MOST_TARGETS} targets, got {targets}"))?;
        let tree_ids: Vec<i64> = attributes::list(node, "nodes_treeids")?;
        let nodes = tree_ids.len();
        node.expect_attr("nodes_treeids", nodes > 0, "at least one node")?;
        let weight_targets: Vec<i64> = attributes::list(node, &format!("{prefix}_ids"))?;
        let (thresholds, is_double) = attributes::reals(context, node, "nodes_values")?;
        node.expect_attr("nodes_values", thresholds.len() == nodes, || {
            format!("{nodes} elements, got {}", thresholds.len())
        })?;
        let (weights, _) = attributes::reals(context, node, &format!("{prefix}_weights"))?;
        let count = weight_targets.len();
        node.expect_attr(&format!("{prefix}_weights"), weights.len() == count, || {
            format!("{count} elements, got {}", weights.len())
        })?;
        let nan_passes: Vec<i64> = attributes::list(node, "nodes_missing_value_tracks_true")?;
        let fits = nan_passes.is_empty() || nan_passes.len() == nodes;
        node.expect_attr("nodes_missing_value_tracks_true", fits, || {
            format!("{nodes} elements, got {}", nan_passes.len())
        })?;
        Ok(Self {
            node_ids: attributes::list_of(node, "nodes_nodeids", nodes)?,
            features: attributes::list_of(node, "nodes_featureids", nodes)?,
            modes: attributes::list_of(node, "nodes_modes", nodes)?,
            true_ids: attributes::list_of(node, "nodes_truenodeids", nodes)?,
            false_ids: attributes::list_of(node, "nodes_falsenodeids", nodes)?,
            weight_tree_ids: attributes::list_of(node, &format!("{prefix}_treeids"), count)?,
            weight_node_ids: attributes::list_of(node, &format!("{prefix}_nodeids"), count)?,
            tree_ids,
            thresholds,
            nan_passes,
            weight_targets,
            weights,
            targets,
            is_double,
        })
    }

    /// Lays the trees out depth first, and refuses any that could not be walked.
    pub(in super::super) fn build<T: Real>(&self) -> TractResult<Forest<T>> {
        let (places, roots) = (self.places()?, self.roots()?);
        let branches: Vec<_> = self.modes.iter().map(|mode| branch(mode)).collect::<TractResult<_>>()?;
        let mut builder = Builder {
            children: self.children(&branches, &places)?,
            weights: self.weights_by_place(&places)?,
            attributes: self,
            branches,
            marks: vec![Mark::Unseen; self.tree_ids.len()],
            nodes: Vec::new(),
            rules: Vec::new(),
            leaves: vec![0],
            leaf_weights: Vec::new(),
            columns: 0,
        };
        let roots = roots.into_iter().map(|root| builder.place_tree(root)).collect::<TractResult<_>>()?;
        Ok(builder.finish(roots))
    }

    /// Where each node stands in the lists, by its tree and its number.
    fn places(&self) -> TractResult<HashMap<(i64, i64), Place>> {
        let count = self.tree_ids.len();
        ensure!(count < LEAF as usize && self.weights.len() < LEAF as usize, "has too many nodes: {count}");
        let mut places = HashMap::with_capacity(count);
        for (place, id) in self.tree_ids.iter().copied().zip(self.node_ids.iter().copied()).enumerate() {
            ensure!(places.insert(id, place).is_none(), "has node {} of tree {} twice", id.1, id.0);
        }
        Ok(places)
    }

    /// The first node of each tree, which is its root.
    fn roots(&self) -> TractResult<Vec<Place>> {
        let mut roots = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for (place, tree) in self.tree_ids.iter().enumerate() {
            if place == 0 || self.tree_ids[place - 1] != *tree {
                ensure!(seen.insert(*tree), "has the nodes of tree {tree} in two places");
                roots.push(place);
            }
        }
        Ok(roots)
    }

    /// Where each node's test leads when it fails and when it holds; of no meaning for leaves.
    fn children(
        &self,
        branches: &[Option<Branch>],
        places: &HashMap<(i64, i64), Place>,
    ) -> TractResult<Vec<[Place; 2]>> {
        let ids = self.false_ids.iter().zip(&self.true_ids);
        let find = |tree: i64, id: i64| {
            places
                .get(&(tree, id))
                .copied()
                .with_context(|| format!("leads to node {id} of tree {tree}, which does not exist"))
        };
        let nodes = self.tree_ids.iter().zip(ids).zip(branches);
        nodes
            .map(
                |((tree, (no, yes)), branch)| {
                    if branch.is_some() { Ok([find(*tree, *no)?, find(*tree, *yes)?]) } else { Ok([0, 0]) }
                },
            )
            .collect()
    }

    /// The weights of each node.
    fn weights_by_place<T: Real>(&self, places: &HashMap<(i64, i64), Place>) -> TractResult<Vec<Vec<Weight<T>>>> {
        let mut weights = vec![Vec::new(); self.tree_ids.len()];
        let ids = self.weight_tree_ids.iter().copied().zip(self.weight_node_ids.iter().copied());
        for ((id, target), value) in ids.zip(&self.weight_targets).zip(&self.weights) {
            let place = *places
                .get(&id)
                .with_context(|| format!("has a weight for node {} of tree {}, which does not exist", id.1, id.0))?;
            let known = u32::try_from(*target).ok().filter(|it| (*it as usize) < self.targets);
            let target = known.with_context(|| format!("has a weight for target {target} of {}", self.targets))?;
            weights[place].push(Weight { target, value: T::from_f64(*value) });
        }
        Ok(weights)
    }
}

/// A forest under construction.
struct Builder<'a, T> {
    attributes: &'a Attributes,
    /// `None` for leaves.
    branches: Vec<Option<Branch>>,
    children: Vec<[Place; 2]>,
    weights: Vec<Vec<Weight<T>>>,
    marks: Vec<Mark>,
    nodes: Vec<Node<T>>,
    rules: Vec<Rule>,
    leaves: Vec<u32>,
    leaf_weights: Vec<Weight<T>>,
    columns: usize,
}

impl<T: Real> Builder<'_, T> {
    /// Places a tree from `root` down, without recursion: a file can make a tree as deep as it likes.
    fn place_tree(&mut self, root: Place) -> TractResult<u32> {
        let mut path = vec![root];
        while let Some(place) = path.last().copied() {
            if self.marks[place] == Mark::Unseen {
                self.marks[place] = self.place(place)?;
            }
            match self.child_to_place(place)? {
                Some(child) => path.push(child),
                None => {
                    self.close(place);
                    path.pop();
                }
            }
        }
        Ok(self.reference(root))
    }

    fn place(&mut self, place: Place) -> TractResult<Mark> {
        let Some(branch) = self.branches[place] else { return Ok(Mark::Done(self.place_leaf(place))) };
        let feature = self.attributes.features[place];
        let feature = u32::try_from(feature).ok().with_context(|| format!("tests feature {feature}"))?;
        self.columns = self.columns.max(feature as usize + 1);
        let threshold = T::from_f64(self.attributes.thresholds[place]);
        let nan_passes = self.attributes.nan_passes.get(place).is_some_and(|it| *it != 0);
        self.nodes.push(Node { threshold, feature, next: [0, 0] });
        self.rules.push(Rule { branch, nan_passes });
        Ok(Mark::Open(index(self.nodes.len() - 1)))
    }

    fn place_leaf(&mut self, place: Place) -> u32 {
        let mut weights = std::mem::take(&mut self.weights[place]);
        if self.attributes.targets == 1 {
            // As in onnxruntime: of one target the first weight counts, and where there is none the leaf's own value.
            weights.truncate(1);
            if weights.is_empty() {
                weights.push(Weight { target: 0, value: T::from_f64(self.attributes.thresholds[place]) });
            }
        }
        self.leaf_weights.append(&mut weights);
        self.leaves.push(index(self.leaf_weights.len()));
        LEAF | index(self.leaves.len() - 2)
    }

    /// The next child to place before `place` is done. Children may be shared, but never lead back.
    fn child_to_place(&self, place: Place) -> TractResult<Option<Place>> {
        if let Mark::Done(_) = self.marks[place] {
            return Ok(None);
        }
        for child in self.children[place] {
            match self.marks[child] {
                Mark::Unseen => return Ok(Some(child)),
                Mark::Open(_) => bail!("has a tree that leads back to its node {}", self.attributes.node_ids[child]),
                Mark::Done(_) => {}
            }
        }
        Ok(None)
    }

    /// Links a node to its children, now that both have their places.
    fn close(&mut self, place: Place) {
        if let Mark::Open(reference) = self.marks[place] {
            self.nodes[reference as usize].next = self.children[place].map(|child| self.reference(child));
            self.marks[place] = Mark::Done(reference);
        }
    }

    fn reference(&self, place: Place) -> u32 {
        match self.marks[place] {
            Mark::Open(reference) | Mark::Done(reference) => reference,
            Mark::Unseen => unreachable!("a child is placed before its parent is closed"),
        }
    }

    fn finish(self, roots: Vec<u32>) -> Forest<T> {
        let first = self.rules.first().map_or(Branch::Leq, |rule| rule.branch);
        let same = self.rules.iter().all(|rule| *rule == Rule { branch: first, nan_passes: false });
        Forest {
            nodes: self.nodes,
            rules: if same { Rules::Same(first) } else { Rules::Each(self.rules) },
            roots,
            leaves: self.leaves,
            weights: self.leaf_weights,
            columns: self.columns,
            targets: self.attributes.targets,
        }
    }
}

/// Fits, because [`Attributes::places`] bounds how many nodes and weights there are.
#[expect(clippy::cast_possible_truncation, reason = "bounded when the attributes are read")]
fn index(place: usize) -> u32 {
    place as u32
}

/// The comparison of a mode; `None` for a leaf.
fn branch(mode: &str) -> TractResult<Option<Branch>> {
    Ok(Some(match mode {
        "BRANCH_LEQ" => Branch::Leq,
        "BRANCH_LT" => Branch::Lt,
        "BRANCH_GTE" => Branch::Gte,
        "BRANCH_GT" => Branch::Gt,
        "BRANCH_EQ" => Branch::Eq,
        "BRANCH_NEQ" => Branch::Neq,
        "LEAF" => return Ok(None),
        other => bail!("has a node of unknown mode {other}"),
    }))
}
