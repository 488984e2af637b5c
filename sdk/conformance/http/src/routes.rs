//! What each path does.

use std::{
    hint,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use wasip2::http::types::{ErrorCode, Fields, IncomingRequest, ResponseOutparam};

use crate::{Query, Sending, fetch, receive, refused, relay, reply};

/// How often this instance was asked: more than 1 shows that it was kept warm.
static CALLS: AtomicU64 = AtomicU64::new(0);

pub(crate) fn serve(
    path: &str,
    query: &Query<'_>,
    request: &IncomingRequest,
    out: ResponseOutparam,
) -> Result<(), ErrorCode> {
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    // Under `/fn/<name>` a host may or may not take the prefix away: the last segments are what counts.
    let route = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if path.contains("/status/") {
        return reply(out, route.parse().unwrap_or(500), b"");
    }
    match route {
        "hello" => reply(out, 200, b"Hello, World!"),
        "echo" => echo(request, out),
        "upload" => upload(request, out),
        "describe" => describe(path, query, request, out),
        "trailers" => trailers(request, out),
        "count" => reply(out, 200, calls.to_string().as_bytes()),
        "ignore-body" => reply(out, 200, b"ignored"),
        "large" => large(query.number("bytes", 1 << 20), out),
        "flood" => flood(out),
        "slow" => slow(query, out),
        "silent" => silent(query, out),
        "spin" => spin(),
        "trap" => panic!("asked to trap"),
        "trap-midway" => trap_midway(out),
        "no-response" => Ok(()),
        "error" => fail(out),
        "grow" => grow(query, out),
        "outgoing" => reply(out, 200, fetch::get(query).as_bytes()),
        "relay" => relay::serve(query, request, out),
        _ => reply(out, 404, b"no such route"),
    }
}

/// The body goes back as it arrives, under its own media type.
fn echo(request: &IncomingRequest, out: ResponseOutparam) -> Result<(), ErrorCode> {
    let types = request.headers().get("content-type");
    let media_type =
        types.first().and_then(|value| std::str::from_utf8(value).ok()).unwrap_or("application/octet-stream");
    let mut sending = Sending::begin(out, 200, &[("content-type", media_type)])?;
    receive(request, |piece| sending.send(piece))?;
    sending.end(None)
}

/// How many bytes came.
fn upload(request: &IncomingRequest, out: ResponseOutparam) -> Result<(), ErrorCode> {
    let mut bytes = 0;
    receive(request, |piece| {
        bytes += piece.len();
        Ok(())
    })?;
    reply(out, 200, bytes.to_string().as_bytes())
}

/// The head of the request, a line each: method, path, query, then `name: value`.
fn describe(path: &str, query: &Query<'_>, request: &IncomingRequest, out: ResponseOutparam) -> Result<(), ErrorCode> {
    let method = format!("{:?}", request.method()).trim_start_matches("Method::").to_uppercase();
    let mut text = format!("{method}\n{path}\n{}\n", query.0);
    for (name, value) in request.headers().entries() {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(&value)));
    }
    reply(out, 200, text.as_bytes())
}

/// Trailers after the body: `x-bytes`, and `x-mine` where the request ends with it.
fn trailers(request: &IncomingRequest, out: ResponseOutparam) -> Result<(), ErrorCode> {
    let mut sending = Sending::begin(out, 200, &[("content-type", "text/plain"), ("trailer", "x-bytes, x-mine")])?;
    let mut bytes = 0;
    let mut trailers = receive(request, |piece| {
        bytes += piece.len();
        sending.send(piece)
    })?;
    trailers.push(("x-bytes".to_owned(), bytes.to_string().into_bytes()));
    sending.end(Some(Fields::from_list(&trailers).map_err(refused)?))
}

fn large(bytes: u64, out: ResponseOutparam) -> Result<(), ErrorCode> {
    let mut sending = Sending::begin(out, 200, &[("content-type", "application/octet-stream")])?;
    let piece = [b'x'; 16 << 10];
    let mut left = usize::try_from(bytes).map_err(refused)?;
    while left > 0 {
        let length = left.min(piece.len());
        sending.send(&piece[..length]).map_err(refused)?;
        left -= length;
    }
    sending.end(None)
}

/// A body without end: only an error ends it.
fn flood(out: ResponseOutparam) -> Result<(), ErrorCode> {
    let mut sending = Sending::begin(out, 200, &[("content-type", "application/octet-stream")])?;
    loop {
        sending.send(&[b'x'; 16 << 10]).map_err(refused)?;
    }
}

/// `n` pieces, `ms` milliseconds apart.
fn slow(query: &Query<'_>, out: ResponseOutparam) -> Result<(), ErrorCode> {
    let mut sending = Sending::begin(out, 200, &[("content-type", "text/plain")])?;
    for piece in 0..query.number("n", 5) {
        std::thread::sleep(Duration::from_millis(query.number("ms", 100)));
        sending.send(format!("piece {piece}\n").as_bytes()).map_err(refused)?;
    }
    sending.end(None)
}

/// Nothing at all for `ms` milliseconds, then a word.
fn silent(query: &Query<'_>, out: ResponseOutparam) -> Result<(), ErrorCode> {
    std::thread::sleep(Duration::from_millis(query.number("ms", 1000)));
    reply(out, 200, b"awake")
}

fn spin() -> Result<(), ErrorCode> {
    loop {
        hint::black_box(());
    }
}

fn trap_midway(out: ResponseOutparam) -> Result<(), ErrorCode> {
    let mut sending = Sending::begin(out, 200, &[("content-type", "text/plain")])?;
    sending.send(b"half of it").map_err(refused)?;
    panic!("asked to trap midway");
}

fn fail(out: ResponseOutparam) -> Result<(), ErrorCode> {
    ResponseOutparam::set(out, Err(ErrorCode::InternalError(Some("asked to fail".to_owned()))));
    Ok(())
}

/// Holds `mib` MiB; as many as there are when it does not say.
fn grow(query: &Query<'_>, out: ResponseOutparam) -> Result<(), ErrorCode> {
    let mut held = Vec::new();
    for _ in 0..query.number("mib", u64::MAX) {
        held.push(hint::black_box(vec![1_u8; 1 << 20]));
    }
    reply(out, 200, held.len().to_string().as_bytes())
}
