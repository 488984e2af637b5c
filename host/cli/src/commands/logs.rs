//! `fn logs`: what functions wrote and logged, and what they are writing now.

use anyhow::Result;
use futures_util::StreamExt;
use host_wire::{
    Page,
    log::{Level, LogLine},
};
use owo_colors::OwoColorize;

use crate::{
    args::LogsArgs,
    client::{Client, sse_data},
    ui::Printer,
};

/// Shows the latest lines, oldest first, and follows when asked.
pub(super) async fn run(args: &LogsArgs, client: &Client, printer: &Printer) -> Result<()> {
    let mut query = Vec::new();
    query.extend(args.name.iter().map(|it| ("function", it.clone())));
    query.extend(args.call.iter().map(|it| ("call", it.clone())));
    show(&query, args.limit, args.follow, client, printer).await
}

/// Lines that fit `query`.
pub(super) async fn show(
    query: &[(&str, String)],
    limit: u32,
    follow: bool,
    client: &Client,
    printer: &Printer,
) -> Result<()> {
    if follow {
        return keep_following(query, limit, client, printer).await;
    }
    let lines = latest(query, limit as usize, client).await?;
    for line in lines.iter().rev() {
        printer.answer(line, || text(line));
    }
    if lines.is_empty() {
        printer.say("no lines yet");
    }
    Ok(())
}

/// The latest lines, newest first, page by page.
async fn latest(query: &[(&str, String)], limit: usize, client: &Client) -> Result<Vec<LogLine>> {
    let mut lines = Vec::new();
    let mut after = None;
    while lines.len() < limit {
        let mut query = query.to_vec();
        query.extend([("limit", (limit - lines.len()).to_string()), ("order", "newest".to_owned())]);
        query.extend(after.map(|after| ("after", after)));
        let page: Page<LogLine> = client.get(&client.in_project("/logs"), &query).await?;
        lines.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(lines)
}

/// The latest lines, then every new one until interrupted, or until a followed run is over.
async fn keep_following(query: &[(&str, String)], limit: u32, client: &Client, printer: &Printer) -> Result<()> {
    let mut query = query.to_vec();
    query.push(("tail", limit.to_string()));
    let stream = client.stream(&client.in_project("/logs/follow"), &query).await?;
    let mut events = sse_data(Box::pin(stream));
    while let Some(data) = events.next().await {
        if let Ok(line) = serde_json::from_str::<LogLine>(&data?) {
            printer.answer(&line, || text(&line));
        }
    }
    Ok(())
}

fn text(line: &LogLine) -> String {
    let level = match line.level {
        Level::Error => "error".red().to_string(),
        Level::Warn => "warn ".yellow().to_string(),
        Level::Info => "info ".green().to_string(),
        Level::Debug => "debug".dimmed().to_string(),
        Level::Trace => "trace".dimmed().to_string(),
    };
    let source = line.step.clone().unwrap_or_else(|| line.function.to_string());
    let fields: String = line.fields.iter().map(|(name, value)| format!(" {}={value}", name.dimmed())).collect();
    format!("{:.3} {level} {source}: {}{fields}", line.at, line.message)
}
