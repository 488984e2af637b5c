//! A tree ensemble as flat arrays: checked once when it is built, then walked without a care.

use tract_onnx::tract_hir::internal::*;

pub(super) use build::Attributes;

mod build;
#[cfg(test)]
mod tests;

/// How many rows walk one tree before the next tree: enough to keep a tree in cache, few enough to keep their scores there.
const BLOCK: usize = 64;

/// Set in a reference that stands for a leaf, not for a node.
const LEAF: u32 = 1 << 31;

/// What thresholds, inputs and scores are made of.
pub(super) trait Real: Datum + Copy + PartialOrd + Default + std::ops::AddAssign + std::ops::DivAssign {
    fn from_f64(value: f64) -> Self;
    fn to_f64(self) -> f64;
    fn to_f32(self) -> f32;
}

impl Real for f32 {
    #[expect(clippy::cast_possible_truncation, reason = "single precision is what was asked for")]
    fn from_f64(value: f64) -> Self {
        value as Self
    }

    fn to_f64(self) -> f64 {
        self.into()
    }

    fn to_f32(self) -> f32 {
        self
    }
}

impl Real for f64 {
    fn from_f64(value: f64) -> Self {
        value
    }

    fn to_f64(self) -> f64 {
        self
    }

    #[expect(clippy::cast_possible_truncation, reason = "scores are single precision")]
    fn to_f32(self) -> f32 {
        self as f32
    }
}

/// A comparison of an input with a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Branch {
    Leq,
    Lt,
    Gte,
    Gt,
    Eq,
    Neq,
}

impl Branch {
    fn holds<T: Real>(self, x: T, threshold: T) -> bool {
        match self {
            Self::Leq => x <= threshold,
            Self::Lt => x < threshold,
            Self::Gte => x >= threshold,
            Self::Gt => x > threshold,
            Self::Eq => x == threshold,
            Self::Neq => x != threshold,
        }
    }
}

/// A test and where it leads. 16 bytes in single precision: four to a cache line.
#[derive(Debug, Clone, Copy)]
struct Node<T> {
    threshold: T,
    feature: u32,
    /// References where the test fails and where it holds.
    next: [u32; 2],
}

/// How a node tests: its comparison, and whether NaN passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rule {
    branch: Branch,
    nan_passes: bool,
}

/// The rules of all nodes.
#[derive(Debug, Clone)]
enum Rules {
    /// All nodes have this comparison, and NaN never passes by rule.
    Same(Branch),
    /// A rule per node.
    Each(Vec<Rule>),
}

/// What a leaf adds to a target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Weight<T> {
    pub(super) target: u32,
    pub(super) value: T,
}

/// All trees of an ensemble.
///
/// Built only where every reference leads to a node or leaf that exists and no path returns to where it was,
/// so that a walk ends after at most as many steps as there are nodes.
#[derive(Debug, Clone)]
pub(super) struct Forest<T> {
    nodes: Vec<Node<T>>,
    rules: Rules,
    roots: Vec<u32>,
    /// Where the weights of each leaf begin; one more at the end.
    leaves: Vec<u32>,
    weights: Vec<Weight<T>>,
    columns: usize,
    targets: usize,
}

impl<T: Real> Forest<T> {
    /// The least number of columns that the tests need.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn targets(&self) -> usize {
        self.targets
    }

    pub(super) fn trees(&self) -> usize {
        self.roots.len()
    }

    pub(super) fn weights(&self) -> &[Weight<T>] {
        &self.weights
    }

    /// The same trees in the other precision.
    pub(super) fn cast<U: Real>(&self) -> Forest<U> {
        let nodes = self.nodes.iter();
        let weights = self.weights.iter();
        Forest {
            nodes: nodes
                .map(|it| Node { threshold: U::from_f64(it.threshold.to_f64()), feature: it.feature, next: it.next })
                .collect(),
            weights: weights.map(|it| Weight { target: it.target, value: U::from_f64(it.value.to_f64()) }).collect(),
            rules: self.rules.clone(),
            roots: self.roots.clone(),
            leaves: self.leaves.clone(),
            columns: self.columns,
            targets: self.targets,
        }
    }

    /// Calls `visit` with the row's number and the weights of the leaf it reached, for every row, trees in their order.
    pub(super) fn visit(
        &self,
        elements: &[T],
        columns: usize,
        visit: impl FnMut(usize, &[Weight<T>]),
    ) -> TractResult<()> {
        ensure!(columns >= self.columns, "takes {} columns at least, got {columns}", self.columns);
        match &self.rules {
            Rules::Same(Branch::Leq) => self.walk(elements, columns, |_, x, threshold| x <= threshold, visit),
            Rules::Same(Branch::Lt) => self.walk(elements, columns, |_, x, threshold| x < threshold, visit),
            Rules::Same(branch) => self.walk(elements, columns, |_, x, threshold| branch.holds(x, threshold), visit),
            Rules::Each(rules) => {
                // Only NaN differs from itself.
                #[expect(clippy::eq_op, reason = "NaN is what differs from itself")]
                let test = |node: usize, x: T, threshold: T| {
                    let rule = rules[node];
                    rule.branch.holds(x, threshold) || rule.nan_passes && x != x
                };
                self.walk(elements, columns, test, visit);
            }
        }
        Ok(())
    }

    fn walk(
        &self,
        elements: &[T],
        columns: usize,
        test: impl Fn(usize, T, T) -> bool,
        mut visit: impl FnMut(usize, &[Weight<T>]),
    ) {
        let columns = columns.max(1);
        for (number, block) in elements.chunks(BLOCK * columns).enumerate() {
            for root in &self.roots {
                for (row, inputs) in block.chunks_exact(columns).enumerate() {
                    visit(number * BLOCK + row, self.reach(*root, inputs, &test));
                }
            }
        }
    }

    fn reach(&self, root: u32, inputs: &[T], test: &impl Fn(usize, T, T) -> bool) -> &[Weight<T>] {
        let mut at = root;
        while at & LEAF == 0 {
            let node = &self.nodes[at as usize];
            at = node.next[usize::from(test(at as usize, inputs[node.feature as usize], node.threshold))];
        }
        let leaf = (at & !LEAF) as usize;
        &self.weights[self.leaves[leaf] as usize..self.leaves[leaf + 1] as usize]
    }
}
