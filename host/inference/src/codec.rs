//! Tensors as the protocol has them, to and from tensors as tract has them.

use bytes::{Bytes, BytesMut};
use host_core::tensor::{Dtype, Tensor};
use tract_onnx::{
    prelude::{DatumType, IntoTValue, SymbolValues, TDim, TValue, tract_ndarray::ArrayD},
    tract_hir::internal::{Tensor as TractTensor, TractResult},
};

#[cfg(target_endian = "big")]
compile_error!("tensors are little-endian bytes, and are copied as they are");

/// The protocol's name of an element type; `None` where it has none.
pub(crate) fn dtype(datum_type: DatumType) -> Option<Dtype> {
    Some(match datum_type.unquantized() {
        DatumType::Bool => Dtype::Bool,
        DatumType::U8 => Dtype::Uint8,
        DatumType::U16 => Dtype::Uint16,
        DatumType::U32 => Dtype::Uint32,
        DatumType::U64 => Dtype::Uint64,
        DatumType::I8 => Dtype::Int8,
        DatumType::I16 => Dtype::Int16,
        DatumType::I32 => Dtype::Int32,
        // Where shapes flow through the graph, tract counts symbolically.
        DatumType::I64 | DatumType::TDim => Dtype::Int64,
        DatumType::F16 => Dtype::Fp16,
        DatumType::F32 => Dtype::Fp32,
        DatumType::F64 => Dtype::Fp64,
        DatumType::String => Dtype::Bytes,
        _ => return None,
    })
}

fn datum_type(dtype: Dtype) -> DatumType {
    match dtype {
        Dtype::Bool => DatumType::Bool,
        Dtype::Uint8 => DatumType::U8,
        Dtype::Uint16 => DatumType::U16,
        Dtype::Uint32 => DatumType::U32,
        Dtype::Uint64 => DatumType::U64,
        Dtype::Int8 => DatumType::I8,
        Dtype::Int16 => DatumType::I16,
        Dtype::Int32 => DatumType::I32,
        Dtype::Int64 => DatumType::I64,
        Dtype::Fp16 => DatumType::F16,
        Dtype::Fp32 => DatumType::F32,
        Dtype::Fp64 => DatumType::F64,
        Dtype::Bytes => DatumType::String,
    }
}

/// A tensor for tract; the error says what is wrong with its bytes.
pub(crate) fn decode(tensor: &Tensor) -> Result<TValue, String> {
    let shape: Option<Vec<usize>> = tensor.shape.iter().map(|dim| usize::try_from(*dim).ok()).collect();
    let (Some(shape), Some(length)) = (shape, tensor.len()) else {
        return Err(format!("has shape {:?}, which no memory holds", tensor.shape));
    };
    if tensor.dtype == Dtype::Bytes {
        let texts = decode_texts(&tensor.data, length)?;
        return ArrayD::from_shape_vec(shape, texts)
            .map(|array| TractTensor::from(array).into_tvalue())
            .map_err(|error| error.to_string());
    }
    let width = tensor.dtype.width().unwrap_or(1);
    if length.checked_mul(width) != Some(tensor.data.len()) {
        return Err(format!(
            "holds {} bytes, but shape {:?} of {} needs {}",
            tensor.data.len(),
            tensor.shape,
            tensor.dtype,
            length.saturating_mul(width)
        ));
    }
    if tensor.dtype == Dtype::Bool && tensor.data.iter().any(|byte| *byte > 1) {
        return Err("holds a BOOL that is neither 0 nor 1".to_owned());
    }
    let mut decoded = TractTensor::zero_dt(datum_type(tensor.dtype), &shape).map_err(|error| error.to_string())?;
    decoded.as_bytes_mut().copy_from_slice(&tensor.data);
    Ok(decoded.into_tvalue())
}

/// A tensor from tract; what it counts symbolically, such as rows, has the values of `symbols`.
pub(crate) fn encode(name: &str, value: &TractTensor, symbols: &SymbolValues) -> TractResult<Tensor> {
    let shape = value.shape().iter().map(|dim| *dim as u64).collect();
    let (dtype, data) = match value.datum_type() {
        DatumType::TDim => (Dtype::Int64, counted(value.try_as_plain_ram()?.as_slice::<TDim>()?, symbols)?),
        DatumType::String => (Dtype::Bytes, encode_texts(value.try_as_plain_ram()?.as_slice::<String>()?)?),
        other => match dtype(other) {
            Some(dtype) => (dtype, Bytes::copy_from_slice(value.as_bytes())),
            None => tract_onnx::tract_hir::internal::bail!(
                "output `{name}` is {other:?}, which the protocol has no name for"
            ),
        },
    };
    Ok(Tensor { name: name.to_owned(), dtype, shape, data })
}

fn counted(dims: &[TDim], symbols: &SymbolValues) -> TractResult<Bytes> {
    let mut data = BytesMut::with_capacity(dims.len() * 8);
    for dim in dims {
        data.extend_from_slice(&dim.eval(symbols).to_i64()?.to_le_bytes());
    }
    Ok(data.freeze())
}

/// Zeros, or empty texts, in this shape.
pub(crate) fn zeros(dtype: Dtype, shape: &[usize]) -> TractResult<TValue> {
    if dtype == Dtype::Bytes {
        return Ok(TractTensor::from(ArrayD::<String>::default(shape)).into_tvalue());
    }
    Ok(TractTensor::zero_dt(datum_type(dtype), shape)?.into_tvalue())
}

/// Texts, each preceded by its length as a little-endian `u32`.
fn decode_texts(data: &[u8], length: usize) -> Result<Vec<String>, String> {
    let mut texts = Vec::new();
    let mut rest = data;
    while let Some((prefix, after)) = rest.split_first_chunk::<4>() {
        let size = u32::from_le_bytes(*prefix) as usize;
        let text = after.get(..size).ok_or("ends in the middle of a text")?;
        texts.push(std::str::from_utf8(text).map_err(|_| "holds a text that is not UTF-8")?.to_owned());
        rest = &after[size..];
    }
    match (rest.is_empty(), texts.len() == length) {
        (true, true) => Ok(texts),
        (true, false) => Err(format!("holds {} texts, but its shape needs {length}", texts.len())),
        (false, _) => Err("ends in the middle of a text".to_owned()),
    }
}

fn encode_texts(texts: &[String]) -> TractResult<Bytes> {
    let mut data = BytesMut::with_capacity(texts.iter().map(|text| text.len() + 4).sum());
    for text in texts {
        data.extend_from_slice(&u32::try_from(text.len())?.to_le_bytes());
        data.extend_from_slice(text.as_bytes());
    }
    Ok(data.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(dtype: Dtype, shape: &[u64], data: &'static [u8]) -> Tensor {
        Tensor { name: "x".to_owned(), dtype, shape: shape.to_vec(), data: Bytes::from_static(data) }
    }

    #[test]
    fn bytes_that_do_not_fit_the_shape_are_refused() {
        let refusal = |tensor: Tensor| decode(&tensor).unwrap_err();
        assert_eq!(refusal(tensor(Dtype::Fp32, &[2], &[0; 7])), "holds 7 bytes, but shape [2] of FP32 needs 8");
        assert_eq!(refusal(tensor(Dtype::Bool, &[2], &[1, 2])), "holds a BOOL that is neither 0 nor 1");
        assert_eq!(
            refusal(tensor(Dtype::Fp64, &[u64::MAX, 2], &[])),
            "has shape [18446744073709551615, 2], which no memory holds"
        );
        assert_eq!(refusal(tensor(Dtype::Bytes, &[1], b"\x03\0\0\0ab")), "ends in the middle of a text");
        assert_eq!(refusal(tensor(Dtype::Bytes, &[1], b"\x01\0\0\0a\x01")), "ends in the middle of a text");
        assert_eq!(refusal(tensor(Dtype::Bytes, &[2], b"\x01\0\0\0a")), "holds 1 texts, but its shape needs 2");
        assert_eq!(refusal(tensor(Dtype::Bytes, &[1], b"\x01\0\0\0\xff")), "holds a text that is not UTF-8");
    }

    #[test]
    fn every_type_comes_back_as_it_went() {
        let tensors = [
            tensor(Dtype::Bool, &[2], &[1, 0]),
            tensor(Dtype::Uint8, &[2, 1], &[1, 255]),
            tensor(Dtype::Fp16, &[1], &[0, 60]),
            tensor(Dtype::Int64, &[1], &[1, 2, 3, 4, 5, 6, 7, 8]),
            tensor(Dtype::Fp32, &[0, 4], &[]),
            tensor(Dtype::Bytes, &[2], b"\x02\0\0\0\xc3\xa9\0\0\0\0"),
        ];
        for tensor in tensors {
            assert_eq!(encode("x", &decode(&tensor).unwrap(), &SymbolValues::default()).unwrap(), tensor);
        }
    }
}
