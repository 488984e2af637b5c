//! `TreeEnsembleClassifier`: the leaves of all trees summed per class, and the label of the winner.

use std::{collections::HashSet, sync::Arc};

use tract_onnx::{model::ParsingContext, pb::NodeProto, tract_hir::internal::*};

use super::{
    attributes,
    forest::{Attributes, Forest, Real},
    kernel::{self, Kernel, Kind, Matrix},
    labels::{Labels, Verdict},
    transform::{Transform, logistic, probit},
    tree_ensemble_regressor::expect_enough,
};

#[derive(Debug, Clone)]
struct Classifier<T> {
    forest: Forest<T>,
    base: Vec<T>,
    labels: Labels,
    transform: Transform,
    /// Two classes, but weights for one of them only.
    is_binary: bool,
    all_positive: bool,
}

/// How a single score becomes the scores of two classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Second {
    /// It does not.
    Absent,
    /// `1 - score`.
    Complement,
    /// `-score`.
    Opposite,
}

pub(super) fn build(context: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let labels = Labels::of(node, "classlabels_int64s", "classlabels_strings")?;
    let trees = Attributes::of(context, node, "class", labels.len())?;
    if trees.is_double {
        build_in::<f64>(context, node, &trees, labels)
    } else {
        build_in::<f32>(context, node, &trees, labels)
    }
}

fn build_in<T: Real>(
    context: &ParsingContext,
    node: &NodeProto,
    trees: &Attributes,
    labels: Labels,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)>
where
    Classifier<T>: Kernel,
{
    let forest: Forest<T> = trees.build()?;
    let (base, _) = attributes::reals(context, node, "base_values")?;
    let classes = labels.len();
    let fits = base.len() <= 1 || base.len() == classes;
    node.expect_attr("base_values", fits, || format!("{classes} elements, 1 or none, got {}", base.len()))?;
    let weighted: HashSet<u32> = forest.weights().iter().map(|it| it.target).collect();
    Ok(kernel::operator(Classifier {
        is_binary: classes == 2 && weighted.len() == 1,
        all_positive: forest.weights().iter().all(|it| it.value >= T::default()),
        base: base.into_iter().map(T::from_f64).collect(),
        transform: Transform::of(node)?,
        forest,
        labels,
    }))
}

impl<T: Real> Classifier<T> {
    fn cast<U: Real>(&self) -> Classifier<U> {
        Classifier {
            forest: self.forest.cast(),
            base: self.base.iter().map(|it| U::from_f64(it.to_f64())).collect(),
            labels: self.labels.clone(),
            transform: self.transform,
            is_binary: self.is_binary,
            all_positive: self.all_positive,
        }
    }

    fn describe(&self, inputs: &[Kind]) -> TractResult<TVec<Kind>> {
        kernel::expect_number(inputs[0].0)?;
        let (rows, columns) = kernel::rows_and_columns(&inputs[0].1)?;
        expect_enough(&columns, self.forest.columns())?;
        Ok(tvec![
            (self.labels.datum_type(), tvec![rows.clone()]),
            (DatumType::F32, tvec![rows, self.labels.len().to_dim()])
        ])
    }

    fn eval(&self, input: &Tensor) -> TractResult<TVec<TValue>> {
        let matrix = Matrix::<T>::new(input)?;
        let classes = self.labels.len();
        let mut sums: Vec<Option<T>> = vec![None; matrix.rows * classes];
        self.forest.visit(matrix.elements()?, matrix.columns, |row, weights| {
            let row = &mut sums[row * classes..][..classes];
            weights.iter().for_each(|weight| add(&mut row[weight.target as usize], weight.value));
        })?;
        let mut verdicts = Vec::with_capacity(matrix.rows);
        let mut scores = vec![0.0; matrix.rows * classes];
        for (sums, scores) in sums.chunks_exact_mut(classes).zip(scores.chunks_exact_mut(classes)) {
            verdicts.push(if classes > 2 { self.finish_many(sums, scores) } else { self.finish_few(sums, scores) });
        }
        Ok(tvec![self.labels.tensor(&verdicts)?, kernel::tensor(&[matrix.rows, classes], scores)?])
    }

    /// Three classes or more: the first of the highest wins.
    fn finish_many(&self, sums: &mut [Option<T>], scores: &mut [f32]) -> Verdict {
        sums.iter_mut().zip(&self.base).for_each(|(sum, base)| add(sum, *base));
        let mut winner: Option<(usize, T)> = None;
        for (class, sum) in sums.iter().enumerate() {
            if let Some(sum) = sum
                && winner.is_none_or(|(_, best)| *sum > best)
            {
                winner = Some((class, *sum));
            }
        }
        write(sums, scores);
        self.transform.apply(scores);
        Verdict::Class(winner.map_or(0, |(class, _)| class))
    }

    /// One class or two. The specification leaves these open; this is what onnxruntime makes of them.
    fn finish_few(&self, sums: &mut [Option<T>], scores: &mut [f32]) -> Verdict {
        self.add_base(sums);
        let one_score = sums.len() == 1 || sums[1].is_none() && self.base.len() != 2;
        let weight = sums.get(1).copied().flatten().or(sums[0]).unwrap_or_default();
        let verdict = self.verdict(weight);
        write(sums, scores);
        if one_score {
            self.spread(scores);
        } else {
            self.transform.apply(scores);
        }
        verdict
    }

    /// A score that no leaf gave has no base value either.
    fn add_base(&self, sums: &mut [Option<T>]) {
        match (self.base.as_slice(), sums) {
            ([base], [Some(first), ..]) => *first += *base,
            ([_, base], [first, Some(second)]) => {
                // What the leaves gave the second class is not used: onnxruntime takes its base value for the first's.
                *second = *base;
                *second += first.unwrap_or_default();
                *first = first.map(|_| T::from_f64(-second.to_f64()));
            }
            ([base, _], [Some(first), None]) => *first += *base,
            _ => {}
        }
    }

    fn verdict(&self, weight: T) -> Verdict {
        match (self.is_binary, self.all_positive) {
            (true, true) => Verdict::Class(usize::from(weight > T::from_f64(0.5))),
            (true, false) => Verdict::Class(usize::from(weight > T::default())),
            (false, _) => Verdict::Sign(weight > T::default()),
        }
    }

    /// One score becomes those of two classes.
    fn spread(&self, scores: &mut [f32]) {
        let score = scores[0];
        let second = match (self.is_binary, self.all_positive, self.base.is_empty()) {
            (true, true, _) => Second::Complement,
            (true, false, _) | (false, _, true) => Second::Opposite,
            (false, _, false) => Second::Absent,
        };
        match (scores, self.transform, second) {
            ([first, ..], Transform::Probit, _) => *first = probit(score),
            ([first, other], Transform::Logistic, Second::Complement) => {
                (*first, *other) = (logistic(-score), logistic(score))
            }
            ([first, other], _, Second::Complement) => (*first, *other) = (1.0 - score, score),
            ([first, other], Transform::Logistic, Second::Opposite) => {
                (*first, *other) = (logistic(-score), logistic(score))
            }
            ([first, other], _, Second::Opposite) => (*first, *other) = (-score, score),
            _ => {}
        }
    }
}

fn add<T: Real>(sum: &mut Option<T>, value: T) {
    match sum {
        Some(sum) => *sum += value,
        None => *sum = Some(value),
    }
}

fn write<T: Real>(sums: &[Option<T>], scores: &mut [f32]) {
    for (score, sum) in scores.iter_mut().zip(sums) {
        *score = sum.map_or(0.0, T::to_f32);
    }
}

impl Kernel for Classifier<f32> {
    fn name(&self) -> &'static str {
        "TreeEnsembleClassifier"
    }

    fn outputs(&self) -> usize {
        2
    }

    fn describe(&self, inputs: &[Kind]) -> TractResult<TVec<Kind>> {
        self.describe(inputs)
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        self.eval(&inputs[0])
    }

    fn for_types(&self, inputs: &[DatumType]) -> Option<Arc<dyn Kernel>> {
        // A double may lie between a single threshold and the next single.
        (inputs == [DatumType::F64]).then(|| Arc::new(self.cast::<f64>()) as Arc<dyn Kernel>)
    }
}

impl Kernel for Classifier<f64> {
    fn name(&self) -> &'static str {
        "TreeEnsembleClassifier"
    }

    fn outputs(&self) -> usize {
        2
    }

    fn describe(&self, inputs: &[Kind]) -> TractResult<TVec<Kind>> {
        self.describe(inputs)
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        self.eval(&inputs[0])
    }
}
