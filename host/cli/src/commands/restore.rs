//! `fn restore`: a backup into an installation that is empty.

use std::{io::Write as _, path::Path, sync::Arc};

use anyhow::{Context, Result};
use host_core::clock::SystemClock;

use super::backup::{artifacts, configuration, key_file, table};
use crate::{
    args::RestoreArgs,
    ui::{Exit, Printer, Stop},
};

/// Restores a backup; no host may be using the folder.
pub(super) async fn run(args: &RestoreArgs, printer: &Printer) -> Result<()> {
    let config = configuration(&args.installation)?;
    let bytes = artifacts(&config).await?;
    let restoring = host_store::restore(args.file.clone(), config.store.clone(), bytes, Arc::new(SystemClock));
    let restored = restoring.await.with_context(|| format!("could not restore {}", args.file.display()))?;
    if let Some(key) = &restored.key {
        write_key(&key_file(&config), key)?;
    }
    printer.answer(&restored.summary, || table(&restored.summary));
    printer.done("everything is restored and was compared");
    if restored.summary.artifacts.is_none() {
        printer.warn("the backup holds no artifacts: start the host with the object store it was used with");
    }
    if !restored.summary.key {
        printer.say("  secrets stay sealed until the host has their key");
    }
    printer.next(&format!("fn up --data {}", config.data.display()));
    Ok(())
}

/// Writes the key where the host looks for it, readable by its owner alone.
fn write_key(file: &Path, key: &[u8]) -> Result<(), Stop> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let open = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    open.and_then(|mut it| it.write_all(key)).map_err(|error| {
        Stop::new(Exit::Failed, format!("could not write the key of the secrets to {}: {error}", file.display()))
            .hint("the rows are restored; put the key in place by hand")
    })
}
