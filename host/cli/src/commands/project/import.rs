//! `fn project import`: a file as a project.

use anyhow::Result;
use host_wire::transfer::Imported;
use reqwest::{Body, Method, header};

use crate::{
    args::ProjectImportArgs,
    client::Client,
    ui::{Exit, Printer, Stop, Table},
};

/// Sends the file.
pub(super) async fn run(args: &ProjectImportArgs, client: &Client, printer: &Printer) -> Result<()> {
    let file = tokio::fs::File::open(&args.file)
        .await
        .map_err(|error| Stop::new(Exit::Usage, format!("could not read {}: {error}", args.file.display())))?;
    let query: Vec<_> = args.name.iter().map(|name| ("as", name.clone())).collect();
    let pieces = tokio_util::io::ReaderStream::with_capacity(file, 256 << 10);
    let request = client
        .request(Method::POST, "/api/v1/projects")
        .query(&query)
        .header(header::CONTENT_TYPE, "application/gzip")
        .body(Body::wrap_stream(pieces));
    let imported: Imported = client.read(client.send(request).await?).await?;
    printer.answer(&imported, || table(&imported));
    printer.done(&format!("project {} is there", imported.project));
    for secret in &imported.secrets {
        printer.next(&format!("fn secrets set {secret} --project {}", imported.project));
    }
    if imported.secrets.is_empty() {
        printer.next(&format!("fn list --project {}", imported.project));
    }
    Ok(())
}

fn table(imported: &Imported) -> String {
    let mut table = Table::new(&["table", "rows"]);
    for (name, rows) in &imported.rows {
        table.row([name.clone(), rows.to_string()]);
    }
    table.row(["artifacts".to_owned(), imported.artifacts.to_string()]);
    table.text()
}
