//! The baseline: bare axum that answers 13 bytes, in a process of its own.

use std::{fs, io::Read as _, net::Ipv4Addr, path::Path, process::ExitCode, thread};

use anyhow::{Context as _, Result};
use axum::{Router, body::Bytes, routing::get};
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
        let router = Router::new().route("/", get(move || async move { answer }));
        axum::serve(listener, router).await.context("could not serve")
    })?;
    Ok(ExitCode::SUCCESS)
}

fn end_with_stdin() {
    thread::spawn(|| {
        let mut nothing = [0; 64];
        // An error is an end, too.
        while std::io::stdin().read(&mut nothing).is_ok_and(|length| length > 0) {}
        std::process::exit(0);
    });
}
