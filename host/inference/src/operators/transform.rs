//! What is done to scores at the end: the post transforms of ONNX, as onnxruntime computes them.

use tract_onnx::{pb::NodeProto, tract_hir::internal::*};

use super::attributes;

/// A post transform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transform {
    None,
    Softmax,
    Logistic,
    SoftmaxZero,
    Probit,
}

impl Transform {
    /// Reads the attribute `post_transform`.
    pub(super) fn of(node: &NodeProto) -> TractResult<Self> {
        match attributes::text(node, "post_transform", "NONE")? {
            "NONE" => Ok(Self::None),
            "SOFTMAX" => Ok(Self::Softmax),
            "LOGISTIC" => Ok(Self::Logistic),
            "SOFTMAX_ZERO" => Ok(Self::SoftmaxZero),
            "PROBIT" => Ok(Self::Probit),
            other => node.bail_attr("post_transform", &format!("unknown value {other}")),
        }
    }

    /// Transforms one row of two scores or more; of a single score only the probit is taken.
    pub(super) fn apply(self, scores: &mut [f32]) {
        match self {
            Self::Probit => scores.iter_mut().for_each(|score| *score = probit(*score)),
            _ if scores.len() < 2 => {}
            Self::None => {}
            Self::Logistic => scores.iter_mut().for_each(|score| *score = logistic(*score)),
            Self::Softmax => softmax(scores),
            Self::SoftmaxZero => softmax_zero(scores),
        }
    }
}

/// The logistic function, without overflow.
pub(super) fn logistic(score: f32) -> f32 {
    let value = 1.0 / (1.0 + (-score.abs()).exp());
    if score < 0.0 { 1.0 - value } else { value }
}

/// The approximation onnxruntime uses, constants included.
pub(super) fn probit(score: f32) -> f32 {
    std::f32::consts::SQRT_2 * inverse_erf(2.0 * score - 1.0)
}

#[expect(clippy::approx_constant, reason = "the constant of the approximation, not of the circle")]
fn inverse_erf(x: f32) -> f32 {
    let sign = if x < 0.0 { -1.0 } else { 1.0 };
    let log = ((1.0 - x) * (1.0 + x)).ln();
    let v = 2.0 / (3.14159 * 0.147) + 0.5 * log;
    let v3 = -v + (v * v - log / 0.147).sqrt();
    sign * v3.sqrt()
}

fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::MIN, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - most).exp();
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

/// A softmax that leaves out zeros, whose exponential is not zero.
fn softmax_zero(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::MIN, f32::max);
    let scale = (-most).exp();
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        if score.abs() > 1e-7 {
            *score = (*score - most).exp();
            sum += *score;
        } else {
            *score *= scale;
        }
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}
