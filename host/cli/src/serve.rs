//! Where all rooms meet: builds a host from its configuration and serves it on one port.

mod host;
mod listen;
mod local;
mod opening;
mod registry;

use std::{io::IsTerminal, time::Duration};

use anyhow::{Context, Result};
use host_wire::config::Setting;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::{
    config::Config,
    ui::{Exit, Printer, Stop},
};

pub(crate) use host::{Host, Place};
pub(crate) use local::Local;

/// Logs to stderr: for people on a terminal, JSON otherwise.
pub(crate) fn logging() {
    let filter = EnvFilter::try_from_env("WEFT_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let done = if std::io::stderr().is_terminal() { builder.compact().try_init() } else { builder.json().try_init() };
    if done.is_err() {
        tracing::debug!("logging was set up already");
    }
}

/// Serves until SIGTERM or Ctrl-C, then drains.
pub(crate) async fn up(config: Config, settings: Vec<Setting>, printer: &Printer) -> Result<()> {
    let listener = TcpListener::bind(config.listen).await.map_err(|error| {
        Stop::new(Exit::Failed, format!("could not listen on {}: {error}", config.listen))
            .hint("name another address with --listen, or port 0 for a free one")
    })?;
    let address = listener.local_addr().context("could not read the address")?;
    let drain = Duration::from_secs(config.drain_s);
    let bounds =
        listen::Bounds { connections: config.max_connections, head: Duration::from_secs(config.head_s), drain };
    let host = Host::build(config, Place::Disk).await?;
    let stop = CancellationToken::new();
    let tasks = host.start(&stop).await?;
    let router = host.router(settings, &stop);
    printer.answer(&serde_json::json!({ "url": format!("http://{address}") }), || {
        format!("listening on http://{address}")
    });
    let serving = tokio::spawn(listen::serve(listener, router, stop.clone(), bounds));
    signal().await?;
    tracing::info!("draining");
    host.drain(&stop, drain).await;
    let _ = serving.await;
    tasks.wait().await;
    host.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Resolves at SIGTERM or Ctrl-C.
async fn signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("could not listen for SIGTERM")?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted.context("could not listen for Ctrl-C"),
    }
}
