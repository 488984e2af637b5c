//! An event trigger as a source: it shows that it listens. Events are handed over for all of them at once.

use std::sync::Arc;

use async_trait::async_trait;
use host_core::ports::{SourceError, TriggerId, TriggerState};
use tokio_util::sync::CancellationToken;

use crate::{
    board::Board,
    handover::Outgoing,
    source::{Rooms, Source},
};

/// One event trigger.
pub(crate) struct EventSource {
    rooms: Rooms,
    id: TriggerId,
    board: Arc<Board>,
}

impl EventSource {
    /// The trigger of a function or a pipeline.
    pub(crate) fn new(rooms: Rooms, id: TriggerId, board: Arc<Board>) -> Self {
        Self { rooms, id, board }
    }
}

#[async_trait]
impl Source for EventSource {
    async fn run(&self, stop: CancellationToken) -> Result<(), SourceError> {
        self.rooms.listeners.0.lock().insert(self.id.clone(), self.board.clone());
        self.board.state(TriggerState::Running, None);
        stop.cancelled().await;
        let mut boards = self.rooms.listeners.0.lock();
        if boards.get(&self.id).is_some_and(|it| Arc::ptr_eq(it, &self.board)) {
            boards.remove(&self.id);
        }
        Ok(())
    }

    /// What its function gives back stands in the run.
    async fn send(&self, _: Vec<Outgoing>) -> Result<(), SourceError> {
        Ok(())
    }
}
