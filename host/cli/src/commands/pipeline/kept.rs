//! Pipelines that are kept in a project.

use std::path::Path;

use anyhow::Result;
use host_core::{Name, clock::Clock as _};
use host_wire::{
    Page,
    pipeline::{Check, Pipeline},
};

use super::read;
use crate::{
    client::Client,
    ui::{Exit, Printer, Stop, Table, ago},
};

/// Keeps a pipeline and puts it in force.
pub(super) async fn deploy(file: &Path, client: &Client, printer: &Printer) -> Result<()> {
    let body = Check { pipeline: read(file)? };
    let kept: Pipeline = client.post(&client.in_project("/pipelines"), &body).await?;
    printer.answer(&kept, || kept.name.to_string());
    printer.done(&format!("pipeline `{}` is in force (version {})", kept.name, kept.number));
    printer.next(&if kept.triggers.is_empty() {
        format!("fn pipeline submit {}", kept.name)
    } else {
        "fn triggers list".to_owned()
    });
    Ok(())
}

/// Lists those in force.
pub(super) async fn list(client: &Client, printer: &Printer) -> Result<()> {
    let page: Page<Pipeline> = client.get(&client.in_project("/pipelines"), &[]).await?;
    printer.answer(&page, || table(&page.items));
    if page.items.is_empty() {
        printer.next("fn pipeline deploy FILE");
    }
    Ok(())
}

fn table(pipelines: &[Pipeline]) -> String {
    let now = host_core::clock::SystemClock.now();
    let mut table = Table::new(&["pipeline", "version", "started by", "since", "by"]);
    for it in pipelines {
        let reads: Vec<&str> = it.triggers.iter().map(|it| it.reads.as_str()).collect();
        let cells = [it.name.to_string(), it.number.to_string(), reads.join("; "), ago(it.since, now)];
        table.row(cells.into_iter().chain([it.created_by.clone()]).collect::<Vec<_>>());
    }
    table.text()
}

/// Shows the text of one.
pub(super) async fn show(name: &str, client: &Client, printer: &Printer) -> Result<()> {
    let kept: Pipeline = client.get(&path(name, client)?, &[]).await?;
    printer.answer(&kept, || kept.pipeline.clone().unwrap_or_default().trim_end().to_owned());
    for it in &kept.triggers {
        printer.say(&format!("{} `{}`: {}", it.kind, it.trigger, it.reads));
    }
    Ok(())
}

/// Takes one out of force.
pub(super) async fn delete(name: &str, client: &Client, printer: &Printer) -> Result<()> {
    client.delete(&path(name, client)?).await?;
    printer.answer(&serde_json::json!({ "deleted": name }), String::new);
    printer.done(&format!("pipeline `{name}` is out of force"));
    Ok(())
}

fn path(name: &str, client: &Client) -> Result<String, Stop> {
    let name: Name =
        name.parse().map_err(|error: host_core::name::InvalidName| Stop::new(Exit::Usage, error.to_string()))?;
    Ok(client.in_project(&format!("/pipelines/{name}")))
}
