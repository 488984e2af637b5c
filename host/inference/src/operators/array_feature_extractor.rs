//! `ArrayFeatureExtractor`: columns picked by index.

use tract_onnx::{model::ParsingContext, pb::NodeProto, tract_hir::internal::*};

use super::kernel::{self, Kernel, Kind};

#[derive(Debug)]
struct ArrayFeatureExtractor;

pub(super) fn build(_: &ParsingContext, _: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok(kernel::operator(ArrayFeatureExtractor))
}

impl Kernel for ArrayFeatureExtractor {
    fn name(&self) -> &'static str {
        "ArrayFeatureExtractor"
    }

    fn inputs(&self) -> usize {
        2
    }

    fn describe(&self, inputs: &[Kind]) -> TractResult<TVec<Kind>> {
        let [(datum_type, shape), (_, indices)] = inputs else { bail!("takes 2 inputs") };
        ensure!(!shape.is_empty(), "picks from columns, the model gives it a single value");
        let picked = indices.iter().product::<TDim>();
        let mut rows: TVec<TDim> = if shape.len() == 1 { tvec![1.to_dim()] } else { shape[..shape.len() - 1].into() };
        rows.push(picked);
        Ok(tvec![(*datum_type, rows)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let [values, indices] = inputs else { bail!("takes 2 inputs") };
        let indices = indices.cast_to::<i64>()?;
        let picks = indices.try_as_plain_ram()?.as_slice::<i64>()?;
        Ok(tvec![match values.datum_type() {
            DatumType::F32 => pick::<f32>(values, picks)?,
            DatumType::F64 => pick::<f64>(values, picks)?,
            DatumType::I64 => pick::<i64>(values, picks)?,
            DatumType::I32 => pick::<i32>(values, picks)?,
            DatumType::TDim => pick::<TDim>(values, picks)?,
            DatumType::String => pick::<String>(values, picks)?,
            other => bail!("cannot pick from {other:?}"),
        }])
    }
}

fn pick<T: Datum>(values: &Tensor, picks: &[i64]) -> TractResult<TValue> {
    let (columns, before) = values.shape().split_last().context("picks from columns, got a single value")?;
    let picks: Vec<usize> = picks.iter().map(|it| usize::try_from(*it)).collect::<Result<_, _>>()?;
    if let Some(outside) = picks.iter().find(|it| *it >= columns) {
        bail!("index {outside} is outside of {columns} columns");
    }
    let elements: &[T] = values.try_as_plain_ram()?.as_slice()?;
    let rows = elements.chunks_exact((*columns).max(1));
    let picked = rows.flat_map(|row| picks.iter().map(|it| row[*it].clone())).collect();
    let mut shape = if before.is_empty() { vec![1] } else { before.to_vec() };
    shape.push(picks.len());
    kernel::tensor(&shape, picked)
}
