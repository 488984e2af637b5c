//! Reaching for what was not granted: each answer says how far it came.

use std::{collections::BTreeMap, env, fs, net::TcpStream};

use serde_json::{Value, json};
use weft::Failure;

pub(crate) fn environment() -> Value {
    let variables: BTreeMap<String, String> = env::vars().collect();
    json!({ "variables": variables, "arguments": env::args().collect::<Vec<_>>() })
}

pub(crate) fn file(path: &str) -> Value {
    json!({
        "read": said(fs::read(path).map(|bytes| bytes.len())),
        "list": said(fs::read_dir(path).map(Iterator::count)),
        "write": said(fs::write(path, "x").map(|()| 1)),
    })
}

pub(crate) fn connect(address: &str) -> Value {
    said(TcpStream::connect(address).map(|_| 1))
}

/// What a GET came to; a failure where it was not sent.
pub(crate) fn fetch(url: &str) -> Result<Value, Failure> {
    let answer = weft::http::get(url).send()?;
    Ok(json!({ "status": answer.status, "body": answer.text() }))
}

fn said(result: std::io::Result<usize>) -> Value {
    match result {
        Ok(count) => json!({ "ok": count }),
        Err(error) => json!({ "error": error.to_string() }),
    }
}
