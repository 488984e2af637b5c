//! How soon a host that is started on a folder full of compiled code answers a call.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::Setting;
use crate::{
    functions::{self, Function},
    host::Host,
    interrupt,
    report::Figure,
    statistics::median,
    subject::Subject,
};

/// The function that is called: all its calls are recorded.
const FUNCTION: &Function = &functions::HTTP_RECORD_ALL;

/// How long the first answer is waited for.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How long the record of a call is waited for: it is written behind.
const RECORD_LIMIT: Duration = Duration::from_secs(5);

/// One start.
#[derive(Debug, Clone, Copy)]
struct Start {
    greeting_ms: f64,
    answer_ms: f64,
    call_ms: f64,
    /// What the host itself says its first call took.
    recorded_ms: Option<f64>,
}

/// Starts the same host again and again.
pub(crate) fn measure(setting: Setting<'_>) -> Result<Vec<Figure>> {
    let folder = setting.folder.join("cold-start");
    prepare(setting, &folder)?;
    let mut starts = Vec::new();
    for _ in 0..setting.args.rounds {
        interrupt::check()?;
        starts.push(start(setting, &folder)?);
    }
    let figure = |what: &str, note: &str, number: fn(&Start) -> Option<f64>| {
        let value = median(starts.iter().filter_map(number))?;
        let (what, note) = (what.to_owned(), note.to_owned());
        Some(Figure { name: Subject::ColdStart, what, value, unit: "ms", limit: None, note })
    };
    let figures = [
        figure("`fn up` to listening", "", |it| Some(it.greeting_ms)),
        figure("`fn up` to the first answer", "compiled code from disk, in the page cache", |it| Some(it.answer_ms)),
        figure("first call, as its caller sees it", "with a new connection", |it| Some(it.call_ms)),
        figure("first call, as the host records it", "from admission to its end", |it| it.recorded_ms),
    ];
    Ok(figures.into_iter().flatten().collect())
}

/// Deploys and calls the function once, so that its compiled code is on disk; then the host stops.
fn prepare(setting: Setting<'_>, folder: &Path) -> Result<()> {
    let mut host = Host::start(setting.places, folder, None)?;
    host.wait_until_ready()?;
    host.deploy(setting.places, FUNCTION)?;
    first_answer(&host).map(drop)
}

fn start(setting: Setting<'_>, folder: &Path) -> Result<Start> {
    let host = Host::start(setting.places, folder, None)?;
    let (call, answered, asked) = first_answer(&host)?;
    let since_start = |at: Instant| milliseconds(at.duration_since(host.server().started()));
    Ok(Start {
        greeting_ms: milliseconds(host.server().greeted_after()),
        answer_ms: since_start(answered),
        call_ms: milliseconds(answered.duration_since(asked)),
        recorded_ms: call.and_then(|id| recorded(&host, &id)),
    })
}

/// The first call that is answered, when it was, and when it was asked.
fn first_answer(host: &Host) -> Result<(Option<String>, Instant, Instant)> {
    let until = Instant::now() + ANSWER_LIMIT;
    loop {
        let asked = Instant::now();
        let answer = host.get(&FUNCTION.path("/hello")).context("the function was called")?;
        match answer.status {
            200 => return Ok((answer.call, Instant::now(), asked)),
            status if asked >= until => bail!("the function answers {status}: {}", answer.text.trim()),
            _ => thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// How long the host says that call took, milliseconds; `None` where it does not tell.
fn recorded(host: &Host, call: &str) -> Option<f64> {
    let until = Instant::now() + RECORD_LIMIT;
    while Instant::now() < until {
        let shown = host.run(&["show", FUNCTION.name]).ok()?;
        if let Some(micros) = duration_us(&shown, call) {
            return Some(micros / 1e3);
        }
        thread::sleep(Duration::from_millis(200));
    }
    None
}

/// The duration of the call with that id, wherever in the answer it stands.
fn duration_us(value: &Value, call: &str) -> Option<f64> {
    match value {
        Value::Object(map) if map.get("id").and_then(Value::as_str) == Some(call) => {
            let duration = map.get("usage").and_then(|it| it.get("duration_us")).or_else(|| map.get("duration_us"));
            duration.and_then(Value::as_f64)
        }
        Value::Object(map) => map.values().find_map(|it| duration_us(it, call)),
        Value::Array(items) => items.iter().find_map(|it| duration_us(it, call)),
        _ => None,
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_is_found_wherever_it_is_listed() {
        let shown =
            json!({ "id": "f", "calls": { "items": [{ "id": "a" }, { "id": "b", "usage": { "duration_us": 120 } }] } });
        assert_eq!(duration_us(&shown, "b"), Some(120.0));
        assert_eq!(duration_us(&shown, "a"), None);
        assert_eq!(duration_us(&shown, "c"), None);
    }
}
