//! `fn artifacts`: list, show, get.

use std::path::Path;

use anyhow::Result;
use futures_util::{Stream, StreamExt};
use host_wire::{Page, artifact::Artifact};
use tokio::io::AsyncWriteExt;

use crate::{
    args::{ArtifactsCommand, ArtifactsGetArgs, ArtifactsListArgs},
    client::Client,
    ui::{Exit, Printer, Stop, Table, bytes},
};

/// Does what was asked of artifacts.
pub(super) async fn run(command: ArtifactsCommand, client: &Client, printer: &Printer) -> Result<()> {
    match command {
        ArtifactsCommand::List(args) => list(&args, client, printer).await,
        ArtifactsCommand::Show(args) => show(&args.digest, client, printer).await,
        ArtifactsCommand::Get(args) => get(&args, client, printer).await,
    }
}

async fn list(args: &ArtifactsListArgs, client: &Client, printer: &Printer) -> Result<()> {
    let mut query = vec![("limit", args.limit.to_string())];
    query.extend(args.run.iter().map(|it| ("run", it.clone())));
    query.extend(args.kind.iter().map(|it| ("kind", it.clone())));
    let page: Page<Artifact> = client.get(&client.in_project("/artifacts"), &query).await?;
    printer.answer(&page, || table(&page.items));
    if page.items.is_empty() {
        printer.say("no artifacts yet");
    }
    Ok(())
}

fn table(artifacts: &[Artifact]) -> String {
    let mut table = Table::new(&["digest", "kind", "size", "name", "step", "made"]);
    for it in artifacts {
        let kind = format!("{:?}", it.kind).to_lowercase();
        let step = it.step.clone().unwrap_or_default();
        table.row([
            it.digest.to_string(),
            kind,
            bytes(it.size),
            it.name.clone(),
            step,
            format!("{:.0}", it.created_at),
        ]);
    }
    table.text()
}

async fn show(digest: &str, client: &Client, printer: &Printer) -> Result<()> {
    let made: Artifact = client.get(&client.in_project(&format!("/artifacts/{digest}")), &[]).await?;
    printer.answer(&made, || text(&made));
    Ok(())
}

fn text(artifact: &Artifact) -> String {
    let kind = format!("{:?}", artifact.kind).to_lowercase();
    let mut lines = vec![format!("{} · {kind} · {}", artifact.name, bytes(artifact.size)), artifact.digest.to_string()];
    if let (Some(run), Some(step)) = (&artifact.run, &artifact.step) {
        lines.push(format!("made by step {step} of run {run}"));
    }
    if !artifact.metadata.is_null() {
        lines.push(serde_json::to_string_pretty(&artifact.metadata).unwrap_or_default());
    }
    lines.join("\n")
}

async fn get(args: &ArtifactsGetArgs, client: &Client, printer: &Printer) -> Result<()> {
    let path = client.in_project(&format!("/artifacts/{}/content", args.digest));
    let stream = Box::pin(client.stream(&path, &[]).await?);
    match &args.output {
        Some(file) => {
            let size = to_file(stream, file).await?;
            printer.answer(&serde_json::json!({ "digest": args.digest, "file": file, "bytes": size }), || {
                file.display().to_string()
            });
            printer.done(&format!("wrote {} ({})", file.display(), bytes(size)));
        }
        None => to_stdout(stream, printer).await?,
    }
    Ok(())
}

async fn to_file(mut stream: impl Stream<Item = Result<bytes::Bytes, Stop>> + Unpin, file: &Path) -> Result<u64> {
    let failed =
        |error: std::io::Error| Stop::new(Exit::Failed, format!("could not write {}: {error}", file.display()));
    let mut out = tokio::fs::File::create(file).await.map_err(failed)?;
    let mut size = 0;
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        size += piece.len() as u64;
        out.write_all(&piece).await.map_err(failed)?;
    }
    out.flush().await.map_err(failed)?;
    Ok(size)
}

async fn to_stdout(
    mut stream: impl Stream<Item = Result<bytes::Bytes, Stop>> + Unpin,
    printer: &Printer,
) -> Result<()> {
    while let Some(piece) = stream.next().await {
        printer.raw(&piece?);
    }
    Ok(())
}
