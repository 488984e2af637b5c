//! Order by key: records of the same key follow one another, others pass them, up to a bound.
//!
//! A call is given records in the order of the partition, except those whose key is busy. What a record left is sent
//! when all earlier records of its key are settled. A key that waits for a retry stays busy; the others go on, until
//! `max_ahead` records lie between the oldest that is not settled and the newest that was taken. Records without a key
//! are in no order.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use futures_util::{StreamExt as _, future::Either, stream::FuturesUnordered};
use host_core::{event::Failure, ports::SourceError};
use parking_lot::Mutex;
use rdkafka::{Message as _, message::BorrowedMessage};
use tokio::{sync::SemaphorePermit, time::timeout};

use super::{
    item::{Item, State, size},
    lane::{LOOK, Lane, Next, Unread},
    running::permits,
};

/// The records of a partition that were taken, in their order, and which of them are settled.
#[derive(Default)]
pub(super) struct Window(Mutex<VecDeque<(i64, bool)>>);

impl Window {
    fn taken(&self, offset: i64) {
        self.0.lock().push_back((offset, false));
    }

    /// Between the oldest that is not settled and the newest.
    fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// Notes that these are settled; the offset after those below which all are, if that moved.
    pub(super) fn settled(&self, offsets: impl Iterator<Item = i64>) -> Option<i64> {
        let mut window = self.0.lock();
        for offset in offsets {
            if let Ok(index) = window.binary_search_by_key(&offset, |it| it.0)
                && let Some(it) = window.get_mut(index)
            {
                it.1 = true;
            }
        }
        let mut low = None;
        while let Some((offset, true)) = window.front().copied() {
            low = Some(offset + 1);
            window.pop_front();
        }
        low
    }
}

/// Some records with what they hold of the bytes in flight.
type Held<'l> = Vec<(Item<'l>, SemaphorePermit<'l>)>;

/// A record that is read and waits for room, and the room once it is there.
type Waiting<'l> = Option<(BorrowedMessage<'l>, Option<SemaphorePermit<'l>>)>;

/// What came of a call, or of the retries of one key.
struct Ended<'l> {
    /// The keys that others may use now.
    free: HashSet<Vec<u8>>,
    /// What is left of keys that failed, a list per key.
    strands: Vec<Held<'l>>,
    /// What they wait for.
    wait: Option<(Failure, Duration)>,
    was: Was,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Was {
    Call,
    Retry,
}

impl Lane {
    /// Reads until the lane is closed, and waits for what is under way.
    pub(super) async fn by_key(&self) -> Result<(), SourceError> {
        let most_calls = self.running.config.key_calls.max(1) as usize;
        let (mut unread, mut busy, mut next) = (Unread::new(), HashSet::new(), None);
        let (mut under_way, mut calls) = (FuturesUnordered::new(), 0);
        loop {
            let blocked = self.fill(&mut unread, &mut next)?;
            while calls < most_calls && !self.closing.is_cancelled() {
                let items = self.pick(&mut unread, &mut busy);
                if items.is_empty() {
                    break;
                }
                calls += 1;
                under_way.push(Either::Left(self.call(items)));
            }
            if self.closing.is_cancelled() && under_way.is_empty() {
                return Ok(());
            }
            tokio::select! {
                biased;
                Some(ended) = under_way.next() => {
                    let Ended { free, strands, wait, was } = ended?;
                    calls -= usize::from(was == Was::Call);
                    free.iter().for_each(|key| { busy.remove(key); });
                    for strand in strands {
                        under_way.push(Either::Right(self.again(strand, wait.clone())));
                    }
                }
                () = self.closing.cancelled(), if !self.closing.is_cancelled() => {}
                permit = self.running.in_flight.acquire_many(blocked.unwrap_or(1)), if blocked.is_some() => {
                    // Kept: given back, it would go to another lane that waits, and round and round.
                    if let (Some((_, kept)), Ok(permit)) = (next.as_mut(), permit) {
                        *kept = Some(permit);
                    }
                }
                _ = timeout(LOOK, self.arrived.notified()), if blocked.is_none() && self.window.len() < self.ahead() => {}
            }
        }
    }

    fn ahead(&self) -> usize {
        self.running.trigger.max_ahead as usize
    }

    /// Takes what may be taken. How many bytes it lacks, if bytes are what it lacks.
    fn fill<'l>(&'l self, unread: &mut Unread<'l>, next: &mut Waiting<'l>) -> Result<Option<u32>, SourceError> {
        while !self.closing.is_cancelled() && self.window.len() < self.ahead() {
            let first = match next.take() {
                Some(waiting) => Some(waiting),
                None => self.take()?.map(|record| (record, None)),
            };
            let Some((record, kept)) = first else { break };
            let room = permits(size(&record).min(self.running.trigger.in_flight.0));
            let Ok(permit) = kept.map_or_else(|| self.running.in_flight.try_acquire_many(room), Ok) else {
                *next = Some((record, None));
                return Ok(Some(room));
            };
            self.window.taken(record.offset());
            unread.push_back((Item::new(record), permit));
        }
        Ok(None)
    }

    /// The next batch: the first records whose keys are not busy. Their keys are busy from now on.
    fn pick<'l>(&self, unread: &mut Unread<'l>, busy: &mut HashSet<Vec<u8>>) -> Held<'l> {
        let batch = &self.running.trigger.batch;
        let (mut picked, mut passed, mut bytes) = (Vec::new(), Unread::new(), 0);
        let mut own: HashSet<Vec<u8>> = HashSet::new();
        while let Some((item, permit)) = unread.pop_front() {
            let key = item.record.key();
            let is_free = key.is_none_or(|it| !busy.contains(it));
            let fits = picked.len() < batch.events as usize
                && (picked.is_empty() || bytes + size(&item.record) <= batch.bytes.0);
            if !fits {
                passed.push_back((item, permit));
                break;
            }
            if is_free {
                bytes += size(&item.record);
                own.extend(key.map(<[u8]>::to_vec));
                picked.push((item, permit));
            } else {
                passed.push_back((item, permit));
            }
        }
        while let Some(it) = passed.pop_back() {
            unread.push_front(it);
        }
        busy.extend(own);
        picked
    }

    /// One call with records of many keys. What is certain is settled; what is left is for the retries of each key.
    async fn call<'l>(&self, held: Held<'l>) -> Result<Ended<'l>, SourceError> {
        let (mut items, permits): (Vec<Item<'l>>, Vec<SemaphorePermit<'l>>) = held.into_iter().unzip();
        let wait = self.attempt(&mut items).await;
        if self.abandoned.is_cancelled() {
            return Ok(Ended { free: HashSet::new(), strands: Vec::new(), wait: None, was: Was::Call });
        }
        let mut stuck = HashSet::new();
        let (mut certain, mut held, mut left) = (Vec::new(), Vec::new(), Held::new());
        for (item, permit) in items.into_iter().zip(permits) {
            let key = item.record.key();
            if item.is_final() && key.is_none_or(|it| !stuck.contains(it)) {
                certain.push(item);
                held.push(permit);
            } else {
                stuck.extend(key.map(<[u8]>::to_vec));
                left.push((item, permit));
            }
        }
        let mut free = keys(certain.iter());
        free.retain(|key| !stuck.contains(key));
        if let Some((item, failure)) = left.iter().find_map(|(it, _)| halt(it)) {
            return Err(self.halted(failure, item));
        }
        // What failed as a whole is tried again as a whole.
        let strands = if certain.is_empty() { vec![left] } else { by_key(left) };
        if !certain.is_empty() {
            self.emit(&mut certain).await?;
        }
        Ok(Ended { free, strands, wait, was: Was::Call })
    }

    /// Tries what is left of a key until it is settled.
    async fn again<'l>(&self, held: Held<'l>, wait: Option<(Failure, Duration)>) -> Result<Ended<'l>, SourceError> {
        let (mut items, _permits): (Vec<Item<'l>>, Vec<SemaphorePermit<'l>>) = held.into_iter().unzip();
        let free = keys(items.iter());
        let attempts = items.first().map_or(0, |it| it.attempts);
        let mut next = Next::Go;
        if let Some((failure, wait)) = wait {
            next = self.waits(&failure, wait, attempts).await;
        }
        if next == Next::Go {
            self.settle(&mut items).await?;
        }
        Ok(Ended { free, strands: Vec::new(), wait: None, was: Was::Retry })
    }
}

fn keys<'i, 'l: 'i>(items: impl Iterator<Item = &'i Item<'l>>) -> HashSet<Vec<u8>> {
    items.filter_map(|it| it.record.key().map(<[u8]>::to_vec)).collect()
}

fn halt<'i, 'l>(item: &'i Item<'l>) -> Option<(&'i Item<'l>, &'i Failure)> {
    match &item.state {
        State::Halt(failure) => Some((item, failure)),
        _ => None,
    }
}

/// A list per key; a record without one is by itself.
fn by_key(left: Held<'_>) -> Vec<Held<'_>> {
    let mut strands: Vec<Held<'_>> = Vec::new();
    let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
    for it in left {
        let at = match it.0.record.key() {
            Some(key) => *known.entry(key.to_vec()).or_insert(strands.len()),
            None => strands.len(),
        };
        match strands.get_mut(at) {
            Some(strand) => strand.push(it),
            None => strands.push(vec![it]),
        }
    }
    strands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_moves_when_the_oldest_is_settled_and_gaps_do_not_matter() {
        let window = Window::default();
        [3, 4, 8, 9].into_iter().for_each(|offset| window.taken(offset));
        assert_eq!(window.settled([4, 9].into_iter()), None);
        assert_eq!(window.len(), 4);
        assert_eq!(window.settled([3].into_iter()), Some(5));
        assert_eq!(window.settled([8].into_iter()), Some(10));
        assert_eq!(window.len(), 0);
        assert_eq!(window.settled([7].into_iter()), None, "one that was never taken");
    }
}
