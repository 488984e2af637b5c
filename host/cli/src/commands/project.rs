//! `fn project`: list, export, import.

mod export;
mod import;

use anyhow::Result;
use host_wire::Page;

use crate::{args::ProjectCommand, client::Client, ui::Printer};

/// Does what was asked of projects.
pub(super) async fn run(command: ProjectCommand, client: &Client, printer: &Printer) -> Result<()> {
    match command {
        ProjectCommand::List => list(client, printer).await,
        ProjectCommand::Export(args) => export::run(&args, client, printer).await,
        ProjectCommand::Import(args) => import::run(&args, client, printer).await,
    }
}

async fn list(client: &Client, printer: &Printer) -> Result<()> {
    let page: Page<String> = client.get("/api/v1/projects", &[]).await?;
    printer.answer(&page.items, || page.items.join("\n"));
    Ok(())
}
