//! Puts an endpoint under load and measures it: latency percentiles, errors and throughput.

mod load;
mod measured;
mod page;
mod requests;

use std::fs;

use serde::Deserialize;
use serde_json::json;
use weft::{Failure, OrFail, Run, config};
use weft_tables::Table;

use crate::{
    load::{Load, Target},
    measured::Measured,
};

/// The secret that lets the requests in, as `function.toml` grants it.
const TOKEN: &str = "model-test-token";
/// As many requests of a function as a host lets out at once.
const CONCURRENCY: usize = 64;

/// What to measure.
#[derive(Deserialize)]
#[serde(default)]
struct Params {
    /// Where the endpoint is: scheme, host and port.
    url: String,
    /// The endpoint's name, from which its path follows.
    endpoint: String,
    /// Its path, where it is none of the Open Inference Protocol.
    path: String,
    method: String,
    requests: usize,
    /// How many are under way at once.
    concurrency: usize,
    /// How many go before those that count.
    warmup: usize,
    /// How many rows of the input `data` a request holds.
    rows: usize,
    /// The columns that are sent; every column of numbers, when empty.
    features: Vec<String>,
    /// What the endpoint calls its input.
    input: String,
    /// How long an answer may take.
    timeout_ms: u64,
    /// Whether requests bear the secret `model-test-token`.
    token: bool,
    /// What p99 must not be above; anything goes, when 0.
    max_p99_ms: f64,
    /// What the share of errors must not be above.
    max_error_share: f64,
    /// The title of the page.
    title: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            url: "http://localhost:7070".to_owned(),
            endpoint: String::new(),
            path: String::new(),
            method: "POST".to_owned(),
            requests: 200,
            concurrency: 4,
            warmup: 10,
            rows: 1,
            features: Vec::new(),
            input: "input".to_owned(),
            timeout_ms: 10_000,
            token: false,
            max_p99_ms: 0.0,
            max_error_share: 0.0,
            title: "Load and latency".to_owned(),
        }
    }
}

#[weft::job]
fn test(params: Params, run: &Run) -> Result<(), Failure> {
    let target = target(&params)?;
    let bodies = bodies(&params, run)?;
    let progress = |done: usize| run.progress(0.95 * done as f64 / params.requests as f64, "asking");
    let load = Load { target: &target, bodies: &bodies, concurrency: params.concurrency.clamp(1, CONCURRENCY) };
    // What a first request pays for, such as a connection, is not what the others pay.
    load.run(params.warmup, |_| ())?;
    let (shots, seconds) = load.run(params.requests.max(1), progress)?;
    let measured = Measured::of(&shots, seconds);
    write(run, &params, &target, &measured)
}

fn target(params: &Params) -> Result<Target, Failure> {
    let path = match (params.path.as_str(), params.endpoint.as_str()) {
        ("", "") => return Err(Failure::invalid("bad-params", "give an endpoint, or a path")),
        ("", endpoint) => format!("/v2/models/{endpoint}/infer"),
        (path, _) if path.starts_with('/') => path.to_owned(),
        (path, _) => format!("/{path}"),
    };
    let authorization = if params.token { Some(format!("Bearer {}", config::require(TOKEN)?)) } else { None };
    Target::new(&params.url, path, &params.method, authorization, params.timeout_ms).or_invalid("bad-params")
}

/// What is sent, one after the other and then from the beginning.
fn bodies(params: &Params, run: &Run) -> Result<Vec<Vec<u8>>, Failure> {
    if run.has_input("body") {
        return Ok(vec![fs::read(run.input("body")?)?]);
    }
    if run.has_input("data") {
        let table = Table::from_csv(&fs::read(run.input("data")?)?).or_invalid("bad-table")?;
        return requests::of_rows(&table, &params.features, params.rows.max(1), &params.input).or_invalid("bad-table");
    }
    match params.method.as_str() {
        "GET" | "HEAD" => Ok(vec![Vec::new()]),
        _ => Err(Failure::invalid("nothing-to-send", "give the input data, rows to be sent, or body, one request")),
    }
}

fn write(run: &Run, params: &Params, target: &Target, measured: &Measured) -> Result<(), Failure> {
    let is_quick =
        params.max_p99_ms <= 0.0 || measured.latency_ms.as_ref().is_some_and(|it| it.p99 <= params.max_p99_ms);
    let has_passed = is_quick && measured.error_share <= params.max_error_share;
    let report = json!({
        "url": target.url(), "concurrency": params.concurrency, "passed": has_passed,
        "max_p99_ms": params.max_p99_ms, "max_error_share": params.max_error_share, "measured": measured,
    });
    fs::write(run.output("report"), serde_json::to_vec_pretty(&report)?)?;
    fs::write(run.output("page"), page::render(&params.title, &target.url(), measured, has_passed))?;
    run.describe("report", "report", &json!({ "title": params.title, "passed": has_passed }))?;
    run.describe("page", "report", &json!({ "title": params.title }))?;
    for (name, value) in measured.metrics() {
        run.metric(name, value);
    }
    run.result("passed", &has_passed)?;
    run.result("errors_by", &measured.errors_by)
}

#[cfg(test)]
mod tests;
