//! Class labels: integers or text.

use tract_onnx::{pb::NodeProto, tract_hir::internal::*};

use super::{attributes, kernel};

/// The labels of a classifier, in the order of its classes.
#[derive(Debug, Clone)]
pub(super) enum Labels {
    Integers(Vec<i64>),
    Texts(Vec<String>),
}

/// What a row was labelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The class with this index.
    Class(usize),
    /// 0 or 1 as a number, whatever the labels are: onnxruntime's answer where two classes both carry weights.
    Sign(bool),
}

impl Labels {
    /// Reads the labels from one of two attributes.
    pub(super) fn of(node: &NodeProto, integers: &str, texts: &str) -> TractResult<Self> {
        let (numbers, words) = (attributes::list(node, integers)?, attributes::list::<String>(node, texts)?);
        node.expect(numbers.is_empty() || words.is_empty(), || format!("only one of `{integers}` and `{texts}`"))?;
        Ok(if words.is_empty() { Self::Integers(numbers) } else { Self::Texts(words) })
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Integers(labels) => labels.len(),
            Self::Texts(labels) => labels.len(),
        }
    }

    pub(super) fn datum_type(&self) -> DatumType {
        match self {
            Self::Integers(_) => DatumType::I64,
            Self::Texts(_) => DatumType::String,
        }
    }

    /// A vector of labels, one per verdict.
    pub(super) fn tensor(&self, verdicts: &[Verdict]) -> TractResult<TValue> {
        let shape = [verdicts.len()];
        match self {
            Self::Integers(labels) => kernel::tensor(&shape, verdicts.iter().map(|it| integer(labels, *it)).collect()),
            Self::Texts(labels) => kernel::tensor(&shape, verdicts.iter().map(|it| text(labels, *it)).collect()),
        }
    }
}

fn integer(labels: &[i64], verdict: Verdict) -> i64 {
    match verdict {
        Verdict::Class(index) => labels.get(index).copied().unwrap_or_default(),
        Verdict::Sign(positive) => i64::from(positive),
    }
}

fn text(labels: &[String], verdict: Verdict) -> String {
    let index = match verdict {
        Verdict::Class(index) => index,
        Verdict::Sign(positive) => usize::from(positive),
    };
    labels.get(index).cloned().unwrap_or_default()
}
