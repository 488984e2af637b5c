//! Where all rooms meet: builds a host from its configuration and serves it on one port.

mod callbacks;
mod front;
mod host;
mod keys;
mod listen;
mod local;
mod opening;
mod packages;
mod patience;
mod registry;
mod state;
mod tls;
mod triggers;
mod trust;

use std::{io::IsTerminal, path::Path, time::Duration};

use anyhow::{Context, Result};
use host_core::identity::Demand;
use host_wire::config::Setting;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing_subscriber::EnvFilter;

use crate::{
    config::Config,
    ui::{Exit, Printer, Stop},
};

pub(crate) use host::{Host, Place};
pub(crate) use local::Local;
pub(crate) use tls::Files;

/// What is logged unless somebody says otherwise. lapin logs whole messages that a server returns, with their data; what
/// goes wrong with it we tell ourselves.
const USUAL_LOG: &str = "info,lapin=off";

/// Logs to stderr: for people on a terminal, JSON otherwise.
pub(crate) fn logging() {
    let filter = EnvFilter::try_from_env("WEFT_LOG").unwrap_or_else(|_| EnvFilter::new(USUAL_LOG));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let done = if std::io::stderr().is_terminal() { builder.compact().try_init() } else { builder.json().try_init() };
    if done.is_err() {
        tracing::debug!("logging was set up already");
    }
}

/// What a host is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Functions, pipelines, models, packages.
    Host,
    /// Packages alone: nothing that is deployed in its database answers or is woken.
    Registry,
}

/// Serves until SIGTERM or Ctrl-C, then drains.
pub(crate) async fn up(config: Config, settings: Vec<Setting>, role: Role, printer: &Printer) -> Result<()> {
    let certificate = config.tls()?.map(tls::Certificate::load).transpose()?;
    let demand = config.access().demand;
    let listener = TcpListener::bind(config.listen).await.map_err(|error| {
        Stop::new(Exit::Failed, format!("could not listen on {}: {error}", config.listen))
            .hint("name another address with --listen, or port 0 for a free one")
    })?;
    let address = listener.local_addr().context("could not read the address")?;
    let drain = Duration::from_secs(config.drain_s);
    let bounds =
        listen::Bounds { connections: config.max_connections, head: Duration::from_secs(config.head_s), drain };
    let (data, library) = (config.data.clone(), config.marketplace.clone());
    let host = Host::build(config, Place::Disk).await?;
    if let Err(stop) = check_tokens(&host, demand, &data).await {
        host.close().await;
        return Err(stop);
    }
    let stop = CancellationToken::new();
    let (tasks, front) = match role {
        Role::Host => {
            let tasks = host.start(&stop).await?;
            host.triggers.start(&tasks, &stop);
            (tasks, host.front(settings, &stop))
        }
        Role::Registry => (TaskTracker::new(), host.registry_front(settings, &stop)),
    };
    tasks.close();
    tasks.spawn(host.packages.catalogue().clone().follow(stop.clone()));
    packages::offer_library(&tasks, &host.packages, &library, &stop);
    let acceptor = certificate.as_ref().map(tls::Certificate::acceptor).transpose()?;
    let scheme = if acceptor.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{address}");
    printer.answer(&serde_json::json!({ "url": url }), || format!("listening on {url}"));
    let serving = tokio::spawn(listen::serve(listener, acceptor, front, stop.clone(), bounds));
    if let Some(certificate) = certificate {
        let until = stop.clone();
        tokio::spawn(async move {
            if let Err(error) = certificate.follow(until).await {
                tracing::warn!("a new certificate will not be noticed: {error:#}");
            }
        });
    }
    signal().await?;
    tracing::info!("draining");
    host.drain(&stop, drain).await;
    let _ = serving.await;
    tasks.wait().await;
    host.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// A host that demands tokens, and that nobody could administer with one, would be of no use to anybody.
async fn check_tokens(host: &Host, demand: Demand, data: &Path) -> Result<()> {
    if demand == Demand::Nothing || host.store.has_admin_token().await.context("could not read the tokens")? {
        return Ok(());
    }
    let what = "this host demands tokens, and there is none yet that an admin could show";
    let hint = format!("fn tokens create NAME --role admin --local --data {}", data.display());
    Err(Stop::new(Exit::Refused, what).hint(hint).into())
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
