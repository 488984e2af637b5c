//! A job that does what its param `do` says, for the tests of hosts. What it saw is its result `report`.

use std::{
    fs, hint,
    io::{self, Write as _},
    path::Path,
    process, thread,
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json};
use wasip2::{
    clocks::{monotonic_clock, wall_clock},
    random::{insecure, insecure_seed, random},
};
use weft::{Failure, OrFail as _, Run, context};

mod files;
mod score;

/// What to do, and how much of it.
#[derive(Debug, Deserialize)]
struct Params {
    #[serde(rename = "do")]
    action: String,
    #[serde(default)]
    n: u64,
    #[serde(default)]
    text: String,
    /// Whatever else was sent, to be shown.
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

#[weft::job]
fn behave(params: Params, run: &Run) -> Result<(), Failure> {
    let report = match params.action.as_str() {
        "copy" => copy(run)?,
        "write" => write(run, &params)?,
        "nothing" => Value::Null,
        "params" => json!({ "n": params.n, "text": params.text, "rest": params.rest }),
        "inputs" => inputs(run),
        "context" => {
            json!({ "call_id": context::call_id(), "attempt": context::attempt(), "trigger": context::trigger() })
        }
        "record" => record(run, params.n)?,
        "measure" => measure(run, &params.text)?,
        "stamp" => stamp(run)?,
        "progress" => progress(run, params.n),
        "describe" => describe(run, &params.text)?,
        "invalid" => return Err(Failure::invalid("asked", params.text)),
        "transient" => {
            return Err(Failure::transient("asked", params.text).retry_after(Duration::from_millis(params.n)));
        }
        "fatal" => return Err(Failure::fatal("asked", params.text)),
        "flaky" => flaky(params.n)?,
        "exit" => process::exit(i32::try_from(params.n).or_invalid("bad-number")?),
        "trap" => panic!("asked to trap: {}", params.text),
        "spin" => spin(),
        "bomb" => bomb(),
        "print" => print(params.n)?,
        "log" => log(params.n),
        "clock" => clock(params.n),
        "sleep" => sleep(params.n),
        "random" => numbers(),
        "seed" => json!(run.seed().to_string()),
        "env" => json!(std::env::vars().collect::<Vec<_>>()),
        "args" => json!(std::env::args().collect::<Vec<_>>()),
        "fetch" => fetch(&params.text)?,
        "infer" => score::infer(run, &params.text)?,
        other => files::behave(other, params.n, &params.text)?,
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

/// `text` into the output `out`, or the one the param `output` names.
fn write(run: &Run, params: &Params) -> Result<Value, Failure> {
    let name = params.rest.get("output").and_then(Value::as_str).unwrap_or("out");
    fs::write(run.output(name), &params.text)?;
    Ok(json!(params.text.len()))
}

fn inputs(run: &Run) -> Value {
    let inputs = run.inputs().into_iter().map(|input| {
        json!({
            "name": input.name,
            "path": input.path,
            "digest": input.digest,
            "kind": input.kind,
            "media_type": input.media_type,
            "bytes": fs::metadata(&input.path).map(|it| it.len()).ok(),
        })
    });
    inputs.collect()
}

/// A falling loss, awkward numbers, a param and a nested result.
fn record(run: &Run, steps: u64) -> Result<Value, Failure> {
    for step in 0..i64::try_from(steps).or_invalid("bad-number")? {
        run.metric_at("loss", 1.0 / (step + 1) as f64, step);
    }
    run.metric("accuracy", 0.75);
    run.metric("negative", -1.5);
    run.metric("diverged", f64::NAN);
    run.param("chosen", &json!({ "depth": 3 }))?;
    run.result("nested", &json!({ "list": [1, 2.5, null, "é"] }))?;
    Ok(json!(steps))
}

/// What a GET came to, with a timeout that only real time may end.
fn fetch(url: &str) -> Result<Value, Failure> {
    let answer = weft::http::get(url).timeout(Duration::from_secs(30)).send()?;
    Ok(json!({ "status": answer.status, "body": answer.text() }))
}

/// The number that `text` is, as the metric `loss`.
fn measure(run: &Run, text: &str) -> Result<Value, Failure> {
    run.metric("loss", text.parse::<f64>().or_invalid("bad-number")?);
    fs::write(run.output("out"), text)?;
    Ok(json!(text))
}

/// The wall clock into the output `out`.
fn stamp(run: &Run) -> Result<Value, Failure> {
    let now = wall_clock::now();
    fs::write(run.output("out"), format!("{}.{:09}", now.seconds, now.nanoseconds))?;
    Ok(json!(now.seconds))
}

fn progress(run: &Run, steps: u64) -> Value {
    for step in 1..=steps {
        run.progress(step as f64 / steps as f64, &format!("step {step}"));
    }
    json!(steps)
}

/// Writes the output that `text` names, and says that it is a table.
fn describe(run: &Run, name: &str) -> Result<Value, Failure> {
    fs::write(run.output(name), "a,b\n1,2\n")?;
    run.describe(name, "table", &json!({ "rows": 1, "columns": ["a", "b"] }))?;
    let refused = run.describe("undeclared", "table", &json!({})).err().map(|failure| failure.message);
    Ok(json!({ "refused": refused }))
}

fn flaky(until: u64) -> Result<Value, Failure> {
    let attempt = context::attempt();
    if u64::from(attempt) < until {
        return Err(Failure::transient("flaky", format!("attempt {attempt} fails")));
    }
    Ok(json!(attempt))
}

fn spin() -> ! {
    loop {
        hint::black_box(());
    }
}

fn bomb() -> ! {
    let mut held = Vec::new();
    loop {
        held.push(hint::black_box(vec![1_u8; 1 << 20]));
    }
}

fn print(lines: u64) -> io::Result<Value> {
    for line in 0..lines {
        writeln!(io::stdout(), "out {line}")?;
        writeln!(io::stderr(), "err {line}")?;
    }
    Ok(json!(lines))
}

fn log(lines: u64) -> Value {
    for line in 0..lines {
        weft::info!({ line = line }, "line {line}");
    }
    json!(lines)
}

/// Reads both clocks that often.
fn clock(readings: u64) -> Value {
    let reading = |_| {
        let wall = wall_clock::now();
        json!({ "seconds": wall.seconds, "nanoseconds": wall.nanoseconds, "monotonic": monotonic_clock::now().to_string() })
    };
    json!({
        "readings": (0..readings).map(reading).collect::<Vec<_>>(),
        "resolution": monotonic_clock::resolution(),
    })
}

/// Sleeps that many milliseconds; the report says how long the monotonic clock says it took.
fn sleep(millis: u64) -> Value {
    let before = monotonic_clock::now();
    thread::sleep(Duration::from_millis(millis));
    json!({ "slept_ms": (monotonic_clock::now() - before) / 1_000_000 })
}

/// Every source of randomness there is.
fn numbers() -> Value {
    let hash_seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 1);
    json!({
        "bytes": random::get_random_bytes(8),
        "number": random::get_random_u64().to_string(),
        "insecure": insecure::get_insecure_random_u64().to_string(),
        "insecure_seed": format!("{:?}", insecure_seed::insecure_seed()),
        "hash": hash_seed.to_string(),
    })
}

/// Whether that path is there, for reports.
fn is_there(path: impl AsRef<Path>) -> bool {
    path.as_ref().symlink_metadata().is_ok()
}
