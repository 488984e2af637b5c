//! `fn up`: be the host.

use anyhow::{Context, Result};

use crate::{
    args::UpArgs,
    config,
    serve::{self, Role},
    ui::Printer,
};

/// Serves until SIGTERM or Ctrl-C, then drains.
pub(super) fn run(args: &UpArgs, role: Role, printer: &Printer) -> Result<()> {
    let config = config::load(args)?;
    serve::logging();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if config.threads > 0 {
        builder.worker_threads(config.threads);
    }
    let runtime = builder.enable_all().build().context("could not start the runtime")?;
    runtime.block_on(serve::up(config, config::settings(args)?, role, printer))
}
