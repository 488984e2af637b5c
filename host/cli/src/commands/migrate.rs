//! `fn migrate`: an installation to another database, every row compared.

use std::sync::Arc;

use anyhow::{Context, Result};
use host_core::clock::SystemClock;
use host_store::{Config as Store, Move};

use super::backup::{artifacts, configuration, table};
use crate::{args::MigrateArgs, config::Config, ui::Printer};

/// Moves the installation; no host may be using it. It is left as it is.
pub(super) async fn run(args: &MigrateArgs, printer: &Printer) -> Result<()> {
    let config = configuration(&args.installation)?;
    let to = target(&args.to, args.artifacts.clone(), &config.store);
    let moved = Config { store: to.clone(), ..config.clone() };
    let bytes = match args.artifacts {
        Some(_) => Some((artifacts(&config).await?, artifacts(&moved).await?)),
        None => None,
    };
    let moving = host_store::migrate(Move { from: config.store.clone(), to, artifacts: bytes }, Arc::new(SystemClock));
    let summary = moving.await.context("could not migrate")?;
    printer.answer(&summary, || table(&summary));
    printer.done("every row is there, and was compared");
    printer.say(&format!("  {} is as it was", config.store.data.display()));
    printer.next(&next(args, &config));
    Ok(())
}

/// A URL of Postgres, or a folder.
fn target(to: &str, artifacts: Option<String>, from: &Store) -> Store {
    let artifacts = artifacts.or_else(|| from.artifacts.clone());
    if to.contains("://") && !to.starts_with("sqlite://") {
        return Store { url: Some(to.to_owned()), artifacts, ..from.clone() };
    }
    let folder = to.strip_prefix("sqlite://").unwrap_or(to);
    Store { url: None, data: folder.into(), artifacts, ..from.clone() }
}

fn next(args: &MigrateArgs, config: &Config) -> String {
    let artifacts = args.artifacts.as_ref().map(|it| format!("WEFT_STORE__ARTIFACTS={it} ")).unwrap_or_default();
    if args.to.starts_with("postgres") {
        format!("{artifacts}DATABASE_URL=… fn up --data {}, the same folder for artifacts", config.data.display())
    } else {
        format!("{artifacts}fn up --data {}", args.to)
    }
}
