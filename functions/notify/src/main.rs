//! Tells people what happened: posts a message to a webhook as Slack takes it.

mod events;
mod message;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use weft::{
    Event, Failure, Run, config,
    http::{self, Fetched},
};

use crate::message::Message;

/// The secret that is the webhook's address, as `function.toml` grants it.
const WEBHOOK: &str = "notify-webhook";
/// How long the webhook may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// An answer says whether it worked; what is longer is no answer to this.
const ANSWER: u64 = 64 << 10;

/// What to tell.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Params {
    /// The first line.
    title: String,
    text: String,
    /// What is told below the text, by name.
    facts: Map<String, Value>,
}

/// What came of it.
#[derive(Debug, PartialEq, Serialize)]
struct Told {
    status: u16,
}

#[weft::job]
fn tell(params: Params, run: &Run) -> Result<(), Failure> {
    let Params { title, text, facts } = params;
    if title.is_empty() && text.is_empty() && facts.is_empty() {
        return Err(Failure::invalid("nothing-to-tell", "give a title, a text or facts"));
    }
    let told = post(&Message::new(title, text, facts))?;
    run.result("status", &told.status)
}

/// Events of the platform, and whatever else is posted to it.
#[weft::handler]
fn notify(event: Event<Value>) -> Result<Told, Failure> {
    post(&events::message(&event)?)
}

fn post(message: &Message) -> Result<Told, Failure> {
    let webhook = config::require(WEBHOOK)?;
    let answer =
        http::post(webhook.trim()).timeout(PATIENCE).at_most(ANSWER).json(&message.as_slack_takes_it())?.send()?;
    judged(&answer)
}

/// What a webhook that is busy or broken may take later, and what it will never take.
fn judged(answer: &Fetched) -> Result<Told, Failure> {
    let status = answer.status;
    match status {
        200..=299 => Ok(Told { status }),
        408 | 425 | 429 | 500..=599 => {
            let failure = Failure::transient("webhook-busy", format!("the webhook answered {status}"));
            let wait = answer.header("retry-after").and_then(|it| it.trim().parse().ok());
            Err(match wait {
                Some(seconds) => failure.retry_after(Duration::from_secs(seconds)),
                None => failure,
            })
        }
        400 | 413 | 422 => {
            Err(Failure::invalid("bad-message", format!("the webhook answered {status}: it does not take the message")))
        }
        _ => Err(Failure::fatal(
            "webhook-refused",
            format!("the webhook answered {status}: set another address with fn secrets set {WEBHOOK}"),
        )),
    }
}

#[cfg(test)]
mod tests;
