//! `Normalizer`: every row divided by its norm.

use tract_onnx::{model::ParsingContext, pb::NodeProto, tract_hir::internal::*};

use super::{
    attributes,
    kernel::{self, Kernel, Kind, Matrix},
};

#[derive(Debug, Clone, Copy)]
enum Normalizer {
    Max,
    L1,
    L2,
}

pub(super) fn build(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let normalizer = match attributes::text(node, "norm", "MAX")? {
        "MAX" => Normalizer::Max,
        "L1" => Normalizer::L1,
        "L2" => Normalizer::L2,
        other => return node.bail_attr("norm", &format!("unknown value {other}")),
    };
    Ok(kernel::operator(normalizer))
}

impl Normalizer {
    /// What a row is divided by. The maximum is of the values, not of their magnitudes, as in onnxruntime.
    fn norm(self, row: &[f32]) -> f64 {
        let values = row.iter().copied().map(f64::from);
        match self {
            Self::Max => values.fold(f64::MIN, f64::max),
            Self::L1 => values.map(f64::abs).sum(),
            Self::L2 => values.map(|x| x * x).sum::<f64>().sqrt(),
        }
    }
}

impl Kernel for Normalizer {
    fn name(&self) -> &'static str {
        "Normalizer"
    }

    fn describe(&self, inputs: &[Kind]) -> TractResult<TVec<Kind>> {
        kernel::expect_number(inputs[0].0)?;
        kernel::rows_and_columns(&inputs[0].1)?;
        Ok(tvec![(DatumType::F32, inputs[0].1.clone())])
    }

    #[expect(clippy::cast_possible_truncation, reason = "the output is single precision")]
    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let matrix = Matrix::<f32>::new(&inputs[0])?;
        let mut normal = matrix.elements()?.to_vec();
        for row in normal.chunks_exact_mut(matrix.columns.max(1)) {
            let norm = self.norm(row);
            // A row of zeros stays as it is.
            if norm != 0.0 {
                row.iter_mut().for_each(|x| *x = (f64::from(*x) / norm) as f32);
            }
        }
        Ok(tvec![kernel::tensor(inputs[0].shape(), normal)?])
    }
}
