//! `TreeEnsembleRegressor`: the leaves of all trees summed, averaged, or the least or greatest of them.

use std::sync::Arc;

use tract_onnx::{model::ParsingContext, pb::NodeProto, tract_hir::internal::*};

use super::{
    attributes,
    forest::{Attributes, Forest, Real, Weight},
    kernel::{self, Kernel, Kind, Matrix},
    transform::Transform,
};

/// How the leaves of several trees become one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Average,
    Min,
    Max,
}

#[derive(Debug, Clone)]
struct Regressor<T> {
    forest: Forest<T>,
    base: Vec<T>,
    aggregate: Aggregate,
    transform: Transform,
}

pub(super) fn build(context: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let targets = node.get_attr_opt::<usize>("n_targets")?.unwrap_or(1);
    let trees = Attributes::of(context, node, "target", targets)?;
    if trees.is_double { build_in::<f64>(context, node, &trees) } else { build_in::<f32>(context, node, &trees) }
}

fn build_in<T: Real>(
    context: &ParsingContext,
    node: &NodeProto,
    trees: &Attributes,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)>
where
    Regressor<T>: Kernel,
{
    let forest: Forest<T> = trees.build()?;
    let (base, _) = attributes::reals(context, node, "base_values")?;
    let targets = forest.targets();
    node.expect_attr("base_values", base.is_empty() || base.len() == targets, || {
        format!("{targets} elements or none, got {}", base.len())
    })?;
    let aggregate = match attributes::text(node, "aggregate_function", "SUM")? {
        "SUM" => Aggregate::Sum,
        "AVERAGE" => Aggregate::Average,
        "MIN" => Aggregate::Min,
        "MAX" => Aggregate::Max,
        other => return node.bail_attr("aggregate_function", &format!("unknown value {other}")),
    };
    let base = base.into_iter().map(T::from_f64).collect();
    Ok(kernel::operator(Regressor { forest, base, aggregate, transform: Transform::of(node)? }))
}

impl<T: Real> Regressor<T> {
    fn cast<U: Real>(&self) -> Regressor<U> {
        Regressor {
            forest: self.forest.cast(),
            base: self.base.iter().map(|it| U::from_f64(it.to_f64())).collect(),
            aggregate: self.aggregate,
            transform: self.transform,
        }
    }

    fn describe(&self, inputs: &[Kind]) -> TractResult<TVec<Kind>> {
        kernel::expect_number(inputs[0].0)?;
        let (rows, columns) = kernel::rows_and_columns(&inputs[0].1)?;
        expect_enough(&columns, self.forest.columns())?;
        Ok(tvec![(DatumType::F32, tvec![rows, self.forest.targets().to_dim()])])
    }

    fn eval(&self, input: &Tensor) -> TractResult<TVec<TValue>> {
        let matrix = Matrix::<T>::new(input)?;
        let targets = self.forest.targets();
        let mut values = match self.aggregate {
            Aggregate::Sum | Aggregate::Average => self.sums(&matrix)?,
            Aggregate::Min => self.extremes(&matrix, |new, old| new < old)?,
            Aggregate::Max => self.extremes(&matrix, |new, old| new > old)?,
        };
        if self.aggregate == Aggregate::Average {
            let trees = T::from_f64(f64::from(u32::try_from(self.forest.trees())?));
            values.iter_mut().for_each(|value| *value /= trees);
        }
        if !self.base.is_empty() {
            values.iter_mut().zip(self.base.iter().cycle()).for_each(|(value, base)| *value += *base);
        }
        let mut scores: Vec<f32> = values.into_iter().map(T::to_f32).collect();
        scores.chunks_exact_mut(targets).for_each(|row| self.transform.apply(row));
        Ok(tvec![kernel::tensor(&[matrix.rows, targets], scores)?])
    }

    fn sums(&self, matrix: &Matrix<'_, T>) -> TractResult<Vec<T>> {
        let targets = self.forest.targets();
        let mut values = vec![T::default(); matrix.rows * targets];
        self.forest.visit(matrix.elements()?, matrix.columns, |row, weights| {
            let row = &mut values[row * targets..][..targets];
            weights.iter().for_each(|weight| row[weight.target as usize] += weight.value);
        })?;
        Ok(values)
    }

    /// The value of each target that beats all others; zero where no leaf had one.
    fn extremes(&self, matrix: &Matrix<'_, T>, beats: impl Fn(T, T) -> bool) -> TractResult<Vec<T>> {
        let targets = self.forest.targets();
        let mut values: Vec<Option<T>> = vec![None; matrix.rows * targets];
        self.forest.visit(matrix.elements()?, matrix.columns, |row, weights| {
            for Weight { target, value } in weights {
                let best = &mut values[row * targets + *target as usize];
                if best.is_none_or(|old| beats(*value, old)) {
                    *best = Some(*value);
                }
            }
        })?;
        Ok(values.into_iter().map(Option::unwrap_or_default).collect())
    }
}

impl Kernel for Regressor<f32> {
    fn name(&self) -> &'static str {
        "TreeEnsembleRegressor"
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

impl Kernel for Regressor<f64> {
    fn name(&self) -> &'static str {
        "TreeEnsembleRegressor"
    }

    fn describe(&self, inputs: &[Kind]) -> TractResult<TVec<Kind>> {
        self.describe(inputs)
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        self.eval(&inputs[0])
    }
}

/// Refuses a number of columns that is known and too small for the tests.
pub(super) fn expect_enough(columns: &TDim, least: usize) -> TractResult<()> {
    if let Ok(columns) = columns.to_usize() {
        ensure!(columns >= least, "takes {least} columns at least, the model gives it {columns}");
    }
    Ok(())
}
