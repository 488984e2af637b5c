//! Gathers messages into batches: by count, by bytes, by time.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use host_core::manifest::AmqpTrigger;
use lapin::{Consumer, message::Delivery};
use tokio::time::{Instant, timeout_at};

use super::{message::Arrived, trouble::Trouble};

/// How often a queue that is not ours may hand a message out before we warn that it may have a limit.
const SUSPICIOUS: i64 = 10;

/// A message and the number that it is acknowledged by.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) tag: u64,
    pub(super) message: Arrived,
    /// Which attempt comes next, counted from 1.
    pub(super) attempt: u32,
}

/// Gathers what a consumer is sent.
pub(super) struct Gather {
    consumer: Consumer,
    queue: Arc<str>,
    session: Arc<str>,
    most: usize,
    most_bytes: u64,
    wait: Duration,
    /// Whether the queue may have a limit that we do not know of; until we warned.
    is_foreign: bool,
    batch: Vec<Taken>,
    bytes: u64,
    due: Option<Instant>,
    /// What would have been too much for the last batch: the first of the next one.
    carried: Option<Taken>,
}

impl Gather {
    /// For a trigger that is sent so many messages ahead.
    pub(super) fn new(consumer: Consumer, trigger: &AmqpTrigger, prefetch: u16, session: Arc<str>) -> Self {
        Self {
            consumer,
            queue: trigger.queue.as_str().into(),
            session,
            most: (trigger.batch.events as usize).min(prefetch.into()).max(1),
            most_bytes: trigger.batch.bytes.0,
            wait: trigger.batch.wait.duration(),
            is_foreign: trigger.passive,
            batch: Vec::new(),
            bytes: 0,
            due: None,
            carried: None,
        }
    }

    /// What is read by.
    pub(super) fn consumer(&self) -> &Consumer {
        &self.consumer
    }

    /// The next batch. What was gathered is kept when this is dropped before it is done.
    pub(super) async fn next(&mut self) -> Result<Vec<Taken>, Trouble> {
        if let Some(carried) = self.carried.take() {
            self.add(carried);
        }
        while !self.is_full() {
            let arriving = self.consumer.next();
            let arrived = match self.due {
                None => arriving.await,
                Some(due) => match timeout_at(due, arriving).await {
                    Ok(arrived) => arrived,
                    Err(_) => break,
                },
            };
            match arrived {
                Some(Ok(delivery)) => {
                    let taken = self.taken(delivery);
                    if !self.has_room(&taken) {
                        self.carried = Some(taken);
                        break;
                    }
                    self.add(taken);
                }
                Some(Err(error)) => return Err(Trouble::at(&format!("lost queue `{}`", self.queue), &error)),
                None => return Err(self.cancelled()),
            }
        }
        (self.bytes, self.due) = (0, None);
        Ok(std::mem::take(&mut self.batch))
    }

    fn is_full(&self) -> bool {
        self.batch.len() >= self.most || self.bytes >= self.most_bytes
    }

    /// Whether a batch of it and what is there already is within its bound; one message always is.
    fn has_room(&self, taken: &Taken) -> bool {
        self.batch.is_empty() || self.bytes + taken.message.body.len() as u64 <= self.most_bytes
    }

    fn add(&mut self, taken: Taken) {
        self.bytes += taken.message.body.len() as u64;
        self.due = self.due.or_else(|| Some(Instant::now() + self.wait));
        self.batch.push(taken);
    }

    fn taken(&mut self, delivery: Delivery) -> Taken {
        let message = Arrived {
            queue: Arc::clone(&self.queue),
            place: format!("{}/{}-{}", self.queue, self.session, delivery.delivery_tag),
            exchange: delivery.exchange,
            routing_key: delivery.routing_key,
            properties: delivery.properties,
            body: delivery.data.into(),
        };
        self.suspect(&message);
        let attempt = message.attempts().saturating_add(1);
        Taken { tag: delivery.delivery_tag, message, attempt }
    }

    /// A queue with a delivery limit and no dead-letter exchange drops messages, and nobody can ask it whether it would.
    fn suspect(&mut self, message: &Arrived) {
        if self.is_foreign && message.redeliveries() >= SUSPICIOUS {
            self.is_foreign = false;
            tracing::warn!(
                queue = &*self.queue,
                times = message.redeliveries(),
                "a message was handed out often and never settled; if its queue has a delivery limit and no dead-letter \
                 exchange, the server will drop it"
            );
        }
    }

    fn cancelled(&self) -> Trouble {
        Trouble::Lost(format!(
            "the server sends nothing from queue `{}` any more: it was deleted, or moves",
            self.queue
        ))
    }
}
