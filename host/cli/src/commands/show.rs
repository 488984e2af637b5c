//! `fn show`: a function, its revisions and its latest calls.

use anyhow::Result;
use host_wire::{Page, call::Call, function::FunctionDetail, trigger::Trigger};
use serde_json::json;

use crate::{
    args::NameArgs,
    client::Client,
    ui::{Printer, Table, bytes, duration_us},
};

/// Shows a function.
pub(super) async fn run(args: &NameArgs, client: &Client, printer: &Printer) -> Result<()> {
    let path = client.in_project(&format!("/functions/{}", args.name));
    let detail: FunctionDetail = client.get(&path, &[]).await?;
    let query = [("function", args.name.clone()), ("limit", "10".to_owned())];
    let calls: Page<Call> = client.get(&client.in_project("/calls"), &query).await?;
    let triggers = super::triggers::all(client).await?.items;
    let triggers: Vec<Trigger> = triggers.into_iter().filter(|it| it.function == detail.function.name).collect();
    let answer = json!({ "function": detail, "triggers": triggers, "calls": calls.items });
    printer.answer(&answer, || text(&detail, &triggers, &calls.items));
    Ok(())
}

fn text(detail: &FunctionDetail, triggers: &[Trigger], calls: &[Call]) -> String {
    let function = &detail.function;
    let limits = &detail.manifest.limits;
    let mut lines = vec![format!("{} · revision {}", function.name, function.revision)];
    lines.extend(function.description.clone());
    lines.extend(function.path.as_ref().map(|path| format!("path      {path}")));
    lines.extend(
        function
            .routes
            .iter()
            .map(|it| format!("route     {}{} {}", it.host.as_deref().unwrap_or(""), it.path, it.methods.join(" "))),
    );
    let trigger = |it: &Trigger| {
        let state = super::triggers::state(it);
        format!("trigger   {} ({}) reads {} · {state}", it.name, it.kind, it.reads)
    };
    lines.extend(triggers.iter().map(trigger));
    lines.push(format!(
        "limits    {} · {} · {} at once",
        limits.call_timeout(),
        limits.call_memory(),
        limits.concurrency
    ));
    let grants = &detail.manifest.grants;
    let models = grants.model.iter().map(|it| format!("model {it}"));
    let network = grants.http.iter().map(|it| format!("http {it}"));
    let network = network.chain(grants.tcp.iter().map(|it| format!("tcp {it}")));
    let granted: Vec<String> = models.chain(network).collect();
    lines.push(format!("grants    {}", if granted.is_empty() { "none".to_owned() } else { granted.join(" · ") }));
    if let Some(of) = &detail.package {
        let signed = of.signed_by.map_or_else(|| "not verified".to_owned(), |key| format!("signed by {}", key.short()));
        lines.push(format!("package   {}@{} · {} · {signed}", of.name, of.version, of.source));
    }
    lines.push(String::new());
    lines.push(activations(detail));
    if !calls.is_empty() {
        lines.push(String::new());
        lines.push(call_table(calls));
    }
    lines.join("\n")
}

fn activations(detail: &FunctionDetail) -> String {
    let mut table = Table::new(&["revision", "active since", "by", "reason"]);
    for it in detail.activations.iter().take(10) {
        table.row([it.revision.to_string(), format!("{:.0}", it.at), it.who.clone(), it.reason.clone()]);
    }
    table.text()
}

fn call_table(calls: &[Call]) -> String {
    let mut table = Table::new(&["call", "at", "trigger", "ended", "took", "cpu", "memory"]);
    for it in calls {
        let ended = it
            .failure
            .as_ref()
            .map_or_else(|| format!("{:?}", it.verdict).to_lowercase(), |failure| failure.code.clone());
        table.row([
            it.id.to_string(),
            format!("{:.3}", it.started_at),
            it.trigger.clone(),
            ended,
            duration_us(it.usage.duration_us),
            duration_us(it.usage.cpu_us),
            bytes(it.usage.memory_bytes),
        ]);
    }
    table.text()
}
