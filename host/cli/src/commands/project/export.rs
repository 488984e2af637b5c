//! `fn project export`: a project as one file.

use anyhow::Result;

use crate::{
    args::ProjectExportArgs,
    client::Client,
    commands::backup::{Draft, pour},
    ui::{Printer, bytes},
};

/// Writes the file.
pub(super) async fn run(args: &ProjectExportArgs, client: &Client, printer: &Printer) -> Result<()> {
    let draft = Draft::beside(&args.file)?;
    let path = format!("/api/v1/projects/{}/export", args.name);
    let stream = Box::pin(client.stream(&path, &[("runs", (!args.no_runs).to_string())]).await?);
    let size = pour(stream, &draft).await?;
    draft.keep(&args.file)?;
    let answer = serde_json::json!({ "project": args.name, "file": args.file, "bytes": size });
    printer.answer(&answer, || args.file.display().to_string());
    printer.done(&format!("wrote project {} to {} ({})", args.name, args.file.display(), bytes(size)));
    printer.next(&format!("fn project import {} --host OTHER", args.file.display()));
    Ok(())
}
