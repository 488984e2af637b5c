//! Elements of an output tensor: read from the bytes of their type, written as JSON.

use half::f16;
use host_core::tensor::{Dtype, Tensor};
use serde::Serialize;

use super::OutputTensor;

/// The elements of a tensor, in the type that writes them shortest.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Data {
    /// Of `BOOL`.
    Boolean(Vec<bool>),
    /// Of the signed types.
    Signed(Vec<i64>),
    /// Of the unsigned types.
    Unsigned(Vec<u64>),
    /// Of `FP16` and `FP32`.
    Single(Vec<f32>),
    /// Of `FP64`.
    Double(Vec<f64>),
    /// Of `BYTES`; what is no text is written with replacement characters.
    Texts(Vec<String>),
}

impl From<Tensor> for OutputTensor {
    fn from(tensor: Tensor) -> Self {
        let data = Data::read(tensor.dtype, &tensor.data);
        Self { name: tensor.name, shape: tensor.shape, datatype: tensor.dtype, data }
    }
}

impl Data {
    fn read(dtype: Dtype, bytes: &[u8]) -> Self {
        match dtype {
            Dtype::Bool => Self::Boolean(bytes.iter().map(|it| *it != 0).collect()),
            Dtype::Uint8 => Self::Unsigned(each(bytes, |it| u8::from_le_bytes(it).into())),
            Dtype::Uint16 => Self::Unsigned(each(bytes, |it| u16::from_le_bytes(it).into())),
            Dtype::Uint32 => Self::Unsigned(each(bytes, |it| u32::from_le_bytes(it).into())),
            Dtype::Uint64 => Self::Unsigned(each(bytes, u64::from_le_bytes)),
            Dtype::Int8 => Self::Signed(each(bytes, |it| i8::from_le_bytes(it).into())),
            Dtype::Int16 => Self::Signed(each(bytes, |it| i16::from_le_bytes(it).into())),
            Dtype::Int32 => Self::Signed(each(bytes, |it| i32::from_le_bytes(it).into())),
            Dtype::Int64 => Self::Signed(each(bytes, i64::from_le_bytes)),
            Dtype::Fp16 => Self::Single(each(bytes, |it| f16::from_le_bytes(it).to_f32())),
            Dtype::Fp32 => Self::Single(each(bytes, f32::from_le_bytes)),
            Dtype::Fp64 => Self::Double(each(bytes, f64::from_le_bytes)),
            Dtype::Bytes => Self::Texts(texts(bytes)),
        }
    }
}

fn each<const WIDTH: usize, T>(bytes: &[u8], read: impl Fn([u8; WIDTH]) -> T) -> Vec<T> {
    bytes.as_chunks::<WIDTH>().0.iter().map(|it| read(*it)).collect()
}

fn texts(mut bytes: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((text, rest)) = rest.split_at_checked(length) else { break };
        texts.push(String::from_utf8_lossy(text).into_owned());
        bytes = rest;
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(dtype: Dtype, bytes: &[u8]) -> String {
        serde_json::to_string(&Data::read(dtype, bytes)).unwrap()
    }

    #[test]
    fn elements_are_written_as_their_type_reads() {
        assert_eq!(json(Dtype::Bool, &[1, 0]), "[true,false]");
        assert_eq!(json(Dtype::Int16, &[255, 255, 1, 0]), "[-1,1]");
        assert_eq!(json(Dtype::Uint64, &u64::MAX.to_le_bytes()), "[18446744073709551615]");
        assert_eq!(json(Dtype::Fp32, &0.1f32.to_le_bytes()), "[0.1]");
        assert_eq!(json(Dtype::Fp32, &f32::NAN.to_le_bytes()), "[null]");
        assert_eq!(json(Dtype::Fp64, &0.1f64.to_le_bytes()), "[0.1]");
        assert_eq!(json(Dtype::Fp16, &[0x00, 0x3c]), "[1.0]");
        assert_eq!(json(Dtype::Bytes, &[1, 0, 0, 0, b'a', 0, 0, 0, 0]), r#"["a",""]"#);
        assert_eq!(json(Dtype::Bytes, &[9, 0, 0, 0, b'a']), "[]", "what is cut off is left out");
    }
}
