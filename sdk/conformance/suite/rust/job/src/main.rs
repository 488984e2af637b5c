//! The job of the conformance suite in Rust: it does what its param `do` says.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use serde::Deserialize;
use serde_json::{Value, json};
use weft::{
    Failure, OrFail as _, Run, context,
    model::{self, Dtype, Tensor},
};

#[derive(Deserialize)]
struct Params {
    r#do: String,
    #[serde(default)]
    n: i64,
    #[serde(default)]
    text: String,
    #[serde(default)]
    list: Vec<f64>,
}

#[weft::job]
fn work(params: Params, run: &Run) -> Result<(), Failure> {
    let report = match params.r#do.as_str() {
        "copy" => copy(run)?,
        "write" => {
            fs::write(run.output("out"), &params.text)?;
            json!(params.text.len())
        }
        "params" => json!({ "n": params.n, "text": params.text, "list": params.list }),
        "inputs" => inputs(run)?,
        "record" => record(run, params.n)?,
        "describe" => {
            fs::write(run.output("out"), "a,b\n1,2\n")?;
            run.describe("out", "table", &json!({ "rows": 1 }))?;
            Value::Null
        }
        "context" => json!({ "attempt": context::attempt(), "seed": run.seed().to_string() }),
        "log" => {
            for line in 0..params.n {
                weft::info!({ line = line }, "line {line}");
            }
            Value::Null
        }
        "infer" => infer(&params.text)?,
        "random" => json!([random(), random()]),
        "clock" => year()?,
        "no-input" => json!(run.input("nowhere")?),
        "invalid" => return Err(Failure::invalid("asked", params.text)),
        "transient" => {
            return Err(
                Failure::transient("asked", params.text).retry_after(Duration::from_millis(params.n.unsigned_abs()))
            );
        }
        "fatal" => return Err(Failure::fatal("asked", params.text)),
        "error" => return Err(std::io::Error::other(params.text).into()),
        other => return Err(Failure::invalid("unknown-behaviour", format!("no behaviour is called `{other}`"))),
    };
    run.result("report", &report)
}

/// Every input becomes the output of its name.
fn copy(run: &Run) -> Result<Value, Failure> {
    let mut copied = Vec::new();
    for input in run.inputs() {
        fs::copy(&input.path, run.output(&input.name))?;
        copied.push(input.name);
    }
    Ok(json!(copied))
}

fn inputs(run: &Run) -> Result<Value, Failure> {
    let mut all = Vec::new();
    for it in run.inputs() {
        let bytes = fs::metadata(&it.path)?.len();
        all.push(json!({ "name": it.name, "path": it.path, "digest": it.digest, "kind": it.kind, "bytes": bytes }));
    }
    Ok(json!(all))
}

fn record(run: &Run, steps: i64) -> Result<Value, Failure> {
    for step in 0..steps {
        run.metric_at("loss", 1.0 / (step + 1) as f64, step);
    }
    run.metric("accuracy", 0.75);
    run.param("chosen", &json!({ "depth": 3 }))?;
    run.result("nested", &json!({ "list": [1, 2.5, null, "é"] }))?;
    Ok(Value::Null)
}

/// What `infer` asks.
#[derive(Deserialize)]
struct Question {
    input: String,
    shape: Vec<u64>,
    values: Vec<f32>,
}

fn infer(text: &str) -> Result<Value, Failure> {
    let Question { input, shape, values } = serde_json::from_str(text).or_invalid("bad-json")?;
    let prediction = model::infer("in/scorer", &[Tensor::f32(input, shape, &values)])?;
    let outputs = prediction.outputs.iter().map(written).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "version": prediction.version, "outputs": outputs }))
}

fn written(tensor: &Tensor) -> Result<Value, Failure> {
    let values = match tensor.dtype {
        Dtype::Fp32 | Dtype::Fp64 => json!(tensor.to_f64s()?),
        _ => json!(tensor.to_i64s()?),
    };
    Ok(json!({ "name": tensor.name, "dtype": tensor.dtype.to_string(), "shape": tensor.shape, "values": values }))
}

/// A number as the standard library draws it, where it draws any: the seed of its hash tables.
fn random() -> String {
    std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 1).to_string()
}

/// The year of the wall clock, as near as days tell: years are no whole number of them.
#[expect(clippy::disallowed_methods, reason = "what the host says to this is what is tested")]
fn year() -> Result<Value, Failure> {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).or_fatal("bad-clock")?.as_secs();
    Ok(json!(1970 + (seconds + 86_400) / 31_556_952))
}
