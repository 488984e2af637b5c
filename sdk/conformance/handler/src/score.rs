//! Asking a model, with what an event says.

use serde::Deserialize;
use serde_json::{Value, json};
use weft::{
    Failure, OrFail as _,
    model::{self, Dtype, Tensor},
};

/// What to ask, of which model.
#[derive(Deserialize)]
struct Question {
    name: String,
    input: String,
    shape: Vec<u64>,
    /// Sent as fp32.
    #[serde(default)]
    values: Vec<f32>,
    /// Sent as fp64 in place of `values`.
    #[serde(default)]
    doubles: Option<Vec<f64>>,
    /// Sent as int64 in place of `values`.
    #[serde(default)]
    integers: Option<Vec<i64>>,
    /// Sent as bytes in place of `values`.
    #[serde(default)]
    strings: Option<Vec<String>>,
}

impl Question {
    fn tensor(self) -> Tensor {
        match self {
            Self { doubles: Some(values), .. } => Tensor::f64(self.input, self.shape, &values),
            Self { integers: Some(values), .. } => Tensor::i64(self.input, self.shape, &values),
            Self { strings: Some(values), .. } => Tensor::strings(self.input, self.shape, &values),
            _ => Tensor::f32(self.input, self.shape, &self.values),
        }
    }
}

pub(crate) fn infer(question: &[u8]) -> Result<Value, Failure> {
    let question: Question = serde_json::from_slice(question).or_invalid("bad-json")?;
    let name = question.name.clone();
    let prediction = model::infer(&name, &[question.tensor()])?;
    let outputs = prediction.outputs.iter().map(written).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "version": prediction.version, "outputs": outputs }))
}

pub(crate) fn current(name: &str) -> Result<Value, Failure> {
    Ok(json!(model::current(name)?))
}

fn written(tensor: &Tensor) -> Result<Value, Failure> {
    let values = match tensor.dtype {
        Dtype::Bytes => json!(tensor.to_strings()?),
        Dtype::Fp16 => Value::Null,
        Dtype::Fp32 | Dtype::Fp64 => json!(tensor.to_f64s()?),
        _ => json!(tensor.to_i64s()?),
    };
    Ok(json!({ "name": tensor.name, "dtype": tensor.dtype.to_string(), "shape": tensor.shape, "values": values }))
}
