//! What every source of events is made of: what it needs from other rooms, and what the supervisor asks of it.

use std::sync::Arc;

use async_trait::async_trait;
use host_core::{
    Name,
    clock::Clock,
    id::HostId,
    ports::{Clockwork, DeadLetters, Directory, Dispatch, Secrets, Seek, SourceError, TriggerId, TriggerMemory},
};
use tokio_util::sync::CancellationToken;

use crate::{handover::Outgoing, happening::Listeners};

/// What sources need from other rooms.
#[derive(Clone)]
pub struct Rooms {
    /// The road to functions.
    pub dispatch: Arc<dyn Dispatch>,
    /// What is deployed.
    pub directory: Arc<dyn Directory>,
    /// What opens connections.
    pub secrets: Arc<dyn Secrets>,
    /// Where events go that were given up.
    pub letters: Arc<dyn DeadLetters>,
    /// Which triggers are paused.
    pub memory: Arc<dyn TriggerMemory>,
    /// What starts runs when the clock strikes or something happens on the platform.
    pub clockwork: Arc<dyn Clockwork>,
    /// Who listens to what happens on the platform.
    pub listeners: Arc<Listeners>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// This host.
    pub host: HostId,
}

/// A source that reads from a broker or a clock, as long as it is wanted.
#[async_trait]
pub(crate) trait Source: Send + Sync {
    /// Reads until `stop`, and settles what is in flight before it returns. After an error the supervisor shows the
    /// cause and runs the source again in a while; [`SourceError::State`] means that a failure paused the trigger.
    async fn run(&self, stop: CancellationToken) -> Result<(), SourceError>;

    /// Moves the place of the next event. Asked only while nothing runs.
    async fn seek(&self, _to: &Seek) -> Result<(), SourceError> {
        Err(SourceError::Unsupported("this kind of trigger has no place to move to".into()))
    }

    /// Sends outputs where this source sends them, and waits until they are confirmed. For replayed dead letters.
    async fn send(&self, outputs: Vec<Outgoing>) -> Result<(), SourceError>;
}

/// A secret of a project, for opening a connection.
pub(crate) async fn secret(rooms: &Rooms, project: &Name, name: &Name) -> Result<String, SourceError> {
    let value = rooms.secrets.value(project, name).await;
    value.map(|it| it.reveal().to_owned()).map_err(|error| SourceError::Failed(error.to_string()))
}

/// What a trigger's consumer group or tag is called unless its manifest says otherwise.
pub(crate) fn usual_name(id: &TriggerId) -> String {
    format!("weft.{}.{}.{}", id.project, id.function, id.name)
}
