//! The HTTP server of the conformance suite in Rust: it does what the path says.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use weft::{
    Failure, OrFail as _,
    http::{Request, Response},
};

/// What `/json` reads.
#[derive(Deserialize)]
struct Guest {
    name: String,
}

#[weft::http]
fn serve(request: Request) -> Result<Response, Failure> {
    let path = request.path.trim_matches('/').to_owned();
    let (first, rest) = path.split_once('/').unwrap_or((&path, ""));
    match first {
        "hello" => Ok(Response::text("Hello, World!")),
        "echo" => Ok(echo(request)),
        "json" => {
            let guest: Guest = request.json()?;
            Response::json(&json!({ "greeting": format!("Hello, {}!", guest.name) }))
        }
        "describe" => describe(&request),
        "status" => Ok(Response::new(rest.parse().or_invalid("bad-number")?)),
        "headers" => Ok(Response::new(200).header("x-one", "1").header("x-two", "a").header("x-two", "b")),
        "large" => {
            let body = vec![b'x'; rest.parse().or_invalid("bad-number")?];
            Ok(Response::new(200).with(body, "application/octet-stream"))
        }
        "invalid" => Err(Failure::invalid("asked", "no")),
        "transient" => Err(Failure::transient("asked", "no").retry_after(Duration::from_millis(1500))),
        "fatal" => Err(Failure::fatal("asked", "no")),
        "error" => Err(std::io::Error::other("no").into()),
        _ => Ok(Response::new(404)),
    }
}

fn echo(request: Request) -> Response {
    let media_type = request.header("content-type").unwrap_or("application/octet-stream").to_owned();
    Response::new(200).with(request.body, &media_type)
}

fn describe(request: &Request) -> Result<Response, Failure> {
    Response::json(&json!({
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "header": request.header("x-suite"),
        "bytes": request.body.len(),
    }))
}
