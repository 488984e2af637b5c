//! `weft:function/publish`: events that are sent at once, to what the manifest names.

use std::sync::atomic::Ordering;

use host_capabilities::{
    log::clean,
    publish::{Envelope, advice, granted},
};
use host_core::{
    event::Event,
    ports::{PublishError, Sender},
};

use super::wit::{
    publish::{Error, Host},
    types::Output,
};
use crate::guest::Guest;

/// The most bytes of a name that an error repeats.
const NAME_BYTES: usize = 200;

impl Host for Guest {
    async fn send(&mut self, to: String, events: Vec<Output>) -> Result<(), Error> {
        let revision = self.current.revision.clone();
        let Some(target) = granted(&revision.manifest.grants, &to) else {
            self.current.lines().note(&advice(&to));
            return Err(Error::NotGranted(clean(&to, NAME_BYTES)));
        };
        let events = self.addressed(events).map_err(Error::Refused)?;
        if events.is_empty() {
            return Ok(());
        }
        let sender = Sender {
            project: revision.project.clone(),
            function: revision.function.clone(),
            depth: self.current.context.depth,
        };
        let sent = self.current.services.publish.publish(&sender, target, events).await;
        sent.map_err(|error| self.not_sent(&to, error))
    }
}

impl Guest {
    /// Whole events. Those of one call are numbered through, however often it sends.
    fn addressed(&self, events: Vec<Output>) -> Result<Vec<Event>, String> {
        let count = u32::try_from(events.len()).unwrap_or(u32::MAX);
        let current = &self.current;
        let envelope = Envelope {
            project: &current.revision.project,
            function: &current.revision.function,
            call: current.context.id,
            before: current.published.fetch_add(count, Ordering::Relaxed),
            time: current.services.clock.now().to_string(),
            traceparent: current.context.traceparent.as_deref(),
        };
        envelope.address(events.into_iter().map(Into::into).collect())
    }

    /// Says it on the function's log, too: few guests show their errors.
    fn not_sent(&self, to: &str, error: PublishError) -> Error {
        self.current.lines().note(&format!("events were not sent to `{to}`: {error}"));
        match error {
            PublishError::Refused(why) => Error::Refused(why),
            PublishError::Unavailable(why) => Error::Unavailable(why),
        }
    }
}
