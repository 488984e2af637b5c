//! The triggers of a host that run: what they do, and what people ask of them.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Name, RevisionId,
    call::Place,
    event::{Event, Failure},
    function::Entries,
    manifest::Manifest,
    page::{Page, PageRequest},
};

/// One trigger.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TriggerId {
    /// The project.
    pub project: Name,
    /// The function that it wakes, or the model stream or pipeline that it belongs to.
    pub function: Name,
    /// Its name there.
    pub name: String,
}

impl fmt::Display for TriggerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.function, self.name)
    }
}

/// What a trigger is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
            Self::BackingOff => "backing-off",
            Self::Failing => "failing",
        }
    }
}

/// How a trigger of this host is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerStatus {
    /// Which one.
    pub id: TriggerId,
    /// Its kind.
    pub kind: String,
    /// What it reads: topics, a queue, an expression.
    pub reads: String,
    /// What it is doing.
    pub state: TriggerState,
    /// Why, where it is not well.
    pub cause: Option<String>,
    /// How many events wait at the broker, where that is known.
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
    pub last_event_at: Option<Timestamp>,
    /// When it comes next, for a schedule.
    pub next_at: Option<Timestamp>,
}

/// Where a trigger goes on reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seek {
    /// With the oldest there is.
    Earliest,
    /// With the next to come.
    Latest,
    /// With the first at or after this moment.
    Time(Timestamp),
    /// At this place of one partition.
    Place(Place),
}

/// Why a trigger did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is none of that name.
    #[error("there is no trigger `{0}`; `fn triggers list` shows those there are")]
    NotFound(String),
    /// It cannot do that.
    #[error("{0}")]
    Unsupported(String),
    /// It is in the wrong state, such as running where it must be paused.
    #[error("{0}")]
    State(String),
    /// It did not work.
    #[error("{0}")]
    Failed(String),
}

/// The triggers of this host.
#[async_trait]
pub trait Sources: Send + Sync {
    /// Those of a project, in order of function and name.
    fn list(&self, project: &Name) -> Vec<TriggerStatus>;

    /// Those of every project.
    fn all(&self) -> Vec<TriggerStatus>;

    /// Stops one on every host until it is resumed; what is in flight is settled first.
    async fn pause(&self, id: &TriggerId, who: &str) -> Result<(), SourceError>;

    /// Lets one go on.
    async fn resume(&self, id: &TriggerId, who: &str) -> Result<(), SourceError>;

    /// Moves a paused one to another place of its stream.
    async fn seek(&self, id: &TriggerId, to: Seek, who: &str) -> Result<(), SourceError>;

    /// Hands a dead letter to its function once more; the outputs go where the trigger sends them.
    async fn replay(&self, letter: &DeadLetter, who: &str) -> Result<(), SourceError>;
}

/// No triggers at all: a host that only answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSources;

#[async_trait]
impl Sources for NoSources {
    fn list(&self, _: &Name) -> Vec<TriggerStatus> {
        Vec::new()
    }

    fn all(&self) -> Vec<TriggerStatus> {
        Vec::new()
    }

    async fn pause(&self, id: &TriggerId, _: &str) -> Result<(), SourceError> {
        Err(SourceError::NotFound(id.to_string()))
    }

    async fn resume(&self, id: &TriggerId, _: &str) -> Result<(), SourceError> {
        Err(SourceError::NotFound(id.to_string()))
    }

    async fn seek(&self, id: &TriggerId, _: Seek, _: &str) -> Result<(), SourceError> {
        Err(SourceError::NotFound(id.to_string()))
    }

    async fn replay(&self, letter: &DeadLetter, _: &str) -> Result<(), SourceError> {
        Err(SourceError::NotFound(letter.trigger.to_string()))
    }
}

/// What is remembered of triggers on all hosts.
#[async_trait]
pub trait TriggerMemory: Send + Sync {
    /// Those that are paused, and why.
    async fn paused(&self) -> Result<Vec<(TriggerId, String)>, SourceError>;

    /// Pauses one, with the reason, or lets it go on.
    async fn set_paused(&self, id: &TriggerId, reason: Option<&str>, who: &str) -> Result<(), SourceError>;

    /// Pauses one because of a failure, and tells so as `trigger.unhealthy`.
    async fn halt(&self, id: &TriggerId, reason: &str) -> Result<(), SourceError> {
        self.set_paused(id, Some(reason), "").await?;
        self.unhealthy(id, reason).await
    }

    /// Tells that a trigger cannot read, once per change of its cause.
    async fn unhealthy(&self, id: &TriggerId, cause: &str) -> Result<(), SourceError>;

    /// Notes that a trigger reads again, so that the next cause is told whatever it is.
    async fn healthy(&self, _id: &TriggerId) -> Result<(), SourceError> {
        Ok(())
    }

    /// Notes that somebody moved a trigger to another place of its stream.
    async fn moved(&self, _id: &TriggerId, _to: &Seek, _who: &str) -> Result<(), SourceError> {
        Ok(())
    }
}

/// Says what keeps the triggers of a function from working, before the function is released.
#[async_trait]
pub trait TriggerCheck: Send + Sync {
    /// Whether the triggers of a function with these entries can work; warnings, when they can.
    ///
    /// # Errors
    /// When one of them never will: what is wrong, and what to write instead.
    async fn check(&self, project: &Name, manifest: &Manifest, entries: Entries) -> Result<Vec<String>, String>;
}

/// An event that was given up, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Its identity, the same however often the event is read again.
    pub id: String,
    /// Whose it is.
    pub trigger: TriggerId,
    /// The kind of trigger.
    pub kind: String,
    /// When; the last time, where it was more than once.
    pub at: Timestamp,
    /// The event as it came.
    pub event: Event,
    /// Where it was read.
    pub place: Option<Place>,
    /// Why.
    pub failure: Failure,
    /// The code that gave it up.
    pub revision: Option<RevisionId>,
    /// How often it was tried.
    pub attempts: u32,
    /// How often it was given up: more than once where it was read or replayed again, and failed again.
    pub times: u32,
    /// When it was handed to its function once more, and done.
    pub replayed_at: Option<Timestamp>,
}

/// Finds nothing wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTriggerCheck;

#[async_trait]
impl TriggerCheck for NoTriggerCheck {
    async fn check(&self, _: &Name, _: &Manifest, _: Entries) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }
}

/// Keeps events that were given up.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Keeps letters; one whose identity is known already takes the place of what was known, counts as given up once
    /// more, and is to be replayed again. Durable when this returns.
    async fn keep(&self, letters: Vec<DeadLetter>) -> Result<(), SourceError>;

    /// Those of a project, newest first and without the data of their events; of one function and trigger, where they
    /// are named.
    async fn letters(
        &self,
        project: &Name,
        function: Option<&Name>,
        trigger: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<DeadLetter>, SourceError>;

    /// One of them.
    async fn letter(&self, project: &Name, id: &str) -> Result<Option<DeadLetter>, SourceError>;

    /// Notes that one was replayed.
    async fn replayed(&self, project: &Name, id: &str, who: &str) -> Result<(), SourceError>;
}
