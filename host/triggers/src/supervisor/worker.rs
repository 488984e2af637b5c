//! Runs one source: opens it again after an error, and pauses it for good when its function wants attention.

use std::{sync::Arc, time::Instant};

use host_core::{
    ports::{SourceError, TriggerId, TriggerMemory, TriggerState},
    retry::{MAX_ATTEMPTS, Retry},
};
use tokio_util::sync::CancellationToken;

use crate::{Config, board::Board, source::Source};

/// Held by whoever runs a trigger.
pub(super) type Turn = Arc<tokio::sync::Mutex<()>>;

/// Runs one source until it is stopped.
pub(super) struct Worker {
    pub(super) id: TriggerId,
    pub(super) source: Arc<dyn Source>,
    pub(super) board: Arc<Board>,
    pub(super) memory: Arc<dyn TriggerMemory>,
    pub(super) turn: Turn,
    pub(super) config: Config,
    pub(super) stop: CancellationToken,
}

impl Worker {
    /// Until it is stopped, or paused by a failure.
    pub(super) async fn run(self) {
        let _turn = self.turn.lock().await;
        let mut failed = 0;
        self.board.state(TriggerState::Starting, None);
        // What failed counts as failing until it reads.
        while !self.stop.is_cancelled() {
            let began = Instant::now();
            let cause = match self.read().await {
                Err(SourceError::State(reason)) => return self.halt(&reason).await,
                Err(error) => error.to_string(),
                Ok(()) => "it ended by itself".to_owned(),
            };
            if self.stop.is_cancelled() {
                return;
            }
            if self.board.state(TriggerState::Failing, Some(cause.clone())) {
                tracing::warn!(trigger = %self.id, cause, "a trigger cannot read; it is opened again in a while");
            }
            let was_well = began.elapsed() > self.config.reopen_most.duration();
            failed = if was_well { 1 } else { failed + 1 };
            self.wait(failed).await;
        }
    }

    /// Reads until it is stopped and what is in flight is settled, or the wait for that is over.
    async fn read(&self) -> Result<(), SourceError> {
        let overdue = async {
            self.stop.cancelled().await;
            tokio::time::sleep(self.config.drain.duration()).await;
        };
        tokio::select! {
            ended = self.source.run(self.stop.clone()) => ended,
            () = overdue => {
                tracing::warn!(trigger = %self.id, "a trigger did not settle in time; it will read some events again");
                Ok(())
            }
        }
    }

    /// Keeps the pause, however long the store is away: until it is kept, another host may still run into the same.
    async fn halt(&self, reason: &str) {
        tracing::error!(trigger = %self.id, reason, "a trigger is paused: its function wants attention");
        self.board.state(TriggerState::Paused, Some(reason.to_owned()));
        let mut failed = 0;
        while let Err(error) = self.memory.halt(&self.id, reason).await {
            tracing::warn!(trigger = %self.id, %error, "could not keep that a trigger is paused; trying again");
            failed += 1;
            self.wait(failed).await;
            if self.stop.is_cancelled() {
                return;
            }
        }
    }

    async fn wait(&self, failed: u32) {
        let Config { reopen, reopen_most, .. } = self.config;
        let rule = Retry { backoff: reopen, max_backoff: reopen_most, ..Retry::default() };
        let seed = self.id.to_string().bytes().fold(0, |seed: u64, byte| seed.rotate_left(5) ^ u64::from(byte));
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(rule.jittered_delay(failed.min(MAX_ATTEMPTS), seed)) => {}
        }
    }
}

/// Says that a trigger is paused, once what was in flight is settled; unless the pause is over before.
pub(super) async fn rest(turn: &Turn, board: &Board, reason: String, over: &CancellationToken) {
    let Some(_turn) = over.run_until_cancelled(turn.lock()).await else { return };
    if !over.is_cancelled() {
        board.state(TriggerState::Paused, Some(reason));
    }
}
