//! What starts a pipeline that is kept in its project: the clock, and what happens on the platform.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Name, manifest::Trigger, ports::TriggerId};

/// The most triggers of one pipeline.
pub const MAX_TRIGGERS: usize = 20;

/// What starts a pipeline, and with which params.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PipelineTrigger {
    /// The clock or an event, as for a function.
    pub trigger: Trigger,
    /// The params of the runs it starts; the pipeline's own defaults for the others.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
}

impl PipelineTrigger {
    /// What begins the names of pipelines' triggers, so that they are not those of a function of the same name.
    pub const PREFIX: &'static str = "pipeline.";

    /// The trigger, of a pipeline of this name.
    #[must_use]
    pub fn id(&self, project: &Name, pipeline: &Name) -> TriggerId {
        let name = format!("{}{}", Self::PREFIX, self.name());
        TriggerId { project: project.clone(), function: pipeline.clone(), name }
    }

    /// Its name among the pipeline's triggers.
    #[must_use]
    pub fn name(&self) -> &str {
        self.trigger.name().unwrap_or_else(|| self.trigger.kind())
    }
}
