//! What wakes a function: requests, messages of a broker, the clock, or what happens on the platform.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::{
    Name,
    event::FailureKind,
    retry::Retry,
    size::{ByteSize, Millis},
};

mod amqp;
mod event;
mod http;
mod kafka;
mod schedule;

pub use amqp::{Amqp, AmqpTrigger, Binding, QueueType};
pub use event::EventTrigger;
pub use http::{Auth, Cors, HttpTrigger};
pub use kafka::{Delivery, Kafka, KafkaTrigger, Order, Sasl, Start};
pub use schedule::{Missed, Overlap, ScheduleTrigger};

/// What wakes a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Trigger {
    /// An HTTP request.
    Http(HttpTrigger),
    /// Records of Kafka topics.
    Kafka(KafkaTrigger),
    /// Messages of an AMQP queue.
    Amqp(AmqpTrigger),
    /// The clock.
    Schedule(ScheduleTrigger),
    /// What happens on the platform.
    Event(EventTrigger),
}

impl Trigger {
    /// The word for its kind, as records bear it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Kafka(_) => "kafka",
            Self::Amqp(_) => "amqp",
            Self::Schedule(_) => "schedule",
            Self::Event(_) => "event",
        }
    }

    /// Its name among the triggers of its function: what the manifest says, else its kind. Routes have none.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        let given = match self {
            Self::Http(_) => return None,
            Self::Kafka(it) => it.name.as_ref(),
            Self::Amqp(it) => it.name.as_ref(),
            Self::Schedule(it) => it.name.as_ref(),
            Self::Event(it) => it.name.as_ref(),
        };
        Some(given.map_or(self.kind(), Name::as_str))
    }

    /// What it reads, for people: a route, topics, a queue, an expression, types.
    #[must_use]
    pub fn reads(&self) -> String {
        match self {
            Self::Http(it) => it.path.clone(),
            Self::Kafka(it) => it.topics.join(", "),
            Self::Amqp(it) => it.queue.clone(),
            Self::Schedule(it) => format!("{} ({})", it.cron, it.zone),
            Self::Event(it) => it.types.join(", "),
        }
    }

    /// The route, where it is one.
    #[must_use]
    pub fn http(&self) -> Option<&HttpTrigger> {
        match self {
            Self::Http(http) => Some(http),
            _ => None,
        }
    }

    /// The secrets it is opened with.
    #[must_use]
    pub fn secrets(&self) -> Vec<&Name> {
        match self {
            Self::Kafka(it) => it.cluster.secrets(),
            Self::Amqp(it) => it.server.secrets(),
            Self::Http(HttpTrigger { auth: Some(Auth::Basic(users)), .. }) => vec![users],
            _ => Vec::new(),
        }
    }

    /// What the types cannot say of it.
    ///
    /// # Errors
    /// When it names nothing to read, or a bound is out of range.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Http(it) => it.check(),
            Self::Kafka(it) => it.check(),
            Self::Amqp(it) => it.check(),
            Self::Schedule(it) => it.check(),
            Self::Event(it) => it.check(),
        }
    }
}

/// What the types cannot say of a manifest's triggers.
pub(super) fn check(triggers: &[Trigger]) -> Result<(), String> {
    let mut names = HashSet::new();
    for trigger in triggers {
        trigger.check()?;
        if let Some(name) = trigger.name().filter(|name| !names.insert(*name)) {
            return Err(format!(
                "two triggers are called `{name}`: give one of the {} triggers another `name`",
                trigger.kind()
            ));
        }
    }
    Ok(())
}

/// How many events one call is given, and how long the first of them waits for the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Batch {
    /// The most events.
    pub events: u32,
    /// The most bytes of their data.
    pub bytes: ByteSize,
    /// The longest wait.
    pub wait: Millis,
}

impl Default for Batch {
    fn default() -> Self {
        Self { events: 500, bytes: ByteSize(64 << 10), wait: Millis(5) }
    }
}

impl Batch {
    fn check(&self) -> Result<(), String> {
        if self.events == 0 || self.events > 10_000 {
            return Err(format!("batch.events is {}: it must be between 1 and 10000", self.events));
        }
        if self.bytes.0 == 0 {
            return Err("batch.bytes must be more than 0".into());
        }
        if self.wait.0 > 60_000 {
            return Err(format!("batch.wait is {}: a batch waits for a minute at most", self.wait));
        }
        Ok(())
    }
}

/// How often an event that failed is tried again before it becomes a dead letter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamRetry {
    /// How often it is tried in all, the first attempt included.
    pub attempts: u32,
    /// The wait before the second attempt.
    pub backoff: Millis,
    /// By how much each further wait is longer than the one before.
    pub factor: f64,
    /// The longest wait.
    pub max_backoff: Millis,
}

impl Default for StreamRetry {
    fn default() -> Self {
        Self { attempts: 5, backoff: Millis(200), factor: 2.0, max_backoff: Millis(30_000) }
    }
}

impl StreamRetry {
    /// The rule that it is: what may work later is tried again.
    #[must_use]
    pub fn rule(&self) -> Retry {
        Retry {
            attempts: self.attempts,
            on: vec![FailureKind::Transient],
            backoff: self.backoff,
            factor: self.factor,
            max_backoff: self.max_backoff,
        }
    }

    fn check(&self) -> Result<(), String> {
        let most = crate::retry::MAX_ATTEMPTS;
        if self.attempts == 0 || self.attempts > most {
            return Err(format!("retry.attempts is {}: it must be between 1 and {most}", self.attempts));
        }
        if !(1.0..=100.0).contains(&self.factor) {
            return Err(format!("retry.factor is {}: it must be between 1 and 100", self.factor));
        }
        Ok(())
    }
}

/// How a connection is encrypted. Whatever is named here is a secret of the project that holds PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The authorities that are trusted; those of the system, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<Name>,
    /// What the host shows of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Name>,
    /// The key that belongs to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Name>,
}

impl Tls {
    fn secrets(&self) -> impl Iterator<Item = &Name> {
        [&self.ca, &self.certificate, &self.key].into_iter().flatten()
    }

    fn check(&self) -> Result<(), String> {
        if self.certificate.is_some() == self.key.is_some() {
            return Ok(());
        }
        Err("tls.certificate and tls.key go together: name both or none".into())
    }
}

/// A text that names something at a broker: not empty, not too long, no control characters.
fn check_text(what: &str, text: &str) -> Result<(), String> {
    if text.is_empty() || text.len() > 255 || text.chars().any(char::is_control) {
        return Err(format!(
            "{what} `{}` is empty, longer than 255 bytes or holds control characters",
            text.escape_debug()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
