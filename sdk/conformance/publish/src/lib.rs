//! A handler that sends as many events as it is told, where it is told, for the tests of hosts.

use serde::Deserialize;
use serde_json::{Value, json};
use weft::{Event, Failure, Output, publish};

/// What to send.
#[derive(Deserialize)]
struct Wanted {
    /// Where to, by the manifest's name for it.
    to: String,
    /// The type of each event.
    #[serde(default = "wanted")]
    r#type: String,
    /// What each says.
    events: Vec<Value>,
    /// What each is ordered by.
    key: Option<String>,
    /// Which inlet of a function it enters.
    #[serde(default)]
    outlet: String,
    /// Whether to fail once all were sent.
    #[serde(default)]
    then_fail: bool,
}

fn wanted() -> String {
    "wanted".to_owned()
}

#[weft::handler]
fn send(event: Event<Wanted>) -> Result<Output<Value>, Failure> {
    let Wanted { to, r#type, events, key, outlet, then_fail } = event.data;
    let outputs: Vec<_> = events
        .into_iter()
        .map(|data| Output {
            key: key.clone().map(Into::into),
            ..Output::new(r#type.clone(), data).outlet(outlet.clone())
        })
        .collect();
    let count = outputs.len();
    publish::send(&to, outputs)?;
    if then_fail {
        return Err(Failure::transient("asked", "after it was sent"));
    }
    Ok(Output::new("sent", json!(count)))
}
