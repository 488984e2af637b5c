//! The CPU time a guest takes, read from the clock of the thread that runs it.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use cpu_time::ThreadTime;

/// A future that adds up the CPU time of its own polls.
pub(crate) struct Metered<F: ?Sized> {
    future: Pin<Box<F>>,
    cpu: Duration,
}

impl<F: Future + ?Sized> Metered<F> {
    pub(crate) fn new(future: Pin<Box<F>>) -> Self {
        Self { future, cpu: Duration::ZERO }
    }

    /// The CPU time so far.
    pub(crate) fn cpu(&self) -> Duration {
        self.cpu
    }
}

impl<F: Future + ?Sized> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // A platform without such a clock reports no CPU time, which is better than no call.
        let before = ThreadTime::try_now().ok();
        let polled = self.future.as_mut().poll(context);
        self.cpu += before.and_then(|it| it.try_elapsed().ok()).unwrap_or_default();
        polled
    }
}
