//! Operators of our own, where tract has none, differs from onnxruntime, or is too slow.

use tract_onnx::{
    Onnx,
    model::ParsingContext,
    pb::NodeProto,
    tract_hir::internal::{InferenceOp, TractResult},
};

mod array_feature_extractor;
mod attributes;
mod binarizer;
mod dense;
mod forest;
mod imputer;
mod kernel;
mod label_encoder;
mod labels;
mod linear_classifier;
mod linear_regressor;
mod normalizer;
mod scaler;
mod transform;
mod tree_ensemble_classifier;
mod tree_ensemble_regressor;

/// Makes an operator from its node in the model file.
type Builder = fn(&ParsingContext, &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)>;

/// Every operator of ours, by its ONNX name.
const OPERATORS: &[(&str, Builder)] = &[
    ("ArrayFeatureExtractor", array_feature_extractor::build),
    ("Binarizer", binarizer::build),
    ("Imputer", imputer::build),
    ("LabelEncoder", label_encoder::build),
    ("LinearClassifier", linear_classifier::build),
    ("LinearRegressor", linear_regressor::build),
    ("Normalizer", normalizer::build),
    ("Scaler", scaler::build),
    ("TreeEnsembleClassifier", tree_ensemble_classifier::build),
    ("TreeEnsembleRegressor", tree_ensemble_regressor::build),
];

/// A reader of ONNX that knows tract's operators and ours; ours win.
pub(crate) fn framework() -> Onnx {
    let mut onnx = tract_onnx::onnx();
    for (name, builder) in OPERATORS {
        onnx.op_register.insert(name, *builder);
    }
    onnx
}
