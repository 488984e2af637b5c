//! `fn audit list`: who changed what, and from where.

use anyhow::Result;
use host_wire::{Page, audit::AuditEvent};

use crate::{
    args::{AuditCommand, AuditListArgs},
    client::Client,
    ui::{Printer, Table},
};

/// Lists changes of the project, or of all and of the host itself.
pub(super) async fn run(command: &AuditCommand, client: &Client, printer: &Printer) -> Result<()> {
    let AuditCommand::List(args) = command;
    let path = if args.all { "/api/v1/audit".to_owned() } else { client.in_project("/audit") };
    let page: Page<AuditEvent> = client.get(&path, &query(args)).await?;
    printer.answer(&page, || table(&page.items));
    match &page.next {
        Some(next) => printer.next(&format!("fn audit list --after {next}, for more")),
        None if page.items.is_empty() => printer.say("no changes yet"),
        None => {}
    }
    Ok(())
}

fn query(args: &AuditListArgs) -> Vec<(&'static str, String)> {
    let mut query = vec![("limit", args.limit.to_string())];
    query.extend(args.subject.iter().map(|it| ("subject", it.clone())));
    query.extend(args.after.iter().map(|it| ("after", it.clone())));
    query
}

fn table(events: &[AuditEvent]) -> String {
    let mut table = Table::new(&["when", "who", "what", "of", "project", "from", "token"]);
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    for it in events {
        table.row([
            format!("{:.3}", it.at),
            it.who.clone(),
            it.action.clone(),
            it.subject.clone(),
            or_none(it.project.as_ref().map(ToString::to_string)),
            or_none(it.from.map(|it| it.to_string())),
            or_none(it.token.map(|it| it.to_string())),
        ]);
    }
    table.text()
}
