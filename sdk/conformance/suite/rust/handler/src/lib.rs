//! The handler of the conformance suite in Rust: it does what the type of each event says.

use std::{io::Write as _, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use weft::{
    Event, Failure, OrFail as _, Output, config, context, keyvalue,
    log::Level,
    model::{self, Dtype, Tensor},
    publish,
};

type Bytes = Vec<u8>;
type Answer = Result<Vec<Output<Bytes>>, Failure>;

/// What `typed` reads.
#[derive(Serialize, Deserialize)]
struct Typed {
    name: String,
    count: i64,
    #[serde(default)]
    tags: Vec<String>,
    note: Option<String>,
}

/// What the behaviours around state are told.
#[derive(Deserialize)]
struct Stored {
    bucket: String,
    key: String,
    #[serde(default)]
    by: i64,
    #[serde(default)]
    value: Value,
}

/// What `publish` is told.
#[derive(Deserialize)]
struct Sent {
    to: String,
    r#type: String,
    data: Value,
}

#[weft::handler]
fn behave(event: Event<Bytes>) -> Answer {
    match event.kind.as_str() {
        "echo" => Ok(vec![echo(event)]),
        "text" => about_text(&event),
        "typed" => json_of(&read::<Typed>(&event)?),
        "split" => Ok((0..number(&event)?).map(|part| Output::new("part", part.to_string().into_bytes())).collect()),
        "none" => Ok(Vec::new()),
        "plain" => Ok(vec![Output::of(b"as it is".to_vec()).content_type("text/plain; charset=utf-8")]),
        "status" => Ok(vec![Output::of(Vec::new()).extension("httpstatus", text(&event)?)]),
        "invalid" => Err(Failure::invalid("asked", text(&event)?)),
        "transient" => Err(Failure::transient("asked", "later").retry_after(Duration::from_millis(number(&event)?))),
        "fatal" => Err(Failure::fatal("asked", text(&event)?)),
        "error" => Err(std::io::Error::other(text(&event)?.to_owned()).into()),
        "flaky" => flaky(&event),
        "log" => write_logs(&event),
        "print" => print(&event),
        "huge" => Ok(vec![Output::of(vec![b'x'; usize::try_from(number(&event)?).or_invalid("bad-number")?])]),
        "context" => json_of(&about_context(&event)),
        "model" => infer(&event),
        "current" => json_of(&model::current(text(&event)?)?),
        "config" => json_of(&json!({ "value": config::get(text(&event)?)? })),
        "require" => json_of(&json!({ "value": config::require(text(&event)?)? })),
        "bump" | "remember" | "forget" => state(&event),
        "publish" => send(&event),
        "fetch" => {
            let answer = weft::http::get(text(&event)?).send()?;
            json_of(&json!({ "status": answer.status, "body": answer.text() }))
        }
        other => Err(Failure::invalid("unknown-behaviour", format!("no behaviour is called `{other}`"))),
    }
}

fn json_of(value: &impl Serialize) -> Answer {
    Ok(vec![Output::of(serde_json::to_vec(value)?).content_type("application/json")])
}

fn text(event: &Event<Bytes>) -> Result<&str, Failure> {
    std::str::from_utf8(&event.data).or_invalid("bad-text")
}

fn number(event: &Event<Bytes>) -> Result<u64, Failure> {
    text(event)?.parse().or_invalid("bad-number")
}

fn read<'a, T: Deserialize<'a>>(event: &'a Event<Bytes>) -> Result<T, Failure> {
    serde_json::from_slice(&event.data).or_invalid("bad-json")
}

fn echo(event: Event<Bytes>) -> Output<Bytes> {
    Output {
        kind: event.kind,
        outlet: event.inlet,
        subject: event.subject,
        content_type: event.content_type,
        key: event.key,
        extensions: event.extensions,
        data: event.data,
    }
}

fn about_text(event: &Event<Bytes>) -> Answer {
    let it = text(event)?;
    let told = json!({ "text": it, "upper": it.to_uppercase(), "characters": it.chars().count(), "bytes": it.len() });
    json_of(&told)
}

/// Fails until the attempt that the event names.
fn flaky(event: &Event<Bytes>) -> Answer {
    let attempt = context::attempt();
    if u64::from(attempt) < number(event)? {
        return Err(Failure::transient("flaky", format!("attempt {attempt} fails")));
    }
    json_of(&attempt)
}

fn write_logs(event: &Event<Bytes>) -> Answer {
    let levels = [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error];
    for (line, level) in (0..number(event)?).zip(levels.into_iter().cycle()) {
        weft::log!(level, { line = line, id = event.id }, "line {line}");
    }
    Ok(Vec::new())
}

fn print(event: &Event<Bytes>) -> Answer {
    for line in 0..number(event)? {
        writeln!(std::io::stdout(), "out {line}")?;
        writeln!(std::io::stderr(), "err {line}")?;
    }
    Ok(Vec::new())
}

fn about_context(event: &Event<Bytes>) -> Value {
    let extensions: Map<String, Value> = event.extensions.iter().map(|(name, it)| (name.clone(), json!(it))).collect();
    json!({
        "call_id": context::call_id(),
        "revision": context::revision(),
        "attempt": context::attempt(),
        "remaining_ms": context::remaining().as_millis() as u64,
        "cancelled": context::cancelled(),
        "traceparent": context::traceparent(),
        "trigger": context::trigger(),
        "origin": event.origin(),
        "event": {
            "id": event.id,
            "source": event.source,
            "type": event.kind,
            "subject": event.subject,
            "time": event.time,
            "content_type": event.content_type,
            "key": event.key.as_ref().map(|it| String::from_utf8_lossy(it)),
            "inlet": event.inlet,
            "extensions": extensions,
        },
    })
}

/// What `model` asks: `values` are fp32, the others what they are called.
#[derive(Deserialize)]
struct Question {
    name: String,
    input: String,
    shape: Vec<u64>,
    #[serde(default)]
    values: Vec<f32>,
    doubles: Option<Vec<f64>>,
    integers: Option<Vec<i64>>,
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

fn infer(event: &Event<Bytes>) -> Answer {
    let question: Question = read(event)?;
    let name = question.name.clone();
    let prediction = model::infer(&name, &[question.tensor()])?;
    let outputs = prediction.outputs.iter().map(written).collect::<Result<Vec<_>, _>>()?;
    json_of(&json!({ "version": prediction.version, "outputs": outputs }))
}

fn written(tensor: &Tensor) -> Result<Value, Failure> {
    let values = match tensor.dtype {
        Dtype::Bytes => json!(tensor.to_strings()?),
        Dtype::Fp32 | Dtype::Fp64 => json!(tensor.to_f64s()?),
        _ => json!(tensor.to_i64s()?),
    };
    Ok(json!({ "name": tensor.name, "dtype": tensor.dtype.to_string(), "shape": tensor.shape, "values": values }))
}

fn state(event: &Event<Bytes>) -> Answer {
    let Stored { bucket, key, by, value } = read(event)?;
    let bucket = keyvalue::open(&bucket)?;
    match event.kind.as_str() {
        "bump" => json_of(&bucket.increment(&key, by)?),
        "remember" => {
            let mut before = Value::Null;
            let after = bucket.update(&key, |seen: Option<Value>| {
                before = seen.unwrap_or_default();
                value.clone()
            })?;
            json_of(&json!({ "before": before, "after": after }))
        }
        _ => {
            let existed = bucket.exists(&key)?;
            bucket.delete(&key)?;
            json_of(&json!({ "existed": existed }))
        }
    }
}

fn send(event: &Event<Bytes>) -> Answer {
    let Sent { to, r#type, data } = read(event)?;
    publish::send(&to, Output::new(r#type, data))?;
    json_of(&1)
}
