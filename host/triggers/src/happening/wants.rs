//! The triggers of pipelines that are kept, for the supervisor.

use std::sync::Arc;

use async_trait::async_trait;
use host_core::{
    Name,
    manifest::Trigger,
    pipeline::PipelineTrigger,
    ports::{Clockwork, SourceError},
};

use super::EventSource;
use crate::{
    open::Open,
    schedule::ScheduleSource,
    supervisor::wanted::{Wanted, Wants},
};

/// Whoever keeps pipelines.
pub(crate) struct Standing(pub(crate) Arc<dyn Clockwork>);

#[async_trait]
impl Wants for Standing {
    async fn wanted(&self) -> Result<Vec<Wanted>, SourceError> {
        let standing = self.0.standing().await.map_err(|error| SourceError::Failed(error.to_string()))?;
        let wanted = standing
            .iter()
            .flat_map(|it| it.triggers.iter().filter_map(|trigger| wanted(&it.project, &it.pipeline, trigger)));
        Ok(wanted.collect())
    }
}

fn wanted(project: &Name, pipeline: &Name, trigger: &PipelineTrigger) -> Option<Wanted> {
    let id = trigger.id(project, pipeline);
    let opened = id.clone();
    let open: Open = match trigger.trigger.clone() {
        Trigger::Schedule(it) => {
            let with = (it, trigger.params.clone());
            Arc::new(move |_, rooms, board| {
                Arc::new(ScheduleSource::of_pipeline(rooms, opened.clone(), with.clone(), board))
            })
        }
        Trigger::Event(_) => Arc::new(move |_, rooms, board| Arc::new(EventSource::new(rooms, opened.clone(), board))),
        _ => return None,
    };
    // It was JSON before it was stored, so it can be again.
    let spec = serde_json::to_string(trigger).ok()?;
    Some(Wanted { id, kind: trigger.trigger.kind(), reads: trigger.trigger.reads(), spec, open })
}
