//! The fixtures: models, inputs, and what onnxruntime answered.

use std::{fs, path::PathBuf};

use bytes::Bytes;
use host_core::tensor::{Dtype, Tensor};
use serde_json::Value;

/// A model, what it was given, and what onnxruntime made of it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) model: Bytes,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) outputs: Vec<Tensor>,
}

/// Models trained by scikit-learn, in order of name.
pub(crate) fn trained() -> Vec<Case> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(folder().join("trained")).unwrap().map(|it| it.unwrap().path()).collect();
    folders.sort();
    folders.iter().map(|it| trained_at(it)).collect()
}

/// One of them.
pub(crate) fn trained_named(name: &str) -> Case {
    trained_at(&folder().join("trained").join(name))
}

/// Single operators.
pub(crate) fn operators() -> Vec<Case> {
    let lines = fs::read_to_string(folder().join("operators.jsonl")).unwrap();
    let operator = |line: &str| {
        let case: Value = serde_json::from_str(line).unwrap();
        let model = hex::decode(case["model"].as_str().unwrap()).unwrap();
        self::case(case["name"].as_str().unwrap(), model, &case)
    };
    lines.lines().map(operator).collect()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn trained_at(folder: &std::path::Path) -> Case {
    let name = folder.file_name().unwrap().to_str().unwrap();
    let text = fs::read_to_string(folder.join("case.json")).unwrap();
    case(name, fs::read(folder.join("model.onnx")).unwrap(), &serde_json::from_str(&text).unwrap())
}

fn case(name: &str, model: Vec<u8>, case: &Value) -> Case {
    let tensors = |key: &str| case[key].as_array().unwrap().iter().map(tensor).collect();
    Case { name: name.to_owned(), model: model.into(), inputs: tensors("inputs"), outputs: tensors("outputs") }
}

fn tensor(value: &Value) -> Tensor {
    let dtype: Dtype = serde_json::from_value(value["dtype"].clone()).unwrap();
    let data = value["data"].as_array().unwrap();
    let data = match dtype {
        Dtype::Bytes => encoded_texts(&data.iter().map(|it| it.as_str().unwrap().to_owned()).collect::<Vec<_>>()),
        _ => data.iter().flat_map(|it| element(dtype, it)).collect(),
    };
    Tensor {
        name: value["name"].as_str().unwrap().to_owned(),
        dtype,
        shape: serde_json::from_value(value["shape"].clone()).unwrap(),
        data,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "fixtures hold what fits")]
fn element(dtype: Dtype, value: &Value) -> Vec<u8> {
    match dtype {
        Dtype::Fp64 => float(value).to_le_bytes().to_vec(),
        Dtype::Fp32 => (float(value) as f32).to_le_bytes().to_vec(),
        Dtype::Fp16 => half_bits(float(value) as f32).to_le_bytes().to_vec(),
        Dtype::Int64 => value.as_i64().unwrap().to_le_bytes().to_vec(),
        Dtype::Int32 => (value.as_i64().unwrap() as i32).to_le_bytes().to_vec(),
        Dtype::Bool => vec![u8::from(value.as_bool().unwrap())],
        other => panic!("no fixture has {other}"),
    }
}

fn float(value: &Value) -> f64 {
    match value.as_str() {
        Some("NaN") => f64::NAN,
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        Some(other) => panic!("`{other}` is no number"),
        None => value.as_f64().unwrap(),
    }
}

/// The bits of a half that a single holds exactly, unless it is subnormal.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bits are moved, not numbers")]
fn half_bits(single: f32) -> u16 {
    let bits = single.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    if single == 0.0 {
        return sign;
    }
    let exponent = ((bits >> 23) & 0xff) as i32 - 127 + 15;
    assert!((1..31).contains(&exponent), "{single} is subnormal as a half");
    sign | (exponent as u16) << 10 | ((bits >> 13) & 0x3ff) as u16
}

fn single(bits: u16) -> f32 {
    let exponent = u32::from(bits >> 10 & 0x1f);
    let sign = u32::from(bits & 0x8000) << 16;
    if exponent == 0 {
        return f32::from_bits(sign) + f32::from(bits & 0x3ff) * 2f32.powi(-24);
    }
    f32::from_bits(sign | (exponent + 127 - 15) << 23 | u32::from(bits & 0x3ff) << 13)
}

/// The elements of a tensor of floats.
pub(crate) fn floats(tensor: &Tensor) -> Vec<f64> {
    match tensor.dtype {
        Dtype::Fp64 => tensor.data.as_chunks().0.iter().map(|it| f64::from_le_bytes(*it)).collect(),
        Dtype::Fp32 => tensor.data.as_chunks().0.iter().map(|it| f32::from_le_bytes(*it).into()).collect(),
        Dtype::Fp16 => tensor.data.as_chunks().0.iter().map(|it| single(u16::from_le_bytes(*it)).into()).collect(),
        other => panic!("{other} are no floats"),
    }
}

/// The elements of a tensor of 64 bit integers.
pub(crate) fn integers(tensor: &Tensor) -> Vec<i64> {
    assert_eq!(tensor.dtype, Dtype::Int64);
    tensor.data.as_chunks().0.iter().map(|it| i64::from_le_bytes(*it)).collect()
}

/// Texts as the protocol packs them.
pub(crate) fn encoded_texts(texts: &[String]) -> Bytes {
    let length = |text: &String| u32::try_from(text.len()).unwrap().to_le_bytes();
    texts.iter().flat_map(|text| [&length(text)[..], text.as_bytes()].concat()).collect()
}

/// The elements of a tensor of texts.
pub(crate) fn decoded_texts(tensor: &Tensor) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = &tensor.data[..];
    while let Some((length, after)) = rest.split_first_chunk() {
        let (text, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        texts.push(String::from_utf8(text.to_vec()).unwrap());
        rest = after;
    }
    texts
}
