//! `LinearRegressor`: weighted sums.

use tract_onnx::{model::ParsingContext, pb::NodeProto, tract_hir::internal::*};

use super::{
    attributes,
    dense::Dense,
    kernel::{self, Kernel, Kind, Matrix},
    transform::Transform,
};

#[derive(Debug)]
struct LinearRegressor {
    dense: Dense,
    transform: Transform,
}

pub(super) fn build(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let targets = node.get_attr_opt::<usize>("targets")?.unwrap_or(1);
    let weights: Vec<f32> = attributes::list(node, "coefficients")?;
    let intercepts: Vec<f32> = attributes::list(node, "intercepts")?;
    let dense = Dense::new(&weights, &intercepts, targets)?;
    Ok(kernel::operator(LinearRegressor { dense, transform: Transform::of(node)? }))
}

impl Kernel for LinearRegressor {
    fn name(&self) -> &'static str {
        "LinearRegressor"
    }

    fn describe(&self, inputs: &[Kind]) -> TractResult<TVec<Kind>> {
        kernel::expect_number(inputs[0].0)?;
        let (rows, columns) = kernel::rows_and_columns(&inputs[0].1)?;
        kernel::expect_columns(&columns, self.dense.columns())?;
        Ok(tvec![(DatumType::F32, tvec![rows, self.dense.targets().to_dim()])])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let matrix = Matrix::<f32>::new(&inputs[0])?;
        let mut scores = self.dense.sums(matrix.elements()?, matrix.columns)?;
        scores.chunks_exact_mut(self.dense.targets()).for_each(|row| self.transform.apply(row));
        Ok(tvec![kernel::tensor(&[matrix.rows, self.dense.targets()], scores)?])
    }
}
