//! `fn gc`: what nobody needs any more, told first and taken away when asked to.

use anyhow::Result;
use host_core::size::Millis;
use host_wire::gc::{Gc, GcGroup, GcReport};

use crate::{
    args::GcArgs,
    client::Client,
    ui::{Exit, Printer, Stop, Table, bytes},
};

/// Asks the host.
pub(super) async fn run(args: &GcArgs, client: &Client, printer: &Printer) -> Result<()> {
    let body = Gc {
        apply: args.apply,
        keep_runs: time("--keep-runs", args.keep_runs.as_deref())?,
        keep_last: args.keep_last,
        keep_uploads: time("--keep-uploads", args.keep_uploads.as_deref())?,
        keep_revisions: args.keep_revisions,
        grace: time("--grace", args.grace.as_deref())?,
    };
    let report: GcReport = client.post("/api/v1/gc", &body).await?;
    printer.answer(&report, || table(&report));
    tell(&report, printer);
    Ok(())
}

fn time(option: &str, text: Option<&str>) -> Result<Option<Millis>, Stop> {
    let read = text.map(str::parse::<Millis>).transpose();
    read.map_err(|error| Stop::new(Exit::Usage, format!("{option}: {error}")))
}

fn table(report: &GcReport) -> String {
    let mut table = Table::new(&["what", "size", "why", "id"]);
    for group in [&report.runs, &report.revisions, &report.uploads, &report.artifacts] {
        for it in &group.first {
            let size = if it.bytes > 0 { bytes(it.bytes) } else { String::new() };
            table.row([it.what.clone(), size, it.why.clone(), it.id.clone()]);
        }
    }
    if count(report) == 0 { String::new() } else { table.text() }
}

fn tell(report: &GcReport, printer: &Printer) {
    for (name, group) in groups(report) {
        let told = group.first.len() as u64;
        if group.count > told {
            printer.say(&format!("  and {} more", counted(group.count - told, name)));
        }
    }
    let (kept, young) = (report.kept, report.young);
    printer.say(&format!("  needed: {}, {}", counted(kept.count, "artifact"), bytes(kept.bytes)));
    if young.count > 0 {
        printer.say(&format!("  too young to go: {}, {}", counted(young.count, "artifact"), bytes(young.bytes)));
    }
    let parts: Vec<String> =
        groups(report).iter().filter(|it| it.1.count > 0).map(|(name, it)| counted(it.count, name)).collect();
    let size = bytes(report.artifacts.bytes);
    match (count(report), report.applied) {
        (0, _) => printer.done("nothing to take away"),
        (_, true) => printer.done(&format!("took away {}: {size}", parts.join(", "))),
        (_, false) => {
            printer.done(&format!("would take away {}: {size}; nothing went yet", parts.join(", ")));
            printer.next("the same with --apply");
        }
    }
}

fn groups(report: &GcReport) -> [(&'static str, &GcGroup); 4] {
    [
        ("run", &report.runs),
        ("revision", &report.revisions),
        ("upload", &report.uploads),
        ("artifact", &report.artifacts),
    ]
}

fn counted(count: u64, name: &str) -> String {
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

fn count(report: &GcReport) -> u64 {
    groups(report).iter().map(|(_, group)| group.count).sum()
}
