//! `LinearClassifier`: weighted sums and the label of the highest.

use tract_onnx::{model::ParsingContext, pb::NodeProto, tract_hir::internal::*};

use super::{
    attributes,
    dense::Dense,
    kernel::{self, Kernel, Kind, Matrix},
    labels::{Labels, Verdict},
    transform::{Transform, logistic, probit},
};

#[derive(Debug)]
struct LinearClassifier {
    dense: Dense,
    labels: Labels,
    transform: Transform,
}

pub(super) fn build(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let labels = Labels::of(node, "classlabels_ints", "classlabels_strings")?;
    let weights: Vec<f32> = attributes::list(node, "coefficients")?;
    let intercepts: Vec<f32> = attributes::list(node, "intercepts")?;
    let targets = if intercepts.is_empty() { labels.len() } else { intercepts.len() };
    let dense = Dense::new(&weights, &intercepts, targets)?;
    let fits = labels.len() == targets || targets == 1 && matches!(labels.len(), 0 | 2);
    node.expect(fits, || format!("{targets} class labels, got {}", labels.len()))?;
    Ok(kernel::operator(LinearClassifier { dense, labels, transform: Transform::of(node)? }))
}

impl LinearClassifier {
    /// Two classes told apart by one score.
    fn is_binary(&self) -> bool {
        self.dense.targets() == 1 && self.labels.len() == 2
    }

    fn verdict(&self, scores: &[f32]) -> Verdict {
        match scores {
            [score] if self.is_binary() => Verdict::Class(usize::from(*score > 0.0)),
            [score] => Verdict::Sign(*score > 0.0),
            _ => Verdict::Class(first_of_the_highest(scores)),
        }
    }

    /// The scores of a row as they are given out.
    fn finish(&self, scores: &mut [f32], out: &mut Vec<f32>) {
        if !self.is_binary() {
            self.transform.apply(scores);
            out.extend_from_slice(scores);
            return;
        }
        let score = match self.transform {
            Transform::Logistic => logistic(scores[0]),
            Transform::Probit => probit(scores[0]),
            Transform::None | Transform::Softmax | Transform::SoftmaxZero => scores[0],
        };
        out.extend([1.0 - score, score]);
    }
}

impl Kernel for LinearClassifier {
    fn name(&self) -> &'static str {
        "LinearClassifier"
    }

    fn outputs(&self) -> usize {
        2
    }

    fn describe(&self, inputs: &[Kind]) -> TractResult<TVec<Kind>> {
        kernel::expect_number(inputs[0].0)?;
        let (rows, columns) = kernel::rows_and_columns(&inputs[0].1)?;
        kernel::expect_columns(&columns, self.dense.columns())?;
        let classes = if self.is_binary() { 2 } else { self.dense.targets() };
        Ok(tvec![(self.labels.datum_type(), tvec![rows.clone()]), (DatumType::F32, tvec![rows, classes.to_dim()])])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let matrix = Matrix::<f32>::new(&inputs[0])?;
        let mut sums = self.dense.sums(matrix.elements()?, matrix.columns)?;
        let mut verdicts = Vec::with_capacity(matrix.rows);
        let mut scores = Vec::with_capacity(matrix.rows * self.dense.targets().max(2));
        for row in sums.chunks_exact_mut(self.dense.targets()) {
            verdicts.push(self.verdict(row));
            self.finish(row, &mut scores);
        }
        let classes = if self.is_binary() { 2 } else { self.dense.targets() };
        Ok(tvec![self.labels.tensor(&verdicts)?, kernel::tensor(&[matrix.rows, classes], scores)?])
    }
}

fn first_of_the_highest(scores: &[f32]) -> usize {
    let mut best = 0;
    for (index, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = index;
        }
    }
    best
}
