//! The end of a call whose response still streams.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use host_core::{
    call::Finished,
    event::{Failure, code},
};
use tokio::sync::oneshot;

/// Resolves when the guest is done and its body out.
#[derive(Debug)]
pub(super) struct StreamEnd(oneshot::Receiver<Finished>);

impl StreamEnd {
    pub(super) fn new(finished: oneshot::Receiver<Finished>) -> Self {
        Self(finished)
    }
}

impl Future for StreamEnd {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Finished> {
        Pin::new(&mut self.0).poll(context).map(|finished| {
            finished.unwrap_or_else(|_| Finished {
                failure: Some(Failure::transient(code::CANCELLED, "the host stopped while it streamed")),
                ..Finished::default()
            })
        })
    }
}
