//! `weft:function/context`: what a guest may know about the call it is in.

use std::time::Instant;

use super::wit::context::{Host, Place};
use crate::guest::Guest;

impl Host for Guest {
    fn call_id(&mut self) -> String {
        self.current.context.id.to_string()
    }

    fn revision(&mut self) -> String {
        self.current.revision.id.to_string()
    }

    fn attempt(&mut self) -> u32 {
        self.current.context.attempt
    }

    fn remaining_ms(&mut self) -> u64 {
        let left = self.watch.deadline.saturating_duration_since(Instant::now());
        u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
    }

    fn cancelled(&mut self) -> bool {
        self.current.context.cancelled.is_cancelled()
    }

    fn traceparent(&mut self) -> Option<String> {
        self.current.context.traceparent.clone()
    }

    fn trigger(&mut self) -> (String, String) {
        let trigger = &self.current.context.trigger;
        (trigger.kind.to_owned(), trigger.name.to_string())
    }

    fn origin(&mut self, index: u32) -> Option<Place> {
        let place = self.current.context.origin(index as usize)?;
        Some(Place { topic: place.topic.to_string(), partition: place.partition, offset: place.offset })
    }
}
