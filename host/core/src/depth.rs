//! How many events of the platform led to what a task does, at hand without going through every signature.
//!
//! A run that an event woke may move an alias, which is an event again. Rooms between the step and the store hand on a
//! name and no more; so the depth goes beside them, and a circle of events comes to an end.

use std::{
    cell::Cell,
    pin::Pin,
    task::{Context, Poll},
};

thread_local! {
    static DEPTH: Cell<u8> = const { Cell::new(0) };
}

/// How many events of the platform led to what is done now; 0 outside of [`within`].
#[must_use]
pub fn current() -> u8 {
    DEPTH.get()
}

/// Does `work`; what it tells of itself is that much deeper. What it does in tasks of their own is not.
pub fn within<F: Future>(depth: u8, work: F) -> Within<F> {
    Within { depth, work: Box::pin(work) }
}

/// Work at a depth.
#[derive(Debug)]
pub struct Within<F> {
    depth: u8,
    work: Pin<Box<F>>,
}

/// Puts back what was before, also when the work panics.
struct Back(u8);

impl Drop for Back {
    fn drop(&mut self) {
        DEPTH.set(self.0);
    }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _back = Back(DEPTH.replace(self.depth));
        self.work.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn the_depth_is_there_while_the_work_is_done_and_gone_between() {
        let mut is_second = false;
        let waits = std::future::poll_fn(move |_| {
            if std::mem::replace(&mut is_second, true) { Poll::Ready(current()) } else { Poll::Pending }
        });
        let mut work = Box::pin(within(3, within(5, waits)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(work.as_mut().poll(&mut context).is_pending());
        assert_eq!(current(), 0);
        assert_eq!(work.as_mut().poll(&mut context), Poll::Ready(5));
        assert_eq!(current(), 0);
    }
}
