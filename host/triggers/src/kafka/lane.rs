//! One partition: its records are taken in batches, handed over, and settled in order.
//!
//! The records wait in librdkafka's own queue of the partition. A lane that is busy or waits does not take from it;
//! librdkafka stops fetching when enough lies there, while the consumer is polled elsewhere and stays in its group.
//!
//! **Order.** A call is given the next records of the partition. What they leave is sent in their order, and only the
//! prefix whose fate is certain: where a record fails, what later ones of its batch left is held back until it has been
//! settled, and only what failed is tried again. No later batch begins before. A function may therefore have seen
//! later records of the same batch before the retried one; what it sent never overtakes. Where nothing failed, the next
//! batches are handled and sent while what this one left is being confirmed ([`super::leaving`]).

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::Duration,
};

use host_core::{event::Failure, manifest::Order, ports::SourceError};
use rdkafka::{
    Message as _, Offset, consumer::base_consumer::PartitionQueue, error::RDKafkaErrorCode, message::BorrowedMessage,
};
use tokio::{
    sync::{Notify, SemaphorePermit},
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    client::told,
    consumer::Context,
    item::{Item, Letter, Reason, State, event, letter, size},
    keys::Window,
    leaving::Leaving,
    message::EventRef,
    producer::{Record, Unsent},
    running::{Exit, Running, permits},
};
use crate::handover::Fate;

/// After which silence a lane looks by itself, should it have missed that a record came.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// How often a batch is sent again that a broker finds too large, before its largest output is taken to be the cause.
const TIMES: u32 = 2;

/// Why a partition cannot be read at its offset. What was deleted is passed when the source is opened anew.
const NOWHERE: &str = "it holds no record at the group's offset; unless records were deleted meanwhile, the topic was \
                       made anew or lost its end: pause the trigger and move it with `fn triggers seek`";

/// How far a partition has come.
pub(super) struct Mark {
    /// The offset after the last record below which all are settled; negative for none.
    pub(super) settled: AtomicI64,
    /// What of it the group knows.
    pub(super) committed: AtomicI64,
}

impl Mark {
    /// That of a partition that is taken up here: what lies below is settled, and the group knows.
    pub(super) fn at(start: Offset) -> Self {
        let start = if let Offset::Offset(start) = start { start } else { -1 };
        Self { settled: AtomicI64::new(start), committed: AtomicI64::new(start) }
    }
}

/// One partition of a running source.
pub(super) struct Lane {
    pub(super) running: Arc<Running>,
    pub(super) queue: PartitionQueue<Context>,
    /// Told when the queue is no longer empty.
    pub(super) arrived: Arc<Notify>,
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    pub(super) mark: Arc<Mark>,
    /// What is settled out of order, with `order = "key"`.
    pub(super) window: Window,
    /// Set when nothing more is to be taken.
    pub(super) closing: CancellationToken,
    /// Set when nothing more may be settled: the partition may belong to somebody else.
    pub(super) abandoned: CancellationToken,
}

/// Whether a lane goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// All is settled.
    Go,
    /// It closes, and some is left for whoever reads the partition next.
    Stop,
}

/// A batch, and its share of the bytes in flight.
pub(super) type Batch<'l> = (Vec<Item<'l>>, SemaphorePermit<'l>);

/// A batch after an attempt.
type Handled<'l> = (Vec<Item<'l>>, SemaphorePermit<'l>, Option<Wait>);

/// Why some of a batch is tried again, and after how long.
type Wait = (Failure, Duration);

impl Lane {
    /// Reads until it is closed.
    pub(super) async fn run(&self) -> Result<(), SourceError> {
        match self.running.trigger.order {
            Order::Partition => self.in_order().await,
            Order::Key => self.by_key().await,
        }
    }

    /// One batch after the other. It does not wait for brokers: what a batch left is confirmed while the function has the
    /// next ones.
    async fn in_order(&self) -> Result<(), SourceError> {
        let (mut carried, mut leaving) = (None, Leaving::default());
        loop {
            let handled = self.meanwhile(&mut leaving, self.handled(&mut carried)).await?;
            let Ok(Some((mut items, permit, wait))) = handled else {
                // A failure to read must not break off what is being confirmed.
                self.all_left(&mut leaving).await?;
                return handled.map(drop);
            };
            if self.abandoned.is_cancelled() {
                return Ok(());
            }
            match &self.running.exit {
                Exit::Confirmed(producer) if items.iter().all(Item::is_final) => {
                    self.leave(producer, &mut leaving, (items, permit)).await?;
                }
                _ => {
                    self.all_left(&mut leaving).await?;
                    if self.finish(&mut items, wait).await? == Next::Stop {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The next batch after its first attempt, and how long to wait before the second.
    async fn handled<'l>(
        &'l self,
        carried: &mut Option<BorrowedMessage<'l>>,
    ) -> Result<Option<Handled<'l>>, SourceError> {
        let Some((mut items, permit)) = self.collect(carried).await? else { return Ok(None) };
        let wait = self.attempt(&mut items).await;
        Ok(Some((items, permit, wait)))
    }

    /// The next batch, cut by count, bytes and wait; nothing when the lane closes.
    async fn collect<'l>(
        &'l self,
        carried: &mut Option<BorrowedMessage<'l>>,
    ) -> Result<Option<Batch<'l>>, SourceError> {
        let batch = &self.running.trigger.batch;
        let first = match carried.take() {
            Some(record) => record,
            None => match self.first().await? {
                Some(record) => record,
                None => return Ok(None),
            },
        };
        let until = Instant::now() + batch.wait.duration();
        let room = permits(batch.bytes.0.max(size(&first)).min(self.running.trigger.in_flight.0));
        let Some(mut permit) = self.acquire(room).await else { return Ok(None) };
        let (most, mut bytes) = (batch.events as usize, size(&first));
        let mut items = Vec::with_capacity(most.min(1_024));
        items.push(Item::new(first));
        while items.len() < most {
            match self.take()? {
                Some(record) if bytes + size(&record) > batch.bytes.0 => {
                    *carried = Some(record);
                    break;
                }
                Some(record) => {
                    bytes += size(&record);
                    items.push(Item::new(record));
                }
                None if batch.wait.0 == 0 || !self.arrives(until).await => break,
                None => {}
            }
        }
        if self.closing.is_cancelled() {
            return Ok(None);
        }
        drop(permit.split(room.saturating_sub(permits(bytes)) as usize));
        Ok(Some((items, permit)))
    }

    /// The first record of a batch, however long it takes.
    async fn first(&self) -> Result<Option<BorrowedMessage<'_>>, SourceError> {
        loop {
            if self.closing.is_cancelled() {
                return Ok(None);
            }
            if let Some(record) = self.take()? {
                return Ok(Some(record));
            }
            self.arrives(Instant::now() + LOOK).await;
        }
    }

    /// What lies in the queue.
    pub(super) fn take(&self) -> Result<Option<BorrowedMessage<'_>>, SourceError> {
        match self.queue.poll(Duration::ZERO) {
            None => Ok(None),
            Some(Ok(record)) => Ok(Some(record)),
            Some(Err(error)) => {
                let why = match error.rdkafka_error_code() {
                    Some(RDKafkaErrorCode::AutoOffsetReset) => NOWHERE.to_owned(),
                    _ => told(&error),
                };
                Err(SourceError::Failed(format!(
                    "could not read `{}`, partition {}: {why}",
                    self.topic, self.partition
                )))
            }
        }
    }

    /// Whether something comes before then.
    async fn arrives(&self, until: Instant) -> bool {
        tokio::select! {
            biased;
            () = self.closing.cancelled() => false,
            arrived = timeout_at(until, self.arrived.notified()) => arrived.is_ok(),
        }
    }

    async fn acquire(&self, room: u32) -> Option<SemaphorePermit<'_>> {
        tokio::select! {
            biased;
            () = self.closing.cancelled() => None,
            permit = self.running.in_flight.acquire_many(room) => permit.ok(),
        }
    }

    /// Has items handled until all of them are settled, in their order, or the lane closes.
    pub(super) async fn settle(&self, items: &mut [Item<'_>]) -> Result<Next, SourceError> {
        let wait = self.attempt(items).await;
        self.finish(items, wait).await
    }

    /// The same after the first attempt, which asked to wait so long.
    async fn finish(&self, items: &mut [Item<'_>], mut wait: Option<Wait>) -> Result<Next, SourceError> {
        let mut from = 0;
        loop {
            if self.abandoned.is_cancelled() {
                return Ok(Next::Stop);
            }
            let certain = items[from..].iter().take_while(|it| it.is_final()).count();
            if certain > 0 {
                self.emit(&mut items[from..from + certain]).await?;
                from += certain;
            }
            match items.get(from).map(|it| &it.state) {
                None => return Ok(Next::Go),
                Some(State::Halt(failure)) => return Err(self.halted(failure, &items[from])),
                Some(_) => {}
            }
            if let Some((failure, wait)) = wait
                && self.waits(&failure, wait, items[from].attempts).await == Next::Stop
            {
                return Ok(Next::Stop);
            }
            wait = self.attempt(&mut items[from..]).await;
        }
    }

    /// One attempt with those that are to be tried and have been tried equally often; how long to wait then.
    pub(super) async fn attempt(&self, items: &mut [Item<'_>]) -> Option<Wait> {
        let attempts = items.iter().find(|it| matches!(it.state, State::Pending))?.attempts;
        let is_due = |it: &Item<'_>| matches!(it.state, State::Pending) && it.attempts == attempts;
        let due: Vec<&mut Item<'_>> = items.iter_mut().filter(|it| is_due(it)).collect();
        let fates = self.hand_over(&due).await;
        let mut longest: Option<Wait> = None;
        for (item, fate) in due.into_iter().zip(fates) {
            let Some(wait) = item.tried(fate) else { continue };
            if longest.as_ref().is_none_or(|it| it.1 < wait.1) {
                longest = Some(wait);
            }
        }
        longest
    }

    async fn hand_over(&self, due: &[&mut Item<'_>]) -> Vec<Fate> {
        let attempt = due.first().map_or(0, |it| it.attempts) + 1;
        let events = due.iter().map(|it| event(&it.record)).collect();
        let places = due.iter().map(|it| it.place(&self.topic)).collect();
        let again = |index: usize| event(&due[index].record);
        self.running.handover.attempt(events, places, attempt, again, &self.abandoned).await
    }

    /// Waits before another attempt, unless the lane closes.
    pub(super) async fn waits(&self, failure: &Failure, wait: Duration, attempts: u32) -> Next {
        let _shown = self.running.backs_off(failure, wait, attempts);
        tokio::select! {
            biased;
            () = self.closing.cancelled() => Next::Stop,
            () = sleep_until(Instant::now() + wait) => Next::Go,
        }
    }

    /// Sends what certain items left, keeps what is given up, and counts them as settled.
    pub(super) async fn emit(&self, items: &mut [Item<'_>]) -> Result<(), SourceError> {
        let place = || (Arc::clone(&self.topic), self.partition);
        let next = items.last().map_or(0, |it| it.record.offset() + 1);
        let mut again = TIMES;
        loop {
            self.bury(items).await?;
            match self.running.exit.send(self.records(items), place(), next).await {
                Ok(()) => break,
                // It may be for the sake of others that came with them.
                Err(Unsent::Refused(_)) if again > 0 => again -= 1,
                Err(unsent) => refused(items, unsent)?,
            }
        }
        self.settled(items);
        Ok(())
    }

    /// Counts items as settled: what they left is durable.
    pub(super) fn settled(&self, items: &[Item<'_>]) {
        let low = match self.running.trigger.order {
            Order::Partition => items.last().map(|it| it.record.offset() + 1),
            Order::Key => self.window.settled(items.iter().map(|it| it.record.offset())),
        };
        if let Some(low) = low {
            self.mark.settled.fetch_max(low, SeqCst);
        }
        self.running.board.settled(items.len() as u64, self.running.rooms.clock.now());
    }

    /// Keeps letters on the host before anything is sent, so that a record is never nowhere.
    pub(super) async fn bury(&self, items: &mut [Item<'_>]) -> Result<(), SourceError> {
        for item in items {
            let State::Dead(failure, kept @ Letter::New) = &mut item.state else { continue };
            *kept = Letter::Kept;
            let (failure, place) = (failure.clone(), item.place(&self.topic));
            self.running.handover.bury(event(&item.record), Some(place), failure, item.attempts).await?;
        }
        Ok(())
    }

    /// Everything that items leave, in their order.
    pub(super) fn records<'i>(&self, items: &'i [Item<'_>]) -> Vec<Record<'i>> {
        let running = &self.running;
        let mut records = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match &item.state {
                State::Done(left) => {
                    for (number, output) in left.outputs.iter().enumerate() {
                        let Some(topic) = running.outlets.topic(&output.outlet, &running.id) else { continue };
                        records.push(Record::of(topic, &EventRef::output(left, number, output), index));
                    }
                }
                State::Dead(failure, Letter::Kept) => {
                    let Some(topic) = &running.trigger.dead_letter else { continue };
                    let functions = running.rooms.directory.functions();
                    let revision = functions.get(&running.id.project, &running.id.function);
                    let revision = revision.map(|it| it.id.to_string()).unwrap_or_default();
                    let reason = Reason { failure, attempts: item.attempts, revision: &revision };
                    records.push(letter(topic.as_str().into(), &item.record, &reason, index));
                }
                State::Dead(..) | State::Pending | State::Halt(_) => {}
            }
        }
        records
    }

    pub(super) fn halted(&self, failure: &Failure, item: &Item<'_>) -> SourceError {
        let place = format!("{}/{}/{}", self.topic, self.partition, item.record.offset());
        SourceError::State(format!("the function failed for good at {place}: {}: {}", failure.code, failure.message))
    }
}

/// Gives up the event whose output does not fit, so that the others can be sent; whatever else it was is told.
pub(super) fn refused(items: &mut [Item<'_>], unsent: Unsent) -> Result<(), SourceError> {
    match unsent {
        Unsent::TooLarge(item) | Unsent::Refused(item) => items[item].too_large(),
        Unsent::Failed(why) => return Err(SourceError::Failed(why)),
    }
    Ok(())
}

/// The records that a lane has read and nobody works on yet.
pub(super) type Unread<'l> = VecDeque<(Item<'l>, SemaphorePermit<'l>)>;
