//! Between the contract's records and the words of core.

use host_capabilities::log::clean;
use host_core::event::{self, FailureKind, code};
use host_core::tensor;

use super::wit::{model, types};

/// The most bytes of a failure's code and message: every failed call keeps them on record.
const CODE_BYTES: usize = 200;
const MESSAGE_BYTES: usize = 16 << 10;

impl From<event::Event> for types::Event {
    fn from(event: event::Event) -> Self {
        Self {
            id: event.id,
            source: event.source,
            type_: event.r#type,
            subject: event.subject,
            time: event.time,
            content_type: event.content_type,
            key: event.key.map(Into::into),
            inlet: event.inlet,
            extensions: event.extensions,
            data: event.data.into(),
        }
    }
}

impl From<types::Output> for event::Output {
    fn from(output: types::Output) -> Self {
        Self {
            outlet: output.outlet,
            r#type: output.type_,
            subject: output.subject,
            content_type: output.content_type,
            key: output.key.map(Into::into),
            extensions: output.extensions,
            data: output.data.into(),
        }
    }
}

impl From<types::Failure> for event::Failure {
    fn from(failure: types::Failure) -> Self {
        let kind = match failure.kind {
            types::FailureKind::Invalid => FailureKind::Invalid,
            types::FailureKind::Transient => FailureKind::Transient,
            types::FailureKind::Fatal => FailureKind::Fatal,
        };
        Self {
            kind,
            code: own(clean(&failure.code, CODE_BYTES)),
            message: clean(&failure.message, MESSAGE_BYTES),
            retry_after_ms: failure.retry_after_ms,
            backtrace: None,
        }
    }
}

/// Codes by which the host says that the guest never ran: such a failure counts as no attempt, so no guest may claim it.
const NEVER_RAN: [&str; 4] = [code::OVERLOADED, code::CANCELLED, code::UNAVAILABLE, code::NOT_FOUND];

/// A guest's code, told apart from the host's where it would be taken for one of those.
fn own(code: String) -> String {
    if NEVER_RAN.contains(&code.as_str()) { format!("guest-{code}") } else { code }
}

/// Names each element type once; the compiler checks that none is missing on either side.
macro_rules! dtypes {
    ($($theirs:ident = $ours:ident),* $(,)?) => {
        impl From<model::Dtype> for tensor::Dtype {
            fn from(dtype: model::Dtype) -> Self {
                match dtype { $(model::Dtype::$theirs => Self::$ours,)* }
            }
        }

        impl From<tensor::Dtype> for model::Dtype {
            fn from(dtype: tensor::Dtype) -> Self {
                match dtype { $(tensor::Dtype::$ours => Self::$theirs,)* }
            }
        }
    };
}

dtypes! {
    Boolean = Bool,
    Uint8 = Uint8,
    Uint16 = Uint16,
    Uint32 = Uint32,
    Uint64 = Uint64,
    Int8 = Int8,
    Int16 = Int16,
    Int32 = Int32,
    Int64 = Int64,
    Fp16 = Fp16,
    Fp32 = Fp32,
    Fp64 = Fp64,
    Bytes = Bytes,
}

impl From<model::Tensor> for tensor::Tensor {
    fn from(tensor: model::Tensor) -> Self {
        Self { name: tensor.name, dtype: tensor.dtype.into(), shape: tensor.shape, data: tensor.data.into() }
    }
}

impl From<tensor::Tensor> for model::Tensor {
    fn from(tensor: tensor::Tensor) -> Self {
        Self { name: tensor.name, dtype: tensor.dtype.into(), shape: tensor.shape, data: tensor.data.into() }
    }
}
