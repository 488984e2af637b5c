//! `Imputer`: one value replaced, such as NaN, per column or for all.

use tract_onnx::{model::ParsingContext, pb::NodeProto, tract_hir::internal::*};

use super::{
    attributes,
    kernel::{self, Kernel, Kind, Matrix},
};

#[derive(Debug)]
enum Imputer {
    Floats { missing: f32, fill: Vec<f32> },
    Integers { missing: i64, fill: Vec<i64> },
}

pub(super) fn build(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let floats: Vec<f32> = attributes::list(node, "imputed_value_floats")?;
    let integers: Vec<i64> = attributes::list(node, "imputed_value_int64s")?;
    node.expect(floats.is_empty() != integers.is_empty(), "one of `imputed_value_floats` and `imputed_value_int64s`")?;
    Ok(kernel::operator(if integers.is_empty() {
        Imputer::Floats { missing: node.get_attr_opt("replaced_value_float")?.unwrap_or(0.0), fill: floats }
    } else {
        Imputer::Integers { missing: node.get_attr_opt("replaced_value_int64")?.unwrap_or(0), fill: integers }
    }))
}

impl Kernel for Imputer {
    fn name(&self) -> &'static str {
        "Imputer"
    }

    fn describe(&self, inputs: &[Kind]) -> TractResult<TVec<Kind>> {
        let (_, columns) = kernel::rows_and_columns(&inputs[0].1)?;
        let (datum_type, fill) = match self {
            Self::Floats { fill, .. } => (DatumType::F32, fill.len()),
            Self::Integers { fill, .. } => (DatumType::I64, fill.len()),
        };
        ensure!(inputs[0].0 == datum_type, "replaces {datum_type:?}, the model gives it {:?}", inputs[0].0);
        if fill > 1 {
            kernel::expect_columns(&columns, fill)?;
        }
        Ok(tvec![inputs[0].clone()])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        Ok(tvec![match self {
            Self::Floats { missing, fill } =>
                replace(&inputs[0], fill, |x: f32| x == *missing || x.is_nan() && missing.is_nan())?,
            Self::Integers { missing, fill } => replace(&inputs[0], fill, |x: i64| x == *missing)?,
        }])
    }
}

fn replace<T: Datum + Copy>(input: &Tensor, fill: &[T], is_missing: impl Fn(T) -> bool) -> TractResult<TValue> {
    let matrix = Matrix::<T>::new(input)?;
    ensure!(fill.len() == 1 || fill.len() == matrix.columns, "takes {} columns, got {}", fill.len(), matrix.columns);
    let whole = matrix.elements()?.iter().zip(fill.iter().cycle());
    kernel::tensor(input.shape(), whole.map(|(x, fill)| if is_missing(*x) { *fill } else { *x }).collect())
}
