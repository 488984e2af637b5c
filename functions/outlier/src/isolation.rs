//! An isolation forest: rows that few random questions set apart are unlike the others (Liu, Ting and Zhou, 2008).

use rand::{Rng as _, SeedableRng as _, seq::index};
use rand_chacha::ChaCha8Rng;

/// The constant of Euler and Mascheroni.
const GAMMA: f64 = 0.577_215_664_901_532_9;

/// How to grow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) trees: usize,
    /// How many rows each tree sees.
    pub(crate) sample: usize,
    pub(crate) seed: u64,
}

/// A grown forest.
pub(crate) struct Isolation {
    trees: Vec<Vec<Node>>,
    /// How many rows each tree saw.
    sample: usize,
}

enum Node {
    /// Values below the cut go on at `low`, all others at `high`.
    Split { feature: usize, cut: f64, low: usize, high: usize },
    /// So many rows that were seen came to here.
    Leaf(usize),
}

impl Isolation {
    /// Grows on rows without gaps; `progress` hears how many trees there are.
    pub(crate) fn grown(rows: &[Vec<f64>], settings: &Settings, progress: impl Fn(usize)) -> Self {
        let sample = settings.sample.min(rows.len());
        let depth = (sample as f64).log2().ceil() as usize;
        let mut trees = Vec::with_capacity(settings.trees);
        for at in 0..settings.trees {
            let mut random = ChaCha8Rng::seed_from_u64(weft_learn::seed(settings.seed, at));
            let seen = index::sample(&mut random, rows.len(), sample).into_vec();
            let mut nodes = Vec::new();
            grow(rows, seen, depth, &mut nodes, &mut random);
            trees.push(nodes);
            progress(at + 1);
        }
        Self { trees, sample }
    }

    /// How unlike the others each row is, from 0 to 1; 0.5 is usual, near 1 is set apart by few questions.
    pub(crate) fn scores(&self, rows: &[Vec<f64>]) -> Vec<f64> {
        let usual = expected(self.sample).max(f64::MIN_POSITIVE);
        let score = |row: &Vec<f64>| {
            let depth = self.trees.iter().map(|tree| depth(tree, row)).sum::<f64>() / self.trees.len() as f64;
            (-depth / usual).exp2()
        };
        rows.iter().map(score).collect()
    }
}

/// Asks at random until rows are set apart or `levels` are used up; the place of the node.
fn grow(rows: &[Vec<f64>], seen: Vec<usize>, levels: usize, nodes: &mut Vec<Node>, random: &mut ChaCha8Rng) -> usize {
    let at = nodes.len();
    nodes.push(Node::Leaf(seen.len()));
    let Some((feature, cut)) = question(rows, &seen, random).filter(|_| levels > 0) else { return at };
    let (below, above): (Vec<usize>, Vec<usize>) = seen.into_iter().partition(|&row| rows[row][feature] < cut);
    let low = grow(rows, below, levels - 1, nodes, random);
    let high = grow(rows, above, levels - 1, nodes, random);
    nodes[at] = Node::Split { feature, cut, low, high };
    at
}

/// A feature in which rows differ, and a place between its extremes; none where the rows are alike.
fn question(rows: &[Vec<f64>], seen: &[usize], random: &mut ChaCha8Rng) -> Option<(usize, f64)> {
    let width = rows.first().map_or(0, Vec::len);
    let extremes = |feature: usize| {
        seen.iter()
            .map(|&row| rows[row][feature])
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), it| (least.min(it), most.max(it)))
    };
    let open: Vec<(usize, f64, f64)> = (0..width)
        .map(|feature| (feature, extremes(feature)))
        .filter(|(_, (least, most))| least < most)
        .map(|(feature, (least, most))| (feature, least, most))
        .collect();
    if open.is_empty() {
        return None;
    }
    let (feature, least, most) = open[random.random_range(0..open.len())];
    // Above the least, so that both sides have rows.
    let cut = least + (most - least) * random.random::<f64>();
    Some((feature, if cut > least { cut } else { most }))
}

fn depth(tree: &[Node], row: &[f64]) -> f64 {
    let (mut at, mut asked) = (0, 0);
    loop {
        match &tree[at] {
            Node::Split { feature, cut, low, high } => at = if row[*feature] < *cut { *low } else { *high },
            Node::Leaf(rows) => return f64::from(asked) + expected(*rows),
        }
        asked += 1;
    }
}

/// How many questions it takes on average to set one of `rows` apart.
fn expected(rows: usize) -> f64 {
    match rows {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let others = (rows - 1) as f64;
            2.0 * (others.ln() + GAMMA) - 2.0 * others / rows as f64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heap() -> Vec<Vec<f64>> {
        let mut rows: Vec<Vec<f64>> =
            (0..200).map(|it| vec![(it * 37 % 100) as f64 / 10.0, (it * 53 % 90) as f64 / 10.0]).collect();
        rows.push(vec![60.0, -40.0]);
        rows
    }

    fn scores(seed: u64) -> Vec<f64> {
        Isolation::grown(&heap(), &Settings { trees: 50, sample: 64, seed }, |_| ()).scores(&heap())
    }

    #[test]
    fn what_lies_apart_has_the_highest_score() {
        let scores = scores(1);
        let most = scores.iter().copied().fold(0.0, f64::max);
        assert!(scores[200] == most && most > 0.65, "{most}");
        assert!(scores[..200].iter().all(|it| *it < most) && scores.iter().sum::<f64>() < 0.55 * 201.0);
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(scores(1), scores(1));
        assert_ne!(scores(1), scores(2));
    }

    #[test]
    fn rows_that_are_alike_are_all_usual() {
        let rows = vec![vec![1.0]; 10];
        let scores = Isolation::grown(&rows, &Settings { trees: 5, sample: 8, seed: 1 }, |_| ()).scores(&rows);
        assert!(scores.iter().all(|it| (it - 0.5).abs() < 1e-12), "{scores:?}");
    }

    #[test]
    fn the_usual_number_of_questions_is_that_of_the_paper() {
        assert_eq!((expected(1), expected(2)), (0.0, 1.0));
        assert!((expected(256) - 10.244_770_920_116_851).abs() < 1e-9);
    }
}
