//! Decision trees as flat arrays of nodes: the form in which ONNX keeps them, and which is quick to walk.

/// A tree. Its root is node 0; the children of a node come after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// The nodes.
    pub nodes: Vec<Node>,
}

/// A node of a [`Tree`].
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Rows with `row[feature] <= threshold` go on at `low`, all others (and NaN) at `high`.
    Split {
        /// The column that decides.
        feature: usize,
        /// The largest value that goes on at `low`.
        threshold: f32,
        /// The node for values up to the threshold.
        low: usize,
        /// The node for values above it.
        high: usize,
    },
    /// What the tree adds to each output: a weight per class, or one value.
    Leaf(Vec<f32>),
}

impl Tree {
    /// What the tree adds for `row`; `None` where the tree is malformed or the row too short.
    #[must_use]
    pub fn leaf(&self, row: &[f32]) -> Option<&[f32]> {
        match self.nodes.get(self.leaf_id(row)?)? {
            Node::Leaf(weights) => Some(weights),
            Node::Split { .. } => None,
        }
    }

    /// The node at which `row` ends; `None` where the tree is malformed or the row too short.
    #[must_use]
    pub fn leaf_id(&self, row: &[f32]) -> Option<usize> {
        let mut at = 0;
        while let Node::Split { feature, threshold, low, high } = self.nodes.get(at)? {
            let next = if row.get(*feature)? <= threshold { *low } else { *high };
            if next <= at {
                return None;
            }
            at = next;
        }
        Some(at)
    }
}
