//! Tensors from slices, and back.

use std::fmt;

use super::{Dtype, Error, Tensor};

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boolean => "BOOL",
            Self::Uint8 => "UINT8",
            Self::Uint16 => "UINT16",
            Self::Uint32 => "UINT32",
            Self::Uint64 => "UINT64",
            Self::Int8 => "INT8",
            Self::Int16 => "INT16",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::Fp16 => "FP16",
            Self::Fp32 => "FP32",
            Self::Fp64 => "FP64",
            Self::Bytes => "BYTES",
        })
    }
}

impl Tensor {
    /// A tensor of single precision.
    pub fn f32(name: impl Into<String>, shape: impl Into<Vec<u64>>, values: &[f32]) -> Self {
        Self::packed(name.into(), Dtype::Fp32, shape.into(), values, |it| it.to_le_bytes())
    }

    /// A tensor of double precision.
    pub fn f64(name: impl Into<String>, shape: impl Into<Vec<u64>>, values: &[f64]) -> Self {
        Self::packed(name.into(), Dtype::Fp64, shape.into(), values, |it| it.to_le_bytes())
    }

    /// A tensor of signed integers.
    pub fn i64(name: impl Into<String>, shape: impl Into<Vec<u64>>, values: &[i64]) -> Self {
        Self::packed(name.into(), Dtype::Int64, shape.into(), values, |it| it.to_le_bytes())
    }

    /// A tensor of strings.
    pub fn strings(name: impl Into<String>, shape: impl Into<Vec<u64>>, values: &[impl AsRef<str>]) -> Self {
        let mut data = Vec::new();
        for value in values.iter().map(AsRef::as_ref) {
            let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
            data.extend_from_slice(&length.to_le_bytes());
            data.extend_from_slice(value.as_bytes());
        }
        Self { name: name.into(), dtype: Dtype::Bytes, shape: shape.into(), data }
    }

    fn packed<T: Copy, const N: usize>(
        name: String,
        dtype: Dtype,
        shape: Vec<u64>,
        values: &[T],
        pack: impl Fn(T) -> [u8; N],
    ) -> Self {
        let data = values.iter().flat_map(|value| pack(*value)).collect();
        Self { name, dtype, shape, data }
    }

    /// The elements of a tensor of single precision.
    pub fn to_f32s(&self) -> Result<Vec<f32>, Error> {
        match self.dtype {
            Dtype::Fp32 => self.unpacked(f32::from_le_bytes),
            _ => Err(self.is_not("fp32")),
        }
    }

    /// The elements of any tensor of numbers but half precision. Integers beyond 2^53 are rounded.
    pub fn to_f64s(&self) -> Result<Vec<f64>, Error> {
        match self.dtype {
            Dtype::Fp64 => self.unpacked(f64::from_le_bytes),
            Dtype::Fp32 => self.unpacked(|it| f64::from(f32::from_le_bytes(it))),
            Dtype::Uint64 => self.unpacked(|it| u64::from_le_bytes(it) as f64),
            Dtype::Fp16 | Dtype::Bytes => Err(self.is_not("numbers")),
            _ => Ok(self.to_i64s()?.into_iter().map(|it| it as f64).collect()),
        }
    }

    /// The elements of a tensor of integers or booleans.
    pub fn to_i64s(&self) -> Result<Vec<i64>, Error> {
        match self.dtype {
            Dtype::Int64 => self.unpacked(i64::from_le_bytes),
            Dtype::Int32 => self.unpacked(|it| i64::from(i32::from_le_bytes(it))),
            Dtype::Int16 => self.unpacked(|it| i64::from(i16::from_le_bytes(it))),
            Dtype::Int8 => self.unpacked(|it| i64::from(i8::from_le_bytes(it))),
            Dtype::Uint32 => self.unpacked(|it| i64::from(u32::from_le_bytes(it))),
            Dtype::Uint16 => self.unpacked(|it| i64::from(u16::from_le_bytes(it))),
            Dtype::Uint8 | Dtype::Boolean => self.unpacked(|it| i64::from(u8::from_le_bytes(it))),
            Dtype::Uint64 => {
                let all = self.unpacked(u64::from_le_bytes)?;
                all.into_iter().map(|it| i64::try_from(it).map_err(|_| self.is_not("int64"))).collect()
            }
            Dtype::Fp16 | Dtype::Fp32 | Dtype::Fp64 | Dtype::Bytes => Err(self.is_not("integers")),
        }
    }

    /// The elements of a tensor of strings.
    pub fn to_strings(&self) -> Result<Vec<String>, Error> {
        if self.dtype != Dtype::Bytes {
            return Err(self.is_not("bytes"));
        }
        let mut rest = self.data.as_slice();
        let mut strings = Vec::new();
        while let Some((length, tail)) = rest.split_first_chunk() {
            let length = u32::from_le_bytes(*length) as usize;
            let (text, tail) = tail.split_at_checked(length).ok_or_else(|| self.is_cut())?;
            strings.push(String::from_utf8(text.to_vec()).map_err(|_| self.is_not("UTF-8"))?);
            rest = tail;
        }
        if rest.is_empty() { Ok(strings) } else { Err(self.is_cut()) }
    }

    fn unpacked<T, const N: usize>(&self, unpack: impl Fn([u8; N]) -> T) -> Result<Vec<T>, Error> {
        let (elements, rest) = self.data.as_chunks();
        if !rest.is_empty() {
            return Err(self.is_cut());
        }
        Ok(elements.iter().map(|element| unpack(*element)).collect())
    }

    fn is_not(&self, wanted: &str) -> Error {
        Error::Invalid(format!("tensor `{}` is {}, not {wanted}", self.name, self.dtype))
    }

    fn is_cut(&self) -> Error {
        Error::Invalid(format!("tensor `{}` ends inside an element", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_into_a_tensor_comes_out() {
        let strings = ["", "wine", "é"];
        assert_eq!(Tensor::f32("x", [2], &[1.5, f32::MIN]).to_f32s().unwrap(), [1.5, f32::MIN]);
        assert_eq!(Tensor::f64("x", [1, 2], &[0.1, -0.0]).to_f64s().unwrap(), [0.1, -0.0]);
        assert_eq!(Tensor::i64("x", [2], &[i64::MIN, 7]).to_i64s().unwrap(), [i64::MIN, 7]);
        assert_eq!(Tensor::strings("x", [3], &strings).to_strings().unwrap(), strings);
    }

    #[test]
    fn numbers_widen_and_never_narrow() {
        assert_eq!(Tensor::f32("x", [1], &[0.5]).to_f64s().unwrap(), [0.5]);
        assert_eq!(Tensor::i64("x", [1], &[3]).to_f64s().unwrap(), [3.0]);
        assert!(Tensor::f64("x", [1], &[0.1]).to_f32s().is_err());
        assert!(Tensor::f32("x", [1], &[1.0]).to_i64s().is_err());
        let huge = Tensor { name: "x".to_owned(), dtype: Dtype::Uint64, shape: vec![1], data: vec![0xff; 8] };
        assert!(huge.to_i64s().is_err());
        assert_eq!(huge.to_f64s().unwrap(), [u64::MAX as f64]);
    }

    #[test]
    fn a_tensor_cut_short_is_refused() {
        let cut = |dtype, data: &[u8]| Tensor { name: "x".to_owned(), dtype, shape: vec![1], data: data.to_vec() };
        assert!(cut(Dtype::Fp32, &[0; 5]).to_f32s().is_err());
        assert!(cut(Dtype::Bytes, &[9, 0, 0, 0, 1]).to_strings().is_err());
        assert!(cut(Dtype::Bytes, &[0, 0]).to_strings().is_err());
    }
}
