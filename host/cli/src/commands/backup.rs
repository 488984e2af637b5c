//! `fn backup`: an installation as one file, from a host that runs or from the folder of one that does not.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};
use futures_util::{Stream, StreamExt};
use host_core::clock::{Clock, SystemClock};
use host_store::{ArtifactStore, Backup, BackupParts, Database, Summary};
use tokio::io::AsyncWriteExt;

use crate::{
    args::{BackupArgs, Installation, UpArgs},
    client::Client,
    config::{self, Config},
    ui::{Exit, Printer, Stop, Table, bytes},
};

/// Writes a backup.
pub(super) async fn run(args: &BackupArgs, client: &Client, printer: &Printer) -> Result<()> {
    let draft = Draft::beside(&args.file)?;
    if args.local {
        let summary = local(args, &draft).await?;
        draft.keep(&args.file)?;
        printer.answer(&summary, || table(&summary));
        tell_key(&summary, printer);
    } else {
        let artifacts = (!args.no_artifacts).to_string();
        let stream = Box::pin(client.stream("/api/v1/backup", &[("artifacts", artifacts)]).await?);
        let size = pour(stream, &draft).await?;
        draft.keep(&args.file)?;
        let answer = serde_json::json!({ "file": args.file, "bytes": size });
        printer.answer(&answer, || args.file.display().to_string());
        printer.done(&format!("wrote {} ({})", args.file.display(), bytes(size)));
        printer.say("  the key of the secrets is not in it; keep it apart");
    }
    printer.next(&format!("fn restore {} --data NEW-FOLDER", args.file.display()));
    Ok(())
}

async fn local(args: &BackupArgs, draft: &Draft) -> Result<Summary> {
    let config = configuration(&args.installation)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let key = if args.with_key { Some(read_key(&config)?) } else { None };
    let database = Database::source(&config.store, clock.clone()).await.context("could not open the installation")?;
    let artifacts = if args.no_artifacts { None } else { Some(artifacts(&config).await?) };
    let parts =
        BackupParts { database: &database, artifacts, key, release: env!("CARGO_PKG_VERSION"), now: clock.now() };
    let backup = Backup::prepare(parts).await.context("could not read the installation")?;
    let summary = backup.write(draft.create()?).await.context("could not write the backup")?;
    database.close().await;
    Ok(summary)
}

fn tell_key(summary: &Summary, printer: &Printer) {
    if summary.key {
        printer.warn("the key of the secrets is in the file: whoever has it can read them");
    } else {
        printer.say("  the key of the secrets is not in it; keep it apart");
    }
}

/// The configuration of an installation that no host is using.
pub(super) fn configuration(installation: &Installation) -> Result<Config, Stop> {
    let Installation { data, database_url, config } = installation;
    let args =
        UpArgs { data: data.clone(), database_url: database_url.clone(), config: config.clone(), ..UpArgs::default() };
    Ok(config::load(&args)?.unreachable())
}

/// The artifact store that the configuration names.
pub(super) async fn artifacts(config: &Config) -> Result<ArtifactStore> {
    let opened = ArtifactStore::configured(&config.store, &config.objects, &config.data, &SystemClock).await;
    opened.context("could not open the artifact store")
}

/// Where the key of the secrets is kept.
pub(super) fn key_file(config: &Config) -> PathBuf {
    config.secrets.key_file.clone().unwrap_or_else(|| config.data.join("secret.key"))
}

fn read_key(config: &Config) -> Result<Vec<u8>, Stop> {
    let file = key_file(config);
    std::fs::read(&file).map_err(|error| {
        Stop::new(Exit::Failed, format!("could not read the key of the secrets in {}: {error}", file.display()))
            .hint("leave out --with-key where there are no secrets, or the key is in the environment")
    })
}

/// Tables and how many rows of each.
pub(super) fn table(summary: &Summary) -> String {
    let mut table = Table::new(&["table", "rows"]);
    for (name, rows) in &summary.tables {
        table.row([name.clone(), rows.to_string()]);
    }
    if let Some(count) = summary.artifacts {
        table.row(["artifacts".to_owned(), format!("{count} ({})", bytes(summary.artifact_bytes))]);
    }
    table.text()
}

/// A file that gets its name once it is whole.
pub(super) struct Draft(PathBuf);

impl Draft {
    /// Beside `file`, which must not be there.
    pub(super) fn beside(file: &Path) -> Result<Self, Stop> {
        if file.exists() {
            return Err(Stop::new(Exit::Refused, format!("{} is there already", file.display()))
                .hint("choose another name, or remove it first"));
        }
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        Ok(Self(file.with_file_name(name)))
    }

    /// The file to write to. What is in it is for its owner alone.
    pub(super) fn create(&self) -> Result<File, Stop> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let open = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.0);
        open.map_err(|error| Stop::new(Exit::Failed, format!("could not write {}: {error}", self.0.display())))
    }

    /// Gives it its name.
    pub(super) fn keep(self, file: &Path) -> Result<(), Stop> {
        let kept = File::open(&self.0).and_then(|it| it.sync_all()).and_then(|()| std::fs::rename(&self.0, file));
        kept.map_err(|error| Stop::new(Exit::Failed, format!("could not write {}: {error}", file.display())))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Half a file is worse than none; one that was kept has another name by now.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Writes what comes.
pub(super) async fn pour(
    mut stream: impl Stream<Item = Result<bytes::Bytes, Stop>> + Unpin,
    draft: &Draft,
) -> Result<u64, Stop> {
    let failed = |error: std::io::Error| Stop::new(Exit::Failed, format!("could not write the file: {error}"));
    let mut out = tokio::fs::File::from_std(draft.create()?);
    let mut size = 0;
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        size += piece.len() as u64;
        out.write_all(&piece).await.map_err(failed)?;
    }
    out.flush().await.map_err(failed)?;
    Ok(size)
}
