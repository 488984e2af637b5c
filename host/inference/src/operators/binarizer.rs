//! `Binarizer`: 1 above a threshold, else 0.

use tract_onnx::{model::ParsingContext, pb::NodeProto, tract_hir::internal::*};

use super::kernel::{self, Kernel, Kind};

#[derive(Debug)]
struct Binarizer {
    threshold: f32,
}

pub(super) fn build(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok(kernel::operator(Binarizer { threshold: node.get_attr_opt("threshold")?.unwrap_or(0.0) }))
}

impl Kernel for Binarizer {
    fn name(&self) -> &'static str {
        "Binarizer"
    }

    fn describe(&self, inputs: &[Kind]) -> TractResult<TVec<Kind>> {
        ensure!(inputs[0].0 == DatumType::F32, "takes F32, the model gives it {:?}", inputs[0].0);
        Ok(tvec![inputs[0].clone()])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let elements: &[f32] = inputs[0].try_as_plain_ram()?.as_slice()?;
        // A missing value is neither above nor below.
        ensure!(!elements.iter().any(|x| x.is_nan()), "a value is NaN");
        let binary = elements.iter().map(|x| if *x > self.threshold { 1.0f32 } else { 0.0 }).collect();
        Ok(tvec![kernel::tensor(inputs[0].shape(), binary)?])
    }
}
