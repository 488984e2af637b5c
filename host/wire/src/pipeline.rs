//! Pipelines: to check before they are run, and those that are kept in a project.

use host_core::{
    Digest, Name,
    manifest::Trigger,
    ports::{self, StandingPipeline},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Mistake;

/// A pipeline to check, or to keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Its YAML.
    pub pipeline: String,
}

/// Every mistake in it, in the order of the text; none when it can be submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Checked {
    /// The mistakes.
    pub mistakes: Vec<Mistake>,
}

/// A pipeline that is kept in its project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pipeline {
    /// Its name.
    #[schema(value_type = String)]
    pub name: Name,
    /// One sentence on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its version, counted from 1.
    pub number: u64,
    /// The SHA-256 of its text.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// What starts it by itself.
    pub triggers: Vec<StartedBy>,
    /// Who kept it, and on whose behalf it is started.
    pub created_by: String,
    /// Since when this version is in force.
    pub since: Timestamp,
    /// Its YAML; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
}

/// What starts a pipeline by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StartedBy {
    /// Its name among the triggers of the project: what `fn triggers` knows it by, after the pipeline's name.
    pub trigger: String,
    /// `schedule` or `event`.
    pub kind: String,
    /// The expression and the zone, or the types.
    pub reads: String,
}

impl Pipeline {
    /// The same for a list.
    #[must_use]
    pub fn without_text(self) -> Self {
        Self { pipeline: None, ..self }
    }
}

impl From<StandingPipeline> for Pipeline {
    fn from(standing: StandingPipeline) -> Self {
        let StandingPipeline { kept, number, digest, since } = standing;
        let ports::NewStanding { project, name, description, yaml, triggers, created_by } = kept;
        let started_by = |it: &host_core::pipeline::PipelineTrigger| StartedBy {
            trigger: it.id(&project, &name).name,
            kind: it.trigger.kind().to_owned(),
            reads: match &it.trigger {
                Trigger::Schedule(it) => format!("{} ({})", it.cron, it.zone),
                Trigger::Event(it) => it.types.join(", "),
                other => other.kind().to_owned(),
            },
        };
        let triggers = triggers.iter().map(started_by).collect();
        Self { name, description, number, digest, triggers, created_by, since, pipeline: Some(yaml) }
    }
}
