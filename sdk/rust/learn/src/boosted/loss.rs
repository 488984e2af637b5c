//! What a score is off by, and how far a leaf goes to mend it.

use weft_tables::Target;

/// How wrong a score is: by squares for values, by surprise for classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// Half the square of what is missing.
    Squares,
    /// Two classes: one score, the log of the odds of the second.
    Odds,
    /// More classes: a score each, of which a softmax makes shares.
    Shares(usize),
}

impl Loss {
    /// The loss for `target`; `None` where there is but one class.
    pub(super) fn of(target: &Target, classes: usize) -> Option<Self> {
        match (target, classes) {
            (Target::Values(_), _) => Some(Self::Squares),
            (Target::Classes(_), 2) => Some(Self::Odds),
            (Target::Classes(_), 3..) => Some(Self::Shares(classes)),
            (Target::Classes(_), _) => None,
        }
    }

    pub(super) fn is_of_classes(self) -> bool {
        self != Self::Squares
    }

    /// The best scores that are the same for all rows.
    pub(super) fn base(self, target: &Target) -> Vec<f32> {
        let classes = match target {
            Target::Values(values) => return vec![(values.iter().sum::<f64>() / values.len() as f64) as f32],
            Target::Classes(classes) => classes,
        };
        // A class that no row has is unlikely, not impossible: its score stays finite.
        let share = |class| {
            let rows = classes.iter().filter(|it| **it == class).count() as f64;
            (rows / classes.len() as f64).clamp(f64::EPSILON, 1.0 - f64::EPSILON)
        };
        match self {
            Self::Shares(all) => (0..all).map(|class| share(class).ln() as f32).collect(),
            _ => vec![(share(1) / (1.0 - share(1))).ln() as f32],
        }
    }

    /// What the score `output` of `row` is off by.
    pub(super) fn residual(self, target: &Target, row: usize, scores: &[f64], output: usize) -> f64 {
        match target {
            Target::Values(values) => values[row] - scores[output],
            Target::Classes(classes) => {
                let class = if self == Self::Odds { 1 } else { output };
                let is = f64::from(u8::from(classes[row] == class));
                is - self.answer(scores)[class]
            }
        }
    }

    /// How far a leaf of rows with these residuals goes: the mean, or one step of Newton's.
    pub(super) fn step(self, residuals: &[f64], outputs: usize) -> f64 {
        let sum: f64 = residuals.iter().sum();
        if self == Self::Squares {
            return sum / residuals.len() as f64;
        }
        let curvature: f64 = residuals.iter().map(|it| it.abs() * (1.0 - it.abs())).sum();
        let share = if self == Self::Odds { 1.0 } else { (outputs as f64 - 1.0) / outputs as f64 };
        if curvature.abs() < 1e-150 { 0.0 } else { share * sum / curvature }
    }

    /// What the exported tree holds for a step of one score: a weight per class, or the value.
    pub(super) fn leaf(self, output: usize, outputs: usize, step: f32) -> Vec<f32> {
        match self {
            Self::Squares => vec![step],
            Self::Odds => vec![0.0, step],
            Self::Shares(_) => (0..outputs).map(|it| if it == output { step } else { 0.0 }).collect(),
        }
    }

    /// The step of a score in such a leaf.
    pub(super) fn weight(self, leaf: &[f32], output: usize) -> f32 {
        leaf.get(if self == Self::Odds { 1 } else { output }).copied().unwrap_or(0.0)
    }

    /// How likely each class is, or the value.
    pub(super) fn answer(self, scores: &[f64]) -> Vec<f64> {
        match self {
            Self::Squares => scores.to_vec(),
            Self::Odds => {
                let likely = 1.0 / (1.0 + (-scores[0]).exp());
                vec![1.0 - likely, likely]
            }
            Self::Shares(_) => {
                let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let powers: Vec<f64> = scores.iter().map(|it| (it - most).exp()).collect();
                let total: f64 = powers.iter().sum();
                powers.into_iter().map(|it| it / total).collect()
            }
        }
    }
}
