//! The sources of model streams, wanted as those of functions are.

use std::sync::Arc;

use async_trait::async_trait;
use host_core::ports::{Directory, ModelStream, ModelStreams, SourceError, models};

use crate::{
    open,
    supervisor::wanted::{Wanted, Wants},
};

/// Every model stream of this installation.
pub(crate) struct Streams {
    streams: Arc<dyn ModelStreams>,
    directory: Arc<dyn Directory>,
}

impl Streams {
    pub(crate) fn new(streams: Arc<dyn ModelStreams>, directory: Arc<dyn Directory>) -> Self {
        Self { streams, directory }
    }

    /// Whether a function that was deployed later has a trigger of the same name: then there is one of them, not both.
    fn is_taken(&self, stream: &ModelStream) -> bool {
        let functions = self.directory.functions();
        let revision = functions.get(&stream.project, &models());
        revision.is_some_and(|it| it.manifest.triggers.iter().any(|it| it.name() == Some(stream.name.as_str())))
    }
}

#[async_trait]
impl Wants for Streams {
    async fn wanted(&self) -> Result<Vec<Wanted>, SourceError> {
        let streams = self.streams.all().await.map_err(|error| SourceError::Failed(error.to_string()))?;
        Ok(streams.iter().filter(|it| !self.is_taken(it)).filter_map(wanted).collect())
    }
}

fn wanted(stream: &ModelStream) -> Option<Wanted> {
    let (id, source) = (stream.trigger(), &stream.source);
    let open = open::of(&id, source)?;
    // It was JSON before it was stored, so it can be again.
    let spec = serde_json::to_string(source).ok()?;
    Some(Wanted { id, kind: source.kind(), reads: source.reads(), spec, open })
}
