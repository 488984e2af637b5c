//! The same host in this process, without a listener: what `--local` runs on.

use std::{path::Path, time::Duration};

use anyhow::Result;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::host::{Host, Place};
use crate::{args::UpArgs, client::Client, config};

/// A host for one command, and a client of it.
pub(crate) struct Local {
    host: Host,
    client: Client,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Local {
    /// Builds and starts a host on the data folder; another host must not be using it.
    pub(crate) async fn start(data: Option<&Path>, project: &str) -> Result<Self> {
        let args = UpArgs {
            data: data.map(Path::to_owned),
            database_url: std::env::var("DATABASE_URL").ok(),
            ..UpArgs::default()
        };
        let host = Host::build(config::load(&args)?.unreachable(), Place::Disk).await?;
        let stop = CancellationToken::new();
        let tasks = host.start(&stop).await?;
        let client = Client::local(host.router(config::settings(&args)?, &stop), project)?;
        Ok(Self { host, client, stop, tasks })
    }

    /// A client of the host.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Ends the host and writes what is left to write.
    pub(crate) async fn stop(self) {
        self.host.drain(&self.stop, Duration::from_secs(5)).await;
        self.tasks.wait().await;
        self.host.close().await;
    }
}
