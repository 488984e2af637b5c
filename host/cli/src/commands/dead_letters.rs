//! `fn dead-letters`: list, show, replay.

use anyhow::Result;
use host_core::clock::Clock as _;
use host_wire::{
    Page,
    dead_letter::{Content, DeadLetter},
};

use crate::{
    args::{DeadLettersCommand, DeadLettersListArgs},
    client::Client,
    ui::{Printer, Table, ago},
};

/// Does what was asked of events that were given up.
pub(super) async fn run(command: DeadLettersCommand, client: &Client, printer: &Printer) -> Result<()> {
    match command {
        DeadLettersCommand::List(args) => list(&args, client, printer).await,
        DeadLettersCommand::Show(args) => show(&args.id, client, printer).await,
        DeadLettersCommand::Replay(args) => replay(&args.ids, client, printer).await,
    }
}

async fn list(args: &DeadLettersListArgs, client: &Client, printer: &Printer) -> Result<()> {
    let page: Page<DeadLetter> = client.get(&client.in_project("/dead-letters"), &query(args)).await?;
    printer.answer(&page, || table(&page.items));
    match (&page.next, page.items.first()) {
        (Some(next), _) => printer.next(&format!("fn dead-letters list --after {next}, for more")),
        (None, Some(first)) => printer.next(&format!("fn dead-letters show {}", first.id)),
        (None, None) => printer.say("no event was given up"),
    }
    Ok(())
}

fn query(args: &DeadLettersListArgs) -> Vec<(&'static str, String)> {
    let mut query = vec![("limit", args.limit.to_string())];
    if let Some(of) = &args.of {
        let (function, trigger) = of.split_once('/').map_or((of.as_str(), None), |(it, name)| (it, Some(name)));
        query.push(("function", function.to_owned()));
        query.extend(trigger.map(|it| ("trigger", it.to_owned())));
    }
    query.extend(args.after.iter().map(|it| ("after", it.clone())));
    query
}

async fn show(id: &str, client: &Client, printer: &Printer) -> Result<()> {
    let letter: DeadLetter = client.get(&client.in_project(&format!("/dead-letters/{id}")), &[]).await?;
    printer.answer(&letter, || text(&letter));
    if letter.replayed_at.is_none() {
        printer.next(&format!("fn dead-letters replay {id}"));
    }
    Ok(())
}

/// One after the other; the first that fails again ends it.
async fn replay(ids: &[String], client: &Client, printer: &Printer) -> Result<()> {
    for id in ids {
        let path = client.in_project(&format!("/dead-letters/{id}/replay"));
        let letter: DeadLetter = client.post(&path, &serde_json::json!({})).await?;
        printer.answer(&letter, || letter.id.clone());
        printer.done(&format!("letter {id} was taken by `{}` this time", letter.function));
    }
    Ok(())
}

fn table(letters: &[DeadLetter]) -> String {
    let now = host_core::clock::SystemClock.now();
    let mut table = Table::new(&["letter", "trigger", "given up", "why", "attempts", "read at", "replayed"]);
    for it in letters {
        table.row([
            it.id.clone(),
            format!("{}/{}", it.function, it.trigger),
            ago(it.at, now),
            it.failure.code.clone(),
            it.attempts.to_string(),
            place(it).unwrap_or_else(|| "-".to_owned()),
            it.replayed_at.map_or_else(|| "-".to_owned(), |at| ago(at, now)),
        ]);
    }
    table.text()
}

fn place(letter: &DeadLetter) -> Option<String> {
    letter.place.as_ref().map(|it| format!("{}/{}/{}", it.topic, it.partition, it.offset))
}

fn text(it: &DeadLetter) -> String {
    let event = &it.event;
    let mut lines = vec![
        format!("{} · {}/{} ({})", it.id, it.function, it.trigger, it.kind),
        format!("given up   {:.3}, after {} attempts{}", it.at, it.attempts, again(it.times)),
        format!("why        {}: {}", it.failure.code, it.failure.message),
    ];
    lines.extend(place(it).map(|place| format!("read at    {place}")));
    lines.extend(it.revision.map(|revision| format!("revision   {revision}")));
    lines.extend(it.replayed_at.map(|at| format!("replayed   {at:.3}")));
    lines.push(format!("event      {} · {} · {}", event.id, event.r#type, event.source));
    let attributes = [("subject", &event.subject), ("time", &event.time), ("content", &event.content_type)];
    lines.extend(attributes.into_iter().filter_map(|(name, value)| Some(format!("{name:<10} {}", value.as_ref()?))));
    lines.extend(event.extensions.iter().map(|(name, value)| format!("{name:<10} {value}")));
    lines.extend(event.key.as_ref().map(|key| format!("key        {}", content(key))));
    lines.extend(event.data.as_ref().map(|data| format!("\n{}", content(data))));
    lines.join("\n")
}

/// How often in all, where it was more than once.
fn again(times: u32) -> String {
    if times > 1 { format!(", {times} times in all") } else { String::new() }
}

fn content(content: &Content) -> String {
    match content {
        Content::Text(text) => text.clone(),
        Content::Base64(text) => format!("{text} (base64)"),
    }
}
