//! `fn models streams`: add, list, show, remove.

use anyhow::Result;
use host_core::{Name, manifest::Trigger};
use host_wire::{
    Page,
    model_stream::{AddModelStream, ModelStream},
};
use serde_json::{Value, json};

use crate::{
    args::{StreamArgs, StreamsAddArgs, StreamsCommand},
    client::Client,
    ui::{Exit, Printer, Stop, Table},
};

/// How many models one call takes: each is loaded before it is answered for.
const BATCH: u32 = 10;

/// Does what was asked of model streams.
pub(super) async fn run(command: StreamsCommand, client: &Client, printer: &Printer) -> Result<()> {
    match command {
        StreamsCommand::Add(args) => add(args.as_ref(), client, printer).await,
        StreamsCommand::List => list(client, printer).await,
        StreamsCommand::Show(args) => show(&args, client, printer).await,
        StreamsCommand::Remove(args) => remove(&args, client, printer).await,
    }
}

async fn add(args: &StreamsAddArgs, client: &Client, printer: &Printer) -> Result<()> {
    let (name, alias) = (name(&args.name)?, name(&args.alias)?);
    let body = AddModelStream { source: source(args)?, alias };
    let stream: ModelStream = client.put(&path(client, &name), &body).await?;
    printer.answer(&stream, || stream.name.to_string());
    printer.done(&format!("models of {} become `{}` as they come", reads(&stream.source), stream.alias));
    printer.next(&format!("fn triggers show models/{}", stream.name));
    Ok(())
}

/// What is read, as a manifest would have it.
fn source(args: &StreamsAddArgs) -> Result<Trigger, Stop> {
    let source = match (&args.from, &args.amqp) {
        (Some(file), _) => return from_file(file),
        (None, Some(url)) => json!({ "kind": "amqp", "url": url, "queue": args.queue, "username": args.username,
            "password": args.password, "batch": { "events": BATCH }, "ordered": true }),
        (None, None) if !args.kafka.is_empty() => json!({ "kind": "kafka", "brokers": args.kafka,
            "topics": args.topic, "group": args.group, "batch": { "events": BATCH } }),
        (None, None) => {
            return Err(Stop::new(Exit::Usage, "the stream reads nothing")
                .hint(format!("fn models streams add {} --kafka localhost:9092 --topic models", args.name)));
        }
    };
    read(source).map_err(|error| Stop::new(Exit::Usage, error))
}

fn from_file(file: &std::path::Path) -> Result<Trigger, Stop> {
    let stop = |error: String| {
        Stop::new(Exit::Usage, format!("could not read what to read: {error}")).at(file.display().to_string())
    };
    let text = std::fs::read_to_string(file).map_err(|error| stop(error.to_string()))?;
    let mut source: Value = toml::from_str(&text).map_err(|error| stop(error.to_string()))?;
    if source.get("kind").is_none() {
        source["kind"] = if source.get("queue").is_some() { "amqp" } else { "kafka" }.into();
    }
    read(source).map_err(stop)
}

fn read(source: Value) -> Result<Trigger, String> {
    let trigger: Trigger = serde_json::from_value(source).map_err(|error| error.to_string())?;
    trigger.check()?;
    Ok(trigger)
}

async fn list(client: &Client, printer: &Printer) -> Result<()> {
    let page: Page<ModelStream> = client.get(&client.in_project("/model-streams"), &[]).await?;
    printer.answer(&page, || {
        let mut table = Table::new(&["stream", "reads", "alias", "by"]);
        for it in &page.items {
            table.row([it.name.to_string(), reads(&it.source), it.alias.to_string(), it.created_by.clone()]);
        }
        table.text()
    });
    if page.items.is_empty() {
        printer.next("fn models streams add NAME --kafka HOST:PORT --topic TOPIC");
    }
    Ok(())
}

async fn show(args: &StreamArgs, client: &Client, printer: &Printer) -> Result<()> {
    let stream: ModelStream = client.get(&path(client, &name(&args.name)?), &[]).await?;
    printer.answer(&stream, || {
        let ModelStream { name, source, alias, created_by, created_at } = &stream;
        format!("{name}\nreads {}\nputs in force as `{alias}`\nby {created_by}, {created_at:.0}", reads(source))
    });
    Ok(())
}

async fn remove(args: &StreamArgs, client: &Client, printer: &Printer) -> Result<()> {
    let name = name(&args.name)?;
    client.delete(&path(client, &name)).await?;
    printer.answer(&json!({ "removed": name }), String::new);
    printer.done(&format!("model stream `{name}` is read no more; what it brought stays"));
    Ok(())
}

fn reads(source: &Trigger) -> String {
    match source {
        Trigger::Kafka(it) => format!("kafka {}", it.topics.join(", ")),
        Trigger::Amqp(it) => format!("amqp {}", it.queue),
        other => other.kind().to_owned(),
    }
}

fn path(client: &Client, name: &Name) -> String {
    client.in_project(&format!("/model-streams/{name}"))
}

fn name(text: &str) -> Result<Name, Stop> {
    text.parse().map_err(|error: host_core::name::InvalidName| Stop::new(Exit::Usage, error.to_string()))
}
