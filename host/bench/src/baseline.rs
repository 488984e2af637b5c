//! The baseline: bare axum as its documentation has it, `axum::serve` on a router, in a process of its own. It answers 13
//! bytes, or gives back what it gets.

use std::{fs, io::Read as _, net::Ipv4Addr, path::Path, process::ExitCode, thread};

use anyhow::{Context as _, Result};
use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, HeaderValue, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::{get, post},
};
use tokio::net::TcpListener;

use crate::{server::GREETING, talk};

/// What it answers, as long as what the guests answer.
const HELLO: &[u8] = b"Hello, World!";

/// Serves on a free port until standard input ends, so that it never outlives who started it.
pub(crate) fn serve(file: Option<&Path>) -> Result<ExitCode> {
    let answer = match file {
        Some(file) => fs::read(file).with_context(|| format!("could not read {}", file.display()))?.into(),
        None => Bytes::from_static(HELLO),
    };
    end_with_stdin();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("could not listen")?;
        talk::answer(format_args!("{GREETING}http://{}", listener.local_addr()?));
        let router = Router::new().route("/", get(move || async move { answer })).route("/echo", post(echo));
        axum::serve(listener, router).await.context("could not serve")
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What the handler under measurement does, without a guest: the body comes back under its content type.
async fn echo(headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let content_type = headers.get(CONTENT_TYPE).cloned();
    ([(CONTENT_TYPE, content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")))], body)
}

fn end_with_stdin() {
    thread::spawn(|| {
        let mut nothing = [0; 64];
        // An error is an end, too.
        while std::io::stdin().read(&mut nothing).is_ok_and(|length| length > 0) {}
        std::process::exit(0);
    });
}
