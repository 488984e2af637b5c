//! The clock and what happens on the platform: each firing and each event is handed over once, whichever host is first.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{TriggerId, WakeError, Wakening};
use crate::{Name, RunId, event::Event, manifest::Overlap, pipeline::PipelineTrigger, run::NewRun};

/// A moment at which the clock starts something.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    /// Which trigger.
    pub trigger: TriggerId,
    /// Which moment of its schedule: there is one firing of a trigger per moment.
    pub at: Timestamp,
    /// From when on it is due; later than its moment where there is jitter.
    pub due_at: Timestamp,
    /// Firings before this are neither done nor remembered any more.
    pub oldest: Timestamp,
    /// What is done when the firing before is still at work.
    pub overlap: Overlap,
}

/// What became of a firing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fired {
    /// It is done by this run.
    Run {
        /// The run.
        run: RunId,
        /// The run of the firing before, which was cancelled for it.
        replaced: Option<RunId>,
    },
    /// It was left out, because this run of the firing before is still at work.
    LeftOut(RunId),
    /// It was done before, or it is too old.
    Already,
    /// By the database's clock it is not due for so long.
    TooEarly(Duration),
}

/// Something that happened on the platform.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Its identity; later ones sort after earlier ones.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// The project.
    pub project: Name,
    /// What, such as `run.finished`.
    pub r#type: String,
    /// To what.
    pub subject: String,
    /// The rest.
    pub content: Value,
    /// How many events of the platform led to it, itself included.
    pub depth: u8,
}

impl Told {
    /// The extension that says how many events of the platform led to an event.
    pub const DEPTH: &'static str = "weftdepth";

    /// As a CloudEvent.
    #[must_use]
    pub fn event(&self) -> Event {
        Event {
            id: self.id.clone(),
            source: format!("/api/v1/projects/{}", self.project),
            r#type: format!("weft.{}", self.r#type),
            subject: Some(self.subject.clone()).filter(|it| !it.is_empty()),
            time: Some(self.at.to_string()),
            content_type: Some("application/json".to_owned()),
            key: None,
            inlet: String::new(),
            extensions: vec![(Self::DEPTH.to_owned(), self.depth.to_string())],
            data: self.content.to_string().into(),
        }
    }
}

/// A run of a pipeline that is kept in its project, started by one of its triggers.
#[derive(Debug, Clone)]
pub struct Start {
    /// The identity of the run; the same one twice changes nothing.
    pub id: RunId,
    /// Which trigger, of which pipeline.
    pub trigger: TriggerId,
    /// Its params.
    pub params: Map<String, Value>,
    /// How many events of the platform led to this one.
    pub depth: u8,
}

/// What a firing or an event starts.
#[derive(Debug, Clone)]
pub enum Started {
    /// A function, by an event.
    Function(Box<Wakening>),
    /// A pipeline.
    Pipeline(Start),
}

impl Started {
    /// How many events of the platform led to it.
    #[must_use]
    pub fn depth(&self) -> u8 {
        match self {
            Self::Function(it) => it.depth,
            Self::Pipeline(it) => it.depth,
        }
    }
}

/// What starts a pipeline that is kept in its project.
#[derive(Debug, Clone, PartialEq)]
pub struct StandingTriggers {
    /// The project.
    pub project: Name,
    /// The pipeline.
    pub pipeline: Name,
    /// Since when it is kept, where it is the first version of it.
    pub since: Option<Timestamp>,
    /// Its triggers.
    pub triggers: Vec<PipelineTrigger>,
}

/// Starts what the clock and the platform's events ask for.
#[async_trait]
pub trait Clockwork: Send + Sync {
    /// The latest moment of a trigger that was done or seen; now, for one whose schedule was not known to say this.
    async fn since(&self, trigger: &TriggerId, says: &str) -> Result<Timestamp, WakeError>;

    /// Does a firing, if nobody has done it and it is due by the database's clock.
    async fn fire(&self, firing: Firing, started: Started) -> Result<Fired, WakeError>;

    /// The oldest events that nobody has taken, `most` of them; of those that happened after `after`.
    async fn told(&self, after: Option<&Told>, most: u32) -> Result<Vec<Told>, WakeError>;

    /// Marks events that nobody wants.
    async fn pass(&self, ids: &[String]) -> Result<(), WakeError>;

    /// Takes an event and starts what it wakes; how many runs that are. None, when somebody else took it.
    async fn take(&self, told: &Told, started: Vec<Started>) -> Result<Option<usize>, WakeError>;

    /// The pipelines that something starts.
    async fn standing(&self) -> Result<Vec<StandingTriggers>, WakeError>;
}

/// Starts nothing: a host without runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoClockwork;

#[async_trait]
impl Clockwork for NoClockwork {
    async fn since(&self, _: &TriggerId, _: &str) -> Result<Timestamp, WakeError> {
        Err(WakeError::Storage("this host starts nothing by itself".to_owned()))
    }

    async fn fire(&self, _: Firing, _: Started) -> Result<Fired, WakeError> {
        Ok(Fired::Already)
    }

    async fn told(&self, _: Option<&Told>, _: u32) -> Result<Vec<Told>, WakeError> {
        Ok(Vec::new())
    }

    async fn pass(&self, _: &[String]) -> Result<(), WakeError> {
        Ok(())
    }

    async fn take(&self, _: &Told, _: Vec<Started>) -> Result<Option<usize>, WakeError> {
        Ok(None)
    }

    async fn standing(&self) -> Result<Vec<StandingTriggers>, WakeError> {
        Ok(Vec::new())
    }
}

/// Why a firing or an event could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct OccasionError(pub String);

/// Keeps firings and events with the runs that they start, in one transaction each.
#[async_trait]
pub trait Occasions: Send + Sync {
    /// The latest moment of a trigger that was done; now, for one whose schedule was not known to say this.
    async fn since(&self, trigger: &TriggerId, says: &str) -> Result<Timestamp, OccasionError>;

    /// Writes a firing with its run, unless there is one of that moment already.
    async fn fire(&self, firing: &Firing, run: NewRun) -> Result<Fired, OccasionError>;

    /// The oldest events that nobody has taken, of those that happened after `after`.
    async fn told(&self, after: Option<&Told>, most: u32) -> Result<Vec<Told>, OccasionError>;

    /// Marks events that nobody wants.
    async fn pass(&self, ids: &[String]) -> Result<(), OccasionError>;

    /// Marks an event as taken and writes the runs it starts, unless somebody else took it. `stopped` names what it would
    /// have woken if it were not the end of too long a chain.
    async fn take(&self, told: &Told, runs: Vec<NewRun>, stopped: Vec<String>) -> Result<bool, OccasionError>;
}
