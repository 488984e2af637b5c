//! The triggers of a host that run: how they are doing, and what may be asked of them.

use host_core::{Name, call, ports};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a trigger is doing on the host that answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trigger {
    /// The function that it wakes.
    #[schema(value_type = String)]
    pub function: Name,
    /// Its name there.
    pub name: String,
    /// `kafka`, `amqp`, `schedule` or `event`.
    pub kind: String,
    /// What it reads: topics, a queue, an expression.
    pub reads: String,
    /// What it is doing.
    pub state: TriggerState,
    /// Why, where it is not well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// How many events wait at the broker, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<u64>,
    /// Events settled since the host started.
    pub events: u64,
    /// Events per second over the last minute.
    pub per_second: f64,
    /// Attempts that failed since the host started.
    pub failures: u64,
    /// Events given up since the host started.
    pub dead_letters: u64,
    /// When the last event was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event_at: Option<Timestamp>,
    /// When it comes next, for a schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
}

/// What a trigger is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TriggerState {
    /// It is being opened.
    Starting,
    /// It reads.
    Running,
    /// Somebody stopped it, or a fatal failure did.
    Paused,
    /// It waits before it tries an event again.
    BackingOff,
    /// It cannot read; it goes on trying.
    Failing,
}

impl TriggerState {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::BackingOff => "backing off",
            Self::Failing => "failing",
        }
    }
}

/// Where a paused trigger goes on reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveTrigger {
    /// The place.
    pub to: SeekTo,
}

/// A place on a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SeekTo {
    /// The oldest event there is.
    Earliest,
    /// The next event to come.
    Latest,
    /// The first event at or after this moment.
    Time(Timestamp),
    /// This place of one partition.
    Place(Place),
}

/// Where on a stream an event is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The topic or queue.
    pub topic: String,
    /// The partition; 0 for a queue.
    pub partition: u32,
    /// The offset, or the delivery's number.
    pub offset: u64,
}

impl From<call::Place> for Place {
    fn from(place: call::Place) -> Self {
        let call::Place { topic, partition, offset } = place;
        Self { topic: topic.as_ref().to_owned(), partition, offset }
    }
}

impl From<SeekTo> for ports::Seek {
    fn from(to: SeekTo) -> Self {
        match to {
            SeekTo::Earliest => Self::Earliest,
            SeekTo::Latest => Self::Latest,
            SeekTo::Time(at) => Self::Time(at),
            SeekTo::Place(Place { topic, partition, offset }) => {
                Self::Place(call::Place { topic: topic.into(), partition, offset })
            }
        }
    }
}

impl From<ports::TriggerState> for TriggerState {
    fn from(state: ports::TriggerState) -> Self {
        match state {
            ports::TriggerState::Starting => Self::Starting,
            ports::TriggerState::Running => Self::Running,
            ports::TriggerState::Paused => Self::Paused,
            ports::TriggerState::BackingOff => Self::BackingOff,
            ports::TriggerState::Failing => Self::Failing,
        }
    }
}

impl From<ports::TriggerStatus> for Trigger {
    fn from(it: ports::TriggerStatus) -> Self {
        Self {
            function: it.id.function,
            name: it.id.name,
            kind: it.kind,
            reads: it.reads,
            state: it.state.into(),
            cause: it.cause,
            lag: it.lag,
            events: it.events,
            per_second: it.per_second,
            failures: it.failures,
            dead_letters: it.dead_letters,
            last_event_at: it.last_event_at,
            next_at: it.next_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_word_a_moment_or_an_offset() {
        let read = |text: &str| serde_json::from_str::<MoveTrigger>(text).map(|it| it.to);
        assert_eq!(read(r#"{"to": "earliest"}"#).unwrap(), SeekTo::Earliest);
        assert_eq!(read(r#"{"to": {"time": "1970-01-01T00:00:00Z"}}"#).unwrap(), SeekTo::Time(Timestamp::UNIX_EPOCH));
        let place = Place { topic: "orders".into(), partition: 1, offset: 7 };
        let text = r#"{"to": {"place": {"topic": "orders", "partition": 1, "offset": 7}}}"#;
        assert_eq!(read(text).unwrap(), SeekTo::Place(place));
        assert!(read(r#"{"to": "yesterday"}"#).is_err() && read(r#"{"to": "latest", "x": 1}"#).is_err());
    }
}
