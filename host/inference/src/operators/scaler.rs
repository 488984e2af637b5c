//! `Scaler`: `(x - offset) * scale`, per column or for all.

use tract_onnx::{model::ParsingContext, pb::NodeProto, tract_hir::internal::*};

use super::{
    attributes,
    kernel::{self, Kernel, Kind, Matrix},
};

#[derive(Debug)]
struct Scaler {
    offset: Vec<f32>,
    scale: Vec<f32>,
}

pub(super) fn build(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let scale: Vec<f32> = attributes::list(node, "scale")?;
    node.expect_attr("scale", !scale.is_empty(), "at least one element")?;
    let offset: Vec<f32> = attributes::list_of(node, "offset", scale.len())?;
    Ok(kernel::operator(Scaler { offset, scale }))
}

impl Kernel for Scaler {
    fn name(&self) -> &'static str {
        "Scaler"
    }

    fn describe(&self, inputs: &[Kind]) -> TractResult<TVec<Kind>> {
        kernel::expect_number(inputs[0].0)?;
        let (_, columns) = kernel::rows_and_columns(&inputs[0].1)?;
        if self.scale.len() > 1 {
            kernel::expect_columns(&columns, self.scale.len())?;
        }
        Ok(tvec![(DatumType::F32, inputs[0].1.clone())])
    }

    #[expect(clippy::cast_possible_truncation, reason = "the output is single precision, whatever the input")]
    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let matrix = Matrix::<f64>::new(&inputs[0])?;
        let elements = matrix.elements()?;
        let parameters = || self.offset.iter().zip(&self.scale);
        ensure!(
            self.scale.len() == 1 || self.scale.len() == matrix.columns,
            "takes {} columns, got {}",
            self.scale.len(),
            matrix.columns
        );
        let scaled = elements.iter().zip(parameters().cycle());
        let scaled = scaled.map(|(x, (offset, scale))| ((x - f64::from(*offset)) * f64::from(*scale)) as f32).collect();
        Ok(tvec![kernel::tensor(inputs[0].shape(), scaled)?])
    }
}
