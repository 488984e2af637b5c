//! What a guest of `wasi:nn` holds: tensors, models by name, and reasons why not.

use host_core::tensor::{Dtype, Tensor};

use super::{ErrorCode, TensorType};

/// A model by the name it was asked for. It is looked up when it computes, so that it never goes stale.
#[derive(Debug, Clone)]
#[expect(unreachable_pub, reason = "the generated bindings name it in public signatures")]
pub struct Named(pub(super) String);

/// A tensor without a name.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings name it in public signatures")]
pub struct Array {
    pub(super) dimensions: Vec<u32>,
    pub(super) kind: TensorType,
    pub(super) data: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings name it in public signatures")]
pub struct Denied {
    pub(super) code: ErrorCode,
    pub(super) data: String,
}

impl Array {
    /// How much memory it takes.
    pub(super) fn bytes(&self) -> u64 {
        (self.data.len() + self.dimensions.len() * size_of::<u32>()) as u64
    }

    /// The same under a name.
    pub(super) fn into_tensor(self, name: String) -> Result<Tensor, Denied> {
        let dtype = match self.kind {
            TensorType::Fp16 => Dtype::Fp16,
            TensorType::Fp32 => Dtype::Fp32,
            TensorType::Fp64 => Dtype::Fp64,
            TensorType::U8 => Dtype::Uint8,
            TensorType::I32 => Dtype::Int32,
            TensorType::I64 => Dtype::Int64,
            TensorType::Bf16 => {
                let data = format!("input `{name}` is BF16, which this host does not compute with");
                return Err(Denied { code: ErrorCode::UnsupportedOperation, data });
            }
        };
        let shape = self.dimensions.into_iter().map(u64::from).collect();
        Ok(Tensor { name, dtype, shape, data: self.data.into() })
    }

    /// A tensor without its name, where there is a type for it.
    pub(super) fn from_tensor(tensor: Tensor) -> Option<Self> {
        let kind = match tensor.dtype {
            Dtype::Fp16 => TensorType::Fp16,
            Dtype::Fp32 => TensorType::Fp32,
            Dtype::Fp64 => TensorType::Fp64,
            Dtype::Uint8 => TensorType::U8,
            Dtype::Int32 => TensorType::I32,
            Dtype::Int64 => TensorType::I64,
            Dtype::Bool | Dtype::Uint16 | Dtype::Uint32 | Dtype::Uint64 | Dtype::Int8 | Dtype::Int16 | Dtype::Bytes => {
                return None;
            }
        };
        let dimensions = tensor.shape.into_iter().map(u32::try_from).collect::<Result<_, _>>().ok()?;
        Some(Self { dimensions, kind, data: tensor.data.into() })
    }
}
