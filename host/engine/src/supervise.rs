//! Watching over a running guest: it ends with its answer, at its deadline, or when nobody wants the answer any more.

use std::{future::Future, sync::Arc, time::Instant};

use tokio_util::sync::CancellationToken;

use crate::current::Current;

/// Why a guest was stopped from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stopped {
    /// Its time was up.
    #[error("its time was up")]
    Deadline,
    /// Nobody wants the answer any more.
    #[error("it was cancelled")]
    Cancelled,
}

/// What stops a guest.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) deadline: Instant,
    token: Token,
}

/// What says that nobody wants the answer any more.
#[derive(Clone)]
enum Token {
    /// The call's own, held with the call: a token is slower to copy.
    Call(Arc<Current>),
    Other(CancellationToken),
}

impl Watch {
    /// Over a guest of `call` that must have ended at `deadline`.
    pub(crate) fn new(call: Arc<Current>, deadline: Instant) -> Self {
        Self { deadline, token: Token::Call(call) }
    }

    /// The same, but stopped by another token than the call's.
    pub(crate) fn stopped_by(self, token: CancellationToken) -> Self {
        Self { token: Token::Other(token), ..self }
    }

    fn cancelled(&self) -> &CancellationToken {
        match &self.token {
            Token::Call(call) => &call.context.cancelled,
            Token::Other(token) => token,
        }
    }

    /// Whether the guest must stop now.
    pub(crate) fn check(&self) -> Result<(), Stopped> {
        if self.cancelled().is_cancelled() {
            Err(Stopped::Cancelled)
        } else if Instant::now() >= self.deadline {
            Err(Stopped::Deadline)
        } else {
            Ok(())
        }
    }

    /// Polls `guest` to its end, or until it must stop. The guest goes first, so that one that never waits costs no
    /// timer; one that never stops by itself is interrupted by the epoch and then comes by here.
    pub(crate) async fn over<F: Future + Unpin>(&self, guest: &mut F) -> Result<F::Output, Stopped> {
        tokio::select! {
            biased;
            output = guest => Ok(output),
            stopped = self.stop() => Err(stopped),
        }
    }

    /// Resolves when the guest must stop.
    pub(crate) async fn stop(&self) -> Stopped {
        tokio::select! {
            () = self.cancelled().cancelled() => Stopped::Cancelled,
            () = tokio::time::sleep_until(self.deadline.into()) => Stopped::Deadline,
        }
    }
}
