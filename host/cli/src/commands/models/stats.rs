//! `fn models stats`: how often a model was asked, and how long it took.

use anyhow::Result;
use host_core::clock::Clock as _;
use host_wire::stats::{ModelStats, VersionStats};

use crate::{
    args::ModelArgs,
    client::Client,
    ui::{Printer, Table, ago},
};

/// Tells what the host counted.
pub(super) async fn run(args: &ModelArgs, client: &Client, printer: &Printer) -> Result<()> {
    let stats: ModelStats = client.get(&client.in_project(&format!("/models/{}/stats", args.model)), &[]).await?;
    printer.answer(&stats, || table(&stats));
    if stats.in_force.is_none() && stats.others.is_empty() {
        printer.say(&format!("nobody asked `{}` on this host yet", stats.model));
    }
    Ok(())
}

fn table(stats: &ModelStats) -> String {
    let now = host_core::clock::SystemClock.now();
    let mut table = Table::new(&["version", "since", "usage", "errors", "mean", "p50", "p90", "p99", "max"]);
    let mut row = |it: &VersionStats, mark: &str| {
        let milliseconds = |value: f64| format!("{value:.3} ms");
        table.row([
            format!("{}{mark}", it.version.number),
            ago(it.since, now),
            it.usage.to_string(),
            it.errors.to_string(),
            milliseconds(it.mean_ms),
            milliseconds(it.p50_ms),
            milliseconds(it.p90_ms),
            milliseconds(it.p99_ms),
            milliseconds(it.max_ms),
        ]);
    };
    stats.in_force.iter().for_each(|it| row(it, " in force"));
    stats.others.iter().for_each(|it| row(it, ""));
    table.text()
}
