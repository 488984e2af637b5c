//! `fn triggers`: list, show, pause, resume, seek.

use anyhow::Result;
use host_core::clock::Clock as _;
use host_wire::{
    Page,
    trigger::{MoveTrigger, Place, SeekTo, Trigger, TriggerState},
};
use jiff::Timestamp;

use crate::{
    args::{TriggersCommand, TriggersSeekArgs},
    client::Client,
    ui::{Exit, Printer, Stop, Table, ago},
};

/// Does what was asked of triggers.
pub(super) async fn run(command: TriggersCommand, client: &Client, printer: &Printer) -> Result<()> {
    match command {
        TriggersCommand::List => list(client, printer).await,
        TriggersCommand::Show(args) => show(&args.trigger, client, printer).await,
        TriggersCommand::Pause(args) => pause(&args.trigger, client, printer).await,
        TriggersCommand::Resume(args) => resume(&args.trigger, client, printer).await,
        TriggersCommand::Seek(args) => seek(&args, client, printer).await,
    }
}

async fn list(client: &Client, printer: &Printer) -> Result<()> {
    let page = all(client).await?;
    printer.answer(&page, || table(&page.items));
    if page.items.is_empty() {
        printer.next("[[triggers]] in function.toml, then fn deploy; docs/triggers.md has every kind");
    }
    Ok(())
}

async fn show(trigger: &str, client: &Client, printer: &Printer) -> Result<()> {
    let trigger = find(trigger, client).await?;
    printer.answer(&trigger, || text(&trigger));
    if trigger.dead_letters > 0 {
        printer.next(&format!("fn dead-letters list {}/{}", trigger.function, trigger.name));
    }
    Ok(())
}

async fn pause(trigger: &str, client: &Client, printer: &Printer) -> Result<()> {
    let (name, trigger) = post(trigger, "pause", &serde_json::json!({}), client).await?;
    printer.answer(&trigger, || trigger.state.as_str().to_owned());
    printer.done(&format!("trigger `{name}` is paused, until it is resumed"));
    printer.next(&format!("fn triggers resume {name}"));
    Ok(())
}

async fn resume(trigger: &str, client: &Client, printer: &Printer) -> Result<()> {
    let (name, trigger) = post(trigger, "resume", &serde_json::json!({}), client).await?;
    printer.answer(&trigger, || trigger.state.as_str().to_owned());
    printer.done(&format!("trigger `{name}` goes on"));
    Ok(())
}

async fn seek(args: &TriggersSeekArgs, client: &Client, printer: &Printer) -> Result<()> {
    let to = MoveTrigger { to: place(&args.to)? };
    let (name, trigger) = post(&args.trigger.trigger, "seek", &to, client).await?;
    printer.answer(&trigger, || trigger.state.as_str().to_owned());
    printer.done(&format!("trigger `{name}` goes on at {} once it is resumed", args.to));
    printer.next(&format!("fn triggers resume {name}"));
    Ok(())
}

/// Every trigger of the project.
pub(super) async fn all(client: &Client) -> Result<Page<Trigger>, Stop> {
    client.get(&client.in_project("/triggers"), &[]).await
}

async fn post(
    trigger: &str,
    verb: &str,
    body: &impl serde::Serialize,
    client: &Client,
) -> Result<(String, Trigger), Stop> {
    let Trigger { function, name, .. } = find(trigger, client).await?;
    let path = client.in_project(&format!("/triggers/{function}/{name}/{verb}"));
    Ok((format!("{function}/{name}"), client.post(&path, body).await?))
}

/// The trigger that is meant: of a function with one only, its name may be left out.
async fn find(text: &str, client: &Client) -> Result<Trigger, Stop> {
    let (function, name) = text.split_once('/').map_or((text, None), |(function, name)| (function, Some(name)));
    let fits = |it: &Trigger| it.function.as_str() == function && name.is_none_or(|name| it.name == name);
    let mut those: Vec<Trigger> = all(client).await?.items.into_iter().filter(fits).collect();
    if those.len() > 1 {
        let names: Vec<_> = those.iter().map(|it| format!("{function}/{}", it.name)).collect();
        let what = format!("`{function}` has {} triggers", names.len());
        return Err(Stop::new(Exit::Usage, what).hint(format!("name one of {}", names.join(", "))));
    }
    those.pop().ok_or_else(|| {
        Stop::new(Exit::NotFound, format!("there is no trigger `{text}`"))
            .hint("`fn triggers list` shows those there are")
    })
}

fn place(text: &str) -> Result<SeekTo, Stop> {
    match text {
        "earliest" => return Ok(SeekTo::Earliest),
        "latest" => return Ok(SeekTo::Latest),
        _ => {}
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(SeekTo::Time(at));
    }
    let parts: Vec<_> = text.rsplitn(3, '/').collect();
    let place = match parts[..] {
        [offset, partition, topic] => offset
            .parse()
            .ok()
            .zip(partition.parse().ok())
            .map(|(offset, partition)| Place { topic: topic.to_owned(), partition, offset }),
        _ => None,
    };
    place.map(SeekTo::Place).ok_or_else(|| {
        Stop::new(Exit::Usage, format!("`{text}` is no place of a stream"))
            .hint("--to earliest, latest, a moment such as 2026-01-31T08:00:00Z, or TOPIC/PARTITION/OFFSET")
    })
}

fn table(triggers: &[Trigger]) -> String {
    let now = host_core::clock::SystemClock.now();
    let mut table = Table::new(&["trigger", "kind", "reads", "state", "lag", "per s", "events", "dead", "last event"]);
    for it in triggers {
        table.row([
            format!("{}/{}", it.function, it.name),
            it.kind.clone(),
            it.reads.clone(),
            state(it),
            it.lag.map_or_else(|| "-".to_owned(), |lag| lag.to_string()),
            format!("{:.1}", it.per_second),
            it.events.to_string(),
            it.dead_letters.to_string(),
            it.last_event_at.map_or_else(|| "-".to_owned(), |at| ago(at, now)),
        ]);
    }
    table.text()
}

/// Its state and, where it is not well, why.
pub(super) fn state(trigger: &Trigger) -> String {
    let state = trigger.state.as_str();
    let is_well = matches!(trigger.state, TriggerState::Running | TriggerState::Starting);
    match trigger.cause.as_deref().filter(|_| !is_well) {
        Some(cause) => format!("{state}: {cause}"),
        None => state.to_owned(),
    }
}

fn text(it: &Trigger) -> String {
    let now = host_core::clock::SystemClock.now();
    let mut lines = vec![
        format!("{}/{} · {}", it.function, it.name, it.kind),
        format!("reads       {}", it.reads),
        format!("state       {}", state(it)),
        format!("events      {} · {:.1} per second", it.events, it.per_second),
        format!("failures    {} · {} given up", it.failures, it.dead_letters),
    ];
    lines.extend(it.lag.map(|lag| format!("lag         {lag}")));
    lines.extend(it.last_event_at.map(|at| format!("last event  {} ({at:.3})", ago(at, now))));
    lines.extend(it.next_at.map(|at| format!("next        {at:.0}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_word_a_moment_or_an_offset_of_a_topic() {
        assert_eq!(place("earliest").unwrap(), SeekTo::Earliest);
        assert_eq!(place("1970-01-01T00:00:00Z").unwrap(), SeekTo::Time(Timestamp::UNIX_EPOCH));
        let expected = Place { topic: "orders.v1".into(), partition: 3, offset: 17 };
        assert_eq!(place("orders.v1/3/17").unwrap(), SeekTo::Place(expected));
        for wrong in ["", "yesterday", "orders/17", "orders/x/17", "orders/3/-1"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
