//! Trees taken out of the library that grew them: they have no other door than their JSON.

use serde::Deserialize;
use weft_onnx::Node;

/// A tree as the library serialises it.
#[derive(Deserialize)]
pub(crate) struct RawTree {
    pub(crate) nodes: Vec<RawNode>,
}

/// A node of it.
#[derive(Deserialize)]
pub(crate) struct RawNode {
    pub(crate) output: f64,
    /// How many rows reached it; only trees of classes say so.
    #[serde(default)]
    pub(crate) n_node_samples: Option<f64>,
    pub(crate) split_feature: usize,
    split_value: Option<f64>,
    pub(crate) split_score: Option<f64>,
    pub(crate) true_child: Option<usize>,
    false_child: Option<usize>,
}

impl RawNode {
    /// The node, a leaf of which holds `leaf`.
    pub(crate) fn node(&self, leaf: Vec<f32>) -> Node {
        match (self.true_child, self.false_child, self.split_value) {
            (Some(low), Some(high), Some(value)) => {
                Node::Split { feature: self.split_feature, threshold: at_most(value), low, high }
            }
            _ => Node::Leaf(leaf),
        }
    }
}

/// A seed of its own for each tree: one number in, one out, no two alike (SplitMix64).
#[must_use]
pub fn seed(of: u64, tree: usize) -> u64 {
    let mut mixed = of.wrapping_add((tree as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The largest `f32` up to `value`: every `f32` lies on the same side of both.
fn at_most(value: f64) -> f32 {
    let near = value as f32;
    if f64::from(near) > value { near.next_down() } else { near }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_keeps_every_single_precision_number_on_its_side() {
        for (low, high) in [(0.1_f32, 0.1_f32.next_up()), (-3.7, (-3.7_f32).next_up()), (1e-38, 2e-38), (7.0, 8.0)] {
            let middle = f64::midpoint(f64::from(low), f64::from(high));
            assert!(low <= at_most(middle) && high > at_most(middle), "{low}");
        }
    }

    #[test]
    fn trees_have_seeds_of_their_own() {
        let seeds: std::collections::BTreeSet<u64> = (0..1000).map(|tree| seed(1, tree)).collect();
        assert_eq!(seeds.len(), 1000);
        assert_ne!(seed(1, 0), seed(2, 0));
    }
}
