//! The timer of one connection: how long its client may take for the head of a request.
//!
//! One head after another is waited for, each until a little later than the last. A timer of its own for each would be
//! entered in the runtime's list and struck out again with every request. So the connection keeps one: it rings when the
//! first of those heads would have been late, looks whether another is waited for by then, and is set anew.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};
use parking_lot::Mutex;

type Alarm = Pin<Box<tokio::time::Sleep>>;

/// Makes timers out of one alarm.
#[derive(Clone, Default)]
pub(super) struct Patience(Arc<Mutex<Option<Alarm>>>);

/// The wait for one head.
struct Waiting {
    until: Instant,
    alarm: Option<Alarm>,
    home: Patience,
}

impl Timer for Patience {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, until: Instant) -> Pin<Box<dyn Sleep>> {
        // One that would ring too late is of no use.
        let kept = self.0.lock().take().filter(|alarm| alarm.deadline() <= until.into());
        let alarm = kept.unwrap_or_else(|| Box::pin(tokio::time::sleep_until(until.into())));
        Box::pin(Waiting { until, alarm: Some(alarm), home: self.clone() })
    }
}

impl Sleep for Waiting {}

impl Future for Waiting {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let until = self.until.into();
        let Some(alarm) = &mut self.alarm else { return Poll::Ready(()) };
        loop {
            ready!(alarm.as_mut().poll(cx));
            if alarm.deadline() >= until {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(until);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        *self.home.0.lock() = self.alarm.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deadline(patience: &Patience) -> Option<Instant> {
        patience.0.lock().as_ref().map(|alarm| alarm.deadline().into_std())
    }

    #[tokio::test]
    async fn a_later_wait_leaves_the_alarm_where_it_is() {
        let (patience, minute) = (Patience::default(), Duration::from_secs(60));
        let first = Instant::now() + minute;
        drop(patience.sleep_until(first));
        let second = patience.sleep_until(first + minute);
        assert_eq!(deadline(&patience), None, "it is in use");
        drop(second);
        assert_eq!(deadline(&patience), Some(first));
    }

    #[tokio::test]
    async fn an_earlier_wait_has_an_alarm_of_its_own() {
        let (patience, minute) = (Patience::default(), Duration::from_secs(60));
        let first = Instant::now() + minute;
        drop(patience.sleep_until(first + minute));
        drop(patience.sleep_until(first));
        assert_eq!(deadline(&patience), Some(first));
    }

    #[tokio::test]
    async fn an_alarm_that_rang_for_an_earlier_wait_is_set_for_this_one() {
        let (patience, now) = (Patience::default(), Instant::now());
        patience.sleep_until(now).await;
        let mut later = patience.sleep_until(now + Duration::from_secs(60));
        assert!(futures_util::poll!(&mut later).is_pending());
        drop(later);
        assert_eq!(deadline(&patience), Some(now + Duration::from_secs(60)));
        patience.sleep_until(Instant::now()).await;
    }
}
