//! A handler that does what the type of each event says, for the tests of hosts.

use std::{
    hint,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use serde_json::json;
use wasip2::{clocks::wall_clock, random::random};
use weft::{Event, Failure, OrFail as _, Output, context, log::Level};

mod reach;
mod score;

/// How often this instance was asked: more than 1 shows that it was kept warm.
static CALLS: AtomicU64 = AtomicU64::new(0);

type Bytes = Vec<u8>;
type Answer = Result<Vec<Output<Bytes>>, Failure>;

#[weft::handler(batch)]
fn respond(events: Vec<Event<Bytes>>) -> Vec<Answer> {
    CALLS.fetch_add(1, Ordering::Relaxed);
    let extra = events.iter().any(|event| event.kind == "wrong-count").then(|| Ok(Vec::new()));
    events.into_iter().map(behave).chain(extra).collect()
}

fn behave(event: Event<Bytes>) -> Answer {
    match event.kind.as_str() {
        "echo" => Ok(vec![echo(event)]),
        "upper" => Ok(vec![Output::of(event.data.to_ascii_uppercase())]),
        "stamp" => Ok(vec![stamp(event)]),
        "split" => split(&event),
        "none" | "wrong-count" => Ok(Vec::new()),
        "status" => Ok(vec![Output::of(Vec::new()).extension("httpstatus", text(&event)?)]),
        "invalid" => Err(Failure::invalid("asked", text(&event)?)),
        "transient" => Err(Failure::transient("asked", "later").retry_after(Duration::from_millis(number(&event)?))),
        "fatal" => Err(Failure::fatal("asked", text(&event)?)),
        "flaky" => flaky(&event),
        "trap" => panic!("asked to trap: {}", text(&event)?),
        "spin" => spin(),
        "grow" => grow(&event),
        "log" => write_logs(&event),
        "print" => print(&event),
        "huge" => Ok(vec![Output::of(vec![b'x'; size(&event)?])]),
        "sleep" => sleep(&event),
        "context" => answer(&report(&event)),
        "count" => answer(&json!(CALLS.load(Ordering::Relaxed))),
        "random" => answer(&json!(hex(&random::get_random_bytes(16)))),
        "now" => answer(&now()),
        "env" => answer(&reach::environment()),
        "file" => answer(&reach::file(text(&event)?)),
        "connect" => answer(&reach::connect(text(&event)?)),
        "fetch" => answer(&reach::fetch(text(&event)?)?),
        "model" => answer(&score::infer(&event.data)?),
        "current" => answer(&score::current(text(&event)?)?),
        "weft.http.request" if event.source.ends_with("/hello") => {
            Ok(vec![Output::of(b"Hello, World!".to_vec()).content_type("text/plain")])
        }
        other => Err(Failure::invalid("unknown-behaviour", format!("no behaviour is called `{other}`"))),
    }
}

/// Everything that came in goes out.
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

/// Who answered to what, under the event's key: for readers who hold what comes out against what went in.
fn stamp(event: Event<Bytes>) -> Output<Bytes> {
    let told = json!({ "id": event.id, "revision": context::revision(), "attempt": context::attempt() });
    let key = event.key;
    Output { key, ..Output::of(told.to_string().into_bytes()).content_type("application/json") }
}

fn split(event: &Event<Bytes>) -> Answer {
    Ok((0..number(event)?).map(|part| Output::new("part", part.to_string().into_bytes())).collect())
}

/// Fails until the attempt that the event names.
fn flaky(event: &Event<Bytes>) -> Answer {
    let attempt = context::attempt();
    if u64::from(attempt) < number(event)? {
        return Err(Failure::transient("flaky", format!("attempt {attempt} fails")));
    }
    answer(&json!(attempt))
}

fn spin() -> Answer {
    loop {
        hint::black_box(());
    }
}

/// Holds that many MiB; as many as there are when the event does not say.
fn grow(event: &Event<Bytes>) -> Answer {
    let wanted = if event.data.is_empty() { usize::MAX } else { size(event)? };
    let mut held = Vec::new();
    while held.len() < wanted {
        held.push(hint::black_box(vec![1_u8; 1 << 20]));
    }
    answer(&json!(held.len()))
}

fn write_logs(event: &Event<Bytes>) -> Answer {
    let levels = [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error];
    for (line, level) in (0..number(event)?).zip(levels.into_iter().cycle()) {
        weft::log!(level, { line = line, id = event.id }, "line {line}");
    }
    Ok(Vec::new())
}

fn print(event: &Event<Bytes>) -> Answer {
    use std::io::Write as _;
    for line in 0..number(event)? {
        writeln!(std::io::stdout(), "out {line}")?;
        writeln!(std::io::stderr(), "err {line}")?;
    }
    Ok(Vec::new())
}

fn sleep(event: &Event<Bytes>) -> Answer {
    thread::sleep(Duration::from_millis(number(event)?));
    Ok(Vec::new())
}

fn report(event: &Event<Bytes>) -> serde_json::Value {
    json!({
        "call_id": context::call_id(),
        "revision": context::revision(),
        "attempt": context::attempt(),
        "remaining_ms": u64::try_from(context::remaining().as_millis()).unwrap_or(u64::MAX),
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
            "inlet": event.inlet,
            "key": event.key.as_deref().map(hex),
            "extensions": event.extensions,
            "bytes": event.data.len(),
        },
    })
}

fn now() -> serde_json::Value {
    let now = wall_clock::now();
    json!({ "seconds": now.seconds, "nanoseconds": now.nanoseconds })
}

fn answer(value: &serde_json::Value) -> Answer {
    Ok(vec![Output::of(value.to_string().into_bytes()).content_type("application/json")])
}

fn text(event: &Event<Bytes>) -> Result<&str, Failure> {
    std::str::from_utf8(&event.data).or_invalid("bad-text")
}

fn number(event: &Event<Bytes>) -> Result<u64, Failure> {
    text(event)?.trim().parse().or_invalid("bad-number")
}

fn size(event: &Event<Bytes>) -> Result<usize, Failure> {
    usize::try_from(number(event)?).or_invalid("bad-number")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
