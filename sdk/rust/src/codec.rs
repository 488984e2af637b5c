//! Payloads: bytes and text as they are, everything else as JSON.

use std::any::Any;

use serde::{Serialize, de::DeserializeOwned};

use crate::Failure;

/// The media types of bytes and of text.
const BYTES: &str = "application/octet-stream";
const TEXT: &str = "text/plain; charset=utf-8";

/// Reads a payload as `T`: `Vec<u8>` as it is, `String` as UTF-8, anything else from JSON. No payload reads as `null`.
pub(crate) fn decode<T: DeserializeOwned + 'static>(data: Vec<u8>) -> Result<T, Failure> {
    let data = match cast::<_, T>(data) {
        Ok(bytes) => return Ok(bytes),
        Err(data) => data,
    };
    if is::<T, String>() {
        let text = String::from_utf8(data).map_err(|error| Failure::invalid("bad-text", error))?;
        return cast(text).map_err(|_| Failure::fatal("bad-text", "text is not text"));
    }
    let json: &[u8] = if data.is_empty() { b"null" } else { &data };
    serde_json::from_slice(json).map_err(|error| Failure::invalid("bad-json", error))
}

/// Writes `value` as [`decode`] reads it, with its media type; nothing at all where it is `null`, as `()` and `None` are.
pub(crate) fn encode<T: Serialize + 'static>(value: &T) -> Result<Option<(Vec<u8>, &'static str)>, Failure> {
    let value_as_any: &dyn Any = value;
    if let Some(bytes) = value_as_any.downcast_ref::<Vec<u8>>() {
        return Ok(Some((bytes.clone(), BYTES)));
    }
    if let Some(text) = value_as_any.downcast_ref::<String>() {
        return Ok(Some((text.clone().into_bytes(), TEXT)));
    }
    let json = serde_json::to_vec(value).map_err(|error| Failure::fatal("bad-output", error))?;
    Ok((json != b"null").then_some((json, "application/json")))
}

/// The same for a value that is given away: bytes and text are not copied.
pub(crate) fn into_encoded<T: Serialize + 'static>(value: T) -> Result<Option<(Vec<u8>, &'static str)>, Failure> {
    match cast::<_, Vec<u8>>(value) {
        Ok(bytes) => Ok(Some((bytes, BYTES))),
        Err(value) => match cast::<_, String>(value) {
            Ok(text) => Ok(Some((text.into_bytes(), TEXT))),
            Err(value) => encode(&value),
        },
    }
}

fn is<T: 'static, U: 'static>() -> bool {
    std::any::TypeId::of::<T>() == std::any::TypeId::of::<U>()
}

/// Gives `value` back as the type it already has, or as it was.
fn cast<T: 'static, U: 'static>(value: T) -> Result<U, T> {
    let mut held = Some(value);
    let slot: &mut dyn Any = &mut held;
    match slot.downcast_mut::<Option<U>>().and_then(Option::take) {
        Some(value) => Ok(value),
        None => Err(held.expect("only a value of the other type is taken")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_text_cross_as_they_are() {
        assert_eq!(decode::<Vec<u8>>(vec![0xff, 0]).unwrap(), [0xff, 0]);
        assert_eq!(decode::<String>(b"{".to_vec()).unwrap(), "{");
        assert_eq!(decode::<String>(vec![0xff]).unwrap_err().code, "bad-text");
        assert_eq!(encode(&vec![7_u8]).unwrap().unwrap(), (vec![7], "application/octet-stream"));
        assert_eq!(encode(&"hi".to_owned()).unwrap().unwrap().0, b"hi");
        assert_eq!(into_encoded(vec![7_u8]).unwrap(), encode(&vec![7_u8]).unwrap());
        assert_eq!(into_encoded("hi".to_owned()).unwrap(), encode(&"hi".to_owned()).unwrap());
    }

    #[test]
    fn anything_else_is_json() {
        assert_eq!(decode::<Vec<u32>>(b"[1,2]".to_vec()).unwrap(), [1, 2]);
        let failure = decode::<Vec<u32>>(b"[1,\"x\"]".to_vec()).unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (crate::failure::Kind::Invalid, "bad-json"));
        assert!(failure.message.contains("line 1 column"), "{failure}");
        assert_eq!(into_encoded(vec![1_u32]).unwrap(), encode(&vec![1_u32]).unwrap());
        assert_eq!(encode(&vec![1_u32]).unwrap().unwrap(), (b"[1]".to_vec(), "application/json"));
    }

    #[test]
    fn nothing_reads_as_null_and_null_writes_nothing() {
        assert_eq!(decode::<Option<u32>>(Vec::new()).unwrap(), None);
        decode::<()>(Vec::new()).unwrap();
        assert!(encode(&()).unwrap().is_none());
        assert!(encode(&None::<u32>).unwrap().is_none());
    }
}
