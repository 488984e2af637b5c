//! What an event has to tell people.

use serde_json::{Map, Value, json};
use weft::{Event, Failure};

use crate::message::Message;

/// How much of an event that nobody knows is told, characters.
const MOST: usize = 500;

/// The message of an event: of the platform by its type, of others by their `title`, `text` and `facts`.
pub(crate) fn message(event: &Event<Value>) -> Result<Message, Failure> {
    let data = &event.data;
    let subject = event.subject.as_deref().unwrap_or("?");
    let text = |key: &str| data[key].as_str().unwrap_or("?").to_owned();
    let short = |title: String| Ok(Message::new(title, String::new(), Map::new()));
    match event.kind.as_str() {
        "weft.run.finished" => short(format!("{} `{}` finished", kind(data), text("name"))),
        "weft.run.cancelled" => short(format!("{} `{}` was cancelled", kind(data), text("name"))),
        "weft.run.failed" => Ok(failed(data, subject)),
        "weft.model.registered" => short(format!("Model `{subject}` is registered")),
        "weft.model.promoted" => short(promoted(data, subject)),
        "weft.endpoint.served" => short(format!("Endpoint `{subject}` serves another version")),
        "weft.function.activated" => short(format!("Function `{subject}` has a new revision")),
        "weft.function.deleted" => short(format!("Function `{subject}` is deleted")),
        "weft.trigger.unhealthy" => Ok(unhealthy(data, subject)),
        _ => other(event),
    }
}

fn kind(data: &Value) -> &'static str {
    if data["kind"] == "pipeline" { "Pipeline" } else { "Run of" }
}

fn failed(data: &Value, run: &str) -> Message {
    let name = data["name"].as_str().unwrap_or("?");
    let why = data["failure"]["message"].as_str().or_else(|| data["failure"].as_str()).unwrap_or_default().to_owned();
    let mut facts = Map::from_iter([("run".to_owned(), json!(run))]);
    if let Some(code) = data["failure"]["code"].as_str() {
        facts.insert("code".to_owned(), json!(code));
    }
    Message::new(format!("{} `{name}` failed", kind(data)), why, facts)
}

fn promoted(data: &Value, subject: &str) -> String {
    let (model, alias) = (data["model"].as_str(), data["alias"].as_str());
    match (model, alias, data["to"].as_u64()) {
        (Some(model), Some(alias), Some(to)) => format!("Model `{model}`: `{alias}` is now version {to}"),
        _ => format!("Model `{subject}` is promoted"),
    }
}

fn unhealthy(data: &Value, subject: &str) -> Message {
    let why = ["message", "reason", "failure", "error"].into_iter().find_map(|it| data[it].as_str());
    Message::new(format!("Trigger `{subject}` cannot read"), why.unwrap_or_default().to_owned(), Map::new())
}

/// An event of somebody's own.
fn other(event: &Event<Value>) -> Result<Message, Failure> {
    let data = &event.data;
    let text = |key: &str| data[key].as_str().map(str::to_owned);
    let facts = data["facts"].as_object().cloned();
    if text("text").is_some() || text("title").is_some() || facts.is_some() {
        return Ok(Message::new(
            text("title").unwrap_or_default(),
            text("text").unwrap_or_default(),
            facts.unwrap_or_default(),
        ));
    }
    if data.is_null() {
        return Err(Failure::invalid("nothing-to-tell", "the event has no data: give title, text or facts"));
    }
    let shown: String = data.to_string().chars().take(MOST).collect();
    let title = [Some(event.kind.as_str()), event.subject.as_deref()].into_iter().flatten().collect::<Vec<_>>();
    Ok(Message::new(title.join(" "), shown, Map::new()))
}
