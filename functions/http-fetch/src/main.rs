//! Fetches a URL: with conditions, retries and a bound on its size, and a report on what came.

mod fetch;
mod report;

use std::{collections::BTreeMap, fs, time::Duration};

use serde::Deserialize;
use serde_json::json;
use url::Url;
use weft::{Failure, OrFail, Run, http};

use crate::{
    fetch::{Fetch, Got},
    report::{Report, hex_digest},
};

/// Ask for what was there before and has not changed, and this is the answer.
const NOT_MODIFIED: u16 = 304;

/// What to fetch, and how patiently.
#[derive(Deserialize)]
struct Params {
    /// Where it is.
    url: String,
    /// Header fields of the request.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// How often to try.
    #[serde(default = "attempts")]
    attempts: u32,
    /// How long to wait before the second attempt; each wait is twice the one before.
    #[serde(default = "backoff_ms")]
    backoff_ms: u64,
    /// The longest wait, whatever the server asks for.
    #[serde(default = "longest_wait_s")]
    longest_wait_s: u64,
    /// How many redirects to follow.
    #[serde(default = "redirects")]
    redirects: u32,
    /// The most bytes.
    #[serde(default = "most_bytes")]
    most_bytes: u64,
    /// How long to wait for the connection, the answer, and each next piece of it.
    #[serde(default = "timeout_s")]
    timeout_s: u64,
    /// The SHA-256 that the bytes must have; any, when empty.
    #[serde(default)]
    sha256: String,
}

fn attempts() -> u32 {
    4
}

fn backoff_ms() -> u64 {
    500
}

fn longest_wait_s() -> u64 {
    60
}

fn redirects() -> u32 {
    5
}

fn most_bytes() -> u64 {
    256 << 20
}

fn timeout_s() -> u64 {
    60
}

#[weft::job]
fn http_fetch(params: Params, run: &Run) -> Result<(), Failure> {
    let url: Url = params.url.parse().or_invalid("bad-url")?;
    let before = before(run, &url)?;
    let mut headers: Vec<(String, String)> = params.headers.into_iter().collect();
    headers.extend(before.iter().flat_map(Report::conditions));
    let fetch = Fetch {
        headers,
        attempts: params.attempts.max(1),
        backoff: Duration::from_millis(params.backoff_ms),
        longest_wait: Duration::from_secs(params.longest_wait_s),
        redirects: params.redirects,
    };
    let (timeout, most) = (Duration::from_secs(params.timeout_s.max(1)), params.most_bytes);
    let send = |url: &Url, headers: &[(String, String)]| {
        let request = http::get(url.as_str()).timeout(timeout).at_most(most);
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
    };
    let got = fetch.get(&url, send, std::thread::sleep)?;
    keep(run, &url, got, before, params.sha256.trim())
}

/// What an earlier run reported, if it was of the same URL.
fn before(run: &Run, url: &Url) -> Result<Option<Report>, Failure> {
    if !run.has_input("previous") {
        return Ok(None);
    }
    let report: Report = serde_json::from_slice(&fs::read(run.input("previous")?)?).or_invalid("bad-report")?;
    if report.url != url.as_str() {
        weft::warn!("the report of the earlier run is of another URL and counts for nothing");
        return Ok(None);
    }
    // Without the bytes of then, there is no use in hearing that they are the same.
    if !run.has_input("data") {
        weft::warn!("without the input `data`, what has not changed is fetched again");
        return Ok(None);
    }
    Ok(Some(report))
}

fn keep(run: &Run, url: &Url, mut got: Got, before: Option<Report>, wanted: &str) -> Result<(), Failure> {
    let is_same = got.answer.status == NOT_MODIFIED;
    let bytes = if is_same { fs::read(run.input("data")?)? } else { std::mem::take(&mut got.answer.body) };
    let digest = hex_digest(&bytes);
    if !wanted.is_empty() && !wanted.trim_start_matches("sha256:").eq_ignore_ascii_case(&digest) {
        return Err(Failure::invalid("wrong-digest", format!("the bytes have the SHA-256 {digest}, not {wanted}")));
    }
    let report = Report::of(url, &got, bytes.len(), digest, before.filter(|_| is_same));
    fs::write(run.output("data"), &bytes)?;
    fs::write(run.output("report"), serde_json::to_vec_pretty(&report)?)?;
    run.describe("data", "dataset", &json!({ "origin": report.url, "media_type": report.media_type }))?;
    run.describe("report", "report", &json!({ "url": report.url }))?;
    run.metric("bytes", bytes.len() as f64);
    run.metric("attempts", f64::from(report.attempts));
    run.result("status", &report.status)?;
    run.result("modified", &report.modified)?;
    run.result("sha256", &report.sha256)?;
    Ok(())
}

#[cfg(test)]
mod tests;
