//! Elements of an input tensor: read from nested or flat JSON, written as the bytes of their type.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use half::f16;
use host_core::tensor::{Dtype, Tensor};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, SeqAccess, Visitor},
};

use super::InputTensor;

/// The elements of a tensor, row by row.
#[derive(Debug, Clone, PartialEq)]
pub enum Elements {
    /// Numbers, booleans and nulls.
    Numbers(Vec<Number>),
    /// Texts.
    Texts(Vec<String>),
}

/// One element that is no text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// `null`.
    Missing,
    /// `true` or `false`.
    Boolean(bool),
    /// An integer that may be negative.
    Signed(i64),
    /// A larger integer.
    Unsigned(u64),
    /// Anything with a fraction or an exponent.
    Float(f64),
}

impl Elements {
    fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    fn number<E: Error>(&mut self, number: Number) -> Result<(), E> {
        match self {
            Self::Numbers(numbers) => numbers.push(number),
            Self::Texts(_) => return Err(E::custom("data mixes texts with other elements")),
        }
        Ok(())
    }

    fn text<E: Error>(&mut self, text: &str) -> Result<(), E> {
        match self {
            Self::Numbers(numbers) if numbers.is_empty() => *self = Self::Texts(vec![text.to_owned()]),
            Self::Numbers(_) => return Err(E::custom("data mixes texts with other elements")),
            Self::Texts(texts) => texts.push(text.to_owned()),
        }
        Ok(())
    }
}

impl InputTensor {
    /// The tensor that was meant.
    ///
    /// # Errors
    /// When the elements are too many, too few, or not of the type; the text says what was expected.
    pub fn into_tensor(self) -> Result<Tensor, String> {
        let Self { name, shape, datatype, data } = self;
        let promised = shape.iter().try_fold(1usize, |all, &it| all.checked_mul(usize::try_from(it).ok()?));
        if promised != Some(data.len()) {
            let found = data.len();
            let promised = promised.map_or_else(|| "too many".to_owned(), |it| it.to_string());
            return Err(format!("input `{name}` has {found} elements, and its shape {shape:?} promises {promised}"));
        }
        let data = bytes_of(&data, datatype).map_err(|it| format!("input `{name}` of type {datatype} has {it}"))?;
        Ok(Tensor { name, dtype: datatype, shape, data })
    }
}

/// The elements as bytes, or the element that does not fit.
fn bytes_of(elements: &Elements, dtype: Dtype) -> Result<Bytes, String> {
    match (elements, dtype) {
        (Elements::Texts(texts), Dtype::Bytes) => texts_of(texts),
        (Elements::Texts(texts), _) => Err(format!("the text {:?} for an element", texts.first())),
        (Elements::Numbers(numbers), _) if numbers.is_empty() => Ok(Bytes::new()),
        (Elements::Numbers(numbers), Dtype::Bytes) => Err(format!("{} for a text", numbers[0])),
        (Elements::Numbers(numbers), _) => {
            let mut bytes = BytesMut::with_capacity(numbers.len() * dtype.width().unwrap_or(8));
            for number in numbers {
                put(&mut bytes, *number, dtype).ok_or_else(|| format!("{number} for an element"))?;
            }
            Ok(bytes.freeze())
        }
    }
}

fn texts_of(texts: &[String]) -> Result<Bytes, String> {
    let mut bytes = BytesMut::with_capacity(texts.iter().map(|it| it.len() + 4).sum());
    for text in texts {
        bytes.put_u32_le(u32::try_from(text.len()).map_err(|_| "a text of more than 4 GiB".to_owned())?);
        bytes.put_slice(text.as_bytes());
    }
    Ok(bytes.freeze())
}

/// Appends one element, if the type can hold it.
fn put(bytes: &mut BytesMut, number: Number, dtype: Dtype) -> Option<()> {
    match dtype {
        Dtype::Bool => bytes.put_u8(match number {
            Number::Boolean(value) => value.into(),
            Number::Signed(value @ 0..=1) => u8::try_from(value).ok()?,
            _ => return None,
        }),
        Dtype::Uint8 => bytes.put_u8(number.integer()?.try_into().ok()?),
        Dtype::Uint16 => bytes.put_u16_le(number.integer()?.try_into().ok()?),
        Dtype::Uint32 => bytes.put_u32_le(number.integer()?.try_into().ok()?),
        Dtype::Uint64 => bytes.put_u64_le(number.integer()?.try_into().ok()?),
        Dtype::Int8 => bytes.put_i8(number.integer()?.try_into().ok()?),
        Dtype::Int16 => bytes.put_i16_le(number.integer()?.try_into().ok()?),
        Dtype::Int32 => bytes.put_i32_le(number.integer()?.try_into().ok()?),
        Dtype::Int64 => bytes.put_i64_le(number.integer()?.try_into().ok()?),
        Dtype::Fp16 => bytes.put_u16_le(f16::from_f64(number.float()?).to_bits()),
        #[expect(clippy::cast_possible_truncation, reason = "rounding to the nearest is what FP32 asks for")]
        Dtype::Fp32 => bytes.put_f32_le(number.float()? as f32),
        Dtype::Fp64 => bytes.put_f64_le(number.float()?),
        Dtype::Bytes => return None,
    }
    Some(())
}

impl Number {
    /// The integer it is, also where it was written as `3.0`.
    fn integer(self) -> Option<i128> {
        match self {
            Self::Signed(value) => Some(value.into()),
            Self::Unsigned(value) => Some(value.into()),
            #[expect(clippy::cast_possible_truncation, reason = "the value is whole and in range")]
            Self::Float(value) if value.fract() == 0.0 && value.abs() < 1e19 => Some(value as i128),
            Self::Float(_) | Self::Boolean(_) | Self::Missing => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a float of an integer is the nearest there is")]
    fn float(self) -> Option<f64> {
        match self {
            Self::Signed(value) => Some(value as f64),
            Self::Unsigned(value) => Some(value as f64),
            Self::Float(value) => Some(value),
            Self::Missing => Some(f64::NAN),
            Self::Boolean(_) => None,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("null"),
            Self::Boolean(value) => value.fmt(f),
            Self::Signed(value) => value.fmt(f),
            Self::Unsigned(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Elements {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut elements = Self::Numbers(Vec::new());
        deserializer.deserialize_seq(Level(&mut elements))?;
        Ok(elements)
    }
}

/// One level of nesting, or an element; the JSON reader bounds the depth.
struct Level<'e>(&'e mut Elements);

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers, booleans or texts, nested or flat")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Level(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.0.number(Number::Boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.0.number(Number::Signed(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.0.number(i64::try_from(value).map_or(Number::Unsigned(value), Number::Signed))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.0.number(Number::Float(value))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.number(Number::Missing)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.0.text(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(json: &str) -> Result<Tensor, String> {
        serde_json::from_str::<InputTensor>(json).map_err(|error| error.to_string())?.into_tensor()
    }

    fn error(json: &str) -> String {
        tensor(json).unwrap_err()
    }

    #[test]
    fn nested_and_flat_data_are_the_same_tensor() {
        let nested = r#"{"name":"x","shape":[2,2],"datatype":"FP32","data":[[1,2.5],[-3,null]]}"#;
        let flat = r#"{"data":[1.0,2.5,-3.0,null],"datatype":"FP32","shape":[2,2],"name":"x"}"#;
        let (nested, flat) = (tensor(nested).unwrap(), tensor(flat).unwrap());
        assert_eq!(nested, flat);
        let floats: Vec<f32> = flat.data.chunks(4).map(|it| f32::from_le_bytes(it.try_into().unwrap())).collect();
        assert_eq!(floats[..3], [1.0, 2.5, -3.0]);
        assert!(floats[3].is_nan());
    }

    #[test]
    fn every_type_is_written_in_its_width() {
        let bytes = |dtype: &str, data: &str| {
            let json = format!(r#"{{"name":"x","shape":[2],"datatype":"{dtype}","data":{data}}}"#);
            tensor(&json).unwrap().data.to_vec()
        };
        assert_eq!(bytes("BOOL", "[true, 0]"), [1, 0]);
        assert_eq!(bytes("INT8", "[-1, 2.0]"), [255, 2]);
        assert_eq!(bytes("UINT16", "[1, 65535]"), [1, 0, 255, 255]);
        assert_eq!(bytes("UINT64", "[18446744073709551615, 0]")[..8], [255; 8]);
        assert_eq!(bytes("INT64", "[-1, 0]")[..8], [255; 8]);
        assert_eq!(bytes("FP16", "[1, 0.5]"), [0x00, 0x3c, 0x00, 0x38]);
        assert_eq!(bytes("FP64", "[1, 2]").len(), 16);
        assert_eq!(bytes("BYTES", r#"["a", "bc"]"#), [1, 0, 0, 0, b'a', 2, 0, 0, 0, b'b', b'c']);
    }

    #[test]
    fn what_does_not_fit_is_named_with_what_was_expected() {
        let cases = [
            (
                r#"{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2]}"#,
                "has 2 elements, and its shape [1, 3] promises 3",
            ),
            (r#"{"name":"x","shape":[1],"datatype":"INT8","data":[300]}"#, "input `x` of type INT8 has 300"),
            (r#"{"name":"x","shape":[1],"datatype":"INT32","data":[1.5]}"#, "has 1.5"),
            (r#"{"name":"x","shape":[1],"datatype":"UINT8","data":[-1]}"#, "has -1"),
            (r#"{"name":"x","shape":[1],"datatype":"INT64","data":[null]}"#, "has null"),
            (r#"{"name":"x","shape":[1],"datatype":"FP32","data":["red"]}"#, "red"),
            (r#"{"name":"x","shape":[1],"datatype":"BYTES","data":[1]}"#, "1 for a text"),
            (r#"{"name":"x","shape":[2],"datatype":"BYTES","data":["a",1]}"#, "mixes"),
            (r#"{"name":"x","shape":[1],"datatype":"FLOAT","data":[1]}"#, "unknown variant `FLOAT`"),
            (r#"{"name":"x","shape":[-1],"datatype":"FP32","data":[1]}"#, "-1"),
            (r#"{"name":"x","shape":[18446744073709551615,2],"datatype":"FP32","data":[1]}"#, "too many"),
            (r#"{"name":"x","shape":[1],"datatype":"FP32"}"#, "missing field `data`"),
            (r#"{"name":"x","shape":[1],"datatype":"FP32","data":{}}"#, "a list of numbers"),
        ];
        for (json, told) in cases {
            assert!(error(json).contains(told), "{json}: {}", error(json));
        }
    }
}
