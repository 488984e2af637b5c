//! Watching over a running guest: it ends with its answer, at its deadline, or when nobody wants the answer any more.

use std::{future::Future, time::Instant};

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
    /// What says that nobody wants the answer any more, where it is not the call's own token.
    token: Option<CancellationToken>,
}

impl Watch {
    /// Over a guest that must have ended at `deadline`.
    pub(crate) fn new(deadline: Instant) -> Self {
        Self { deadline, token: None }
    }

    /// The same, but stopped by another token than the call's.
    pub(crate) fn stopped_by(self, token: CancellationToken) -> Self {
        Self { token: Some(token), ..self }
    }

    fn cancelled<'w>(&'w self, call: &'w Current) -> &'w CancellationToken {
        self.token.as_ref().unwrap_or(&call.context.cancelled)
    }

    /// Whether the guest of `call` must stop now.
    pub(crate) fn check(&self, call: &Current) -> Result<(), Stopped> {
        if self.cancelled(call).is_cancelled() {
            Err(Stopped::Cancelled)
        } else if Instant::now() >= self.deadline {
            Err(Stopped::Deadline)
        } else {
            Ok(())
        }
    }

    /// Polls `guest`, that of `call`, to its end, or until it must stop. The guest goes first, so that one that never waits
    /// costs no timer; one that never stops by itself is interrupted by the epoch and then comes by here.
    pub(crate) async fn over<F: Future + Unpin>(&self, call: &Current, guest: &mut F) -> Result<F::Output, Stopped> {
        tokio::select! {
            biased;
            output = guest => Ok(output),
            stopped = self.stop(call) => Err(stopped),
        }
    }

    /// Resolves when the guest of `call` must stop.
    pub(crate) async fn stop(&self, call: &Current) -> Stopped {
        tokio::select! {
            () = self.cancelled(call).cancelled() => Stopped::Cancelled,
            () = tokio::time::sleep_until(self.deadline.into()) => Stopped::Deadline,
        }
    }
}
