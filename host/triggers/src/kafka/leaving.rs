//! What batches of a partition left and brokers have not confirmed yet: the function goes on meanwhile.
//!
//! Batches are handed to the producer one after the other and settled in that order, so nothing overtakes. While brokers
//! are slow, more of them lie at the producer, which then writes more at once. How much that may be is bounded here by
//! their records, and by their bytes, which are in flight until they are settled.

use std::{collections::VecDeque, pin::pin};

use host_core::ports::SourceError;

use super::{
    item::Item,
    lane::{Batch, Lane, refused},
    producer::{Confirmations, Failed, Headers, Producer, Unsent},
    running::Exit,
};

/// How many records of a partition may wait until what they left is confirmed, beside the first batch of them.
const MOST: usize = 4_000;

/// Batches on their way out, the oldest first, and how many records they are: batches may be many and small.
#[derive(Default)]
pub(super) struct Leaving<'l> {
    batches: VecDeque<(Batch<'l>, Confirmations)>,
    records: usize,
}

impl<'l> Leaving<'l> {
    fn push(&mut self, batch: Batch<'l>, confirmations: Confirmations) {
        self.records += batch.0.len();
        self.batches.push_back((batch, confirmations));
    }

    fn pop(&mut self) -> Option<Batch<'l>> {
        let (batch, _) = self.batches.pop_front()?;
        self.records -= batch.0.len();
        Some(batch)
    }
}

impl Lane {
    /// Hands on what a batch left of which all is certain, once there is room for it.
    pub(super) async fn leave<'l>(
        &self,
        producer: &Producer,
        leaving: &mut Leaving<'l>,
        (mut items, permit): Batch<'l>,
    ) -> Result<(), SourceError> {
        while leaving.records > 0 && leaving.records + items.len() > MOST {
            self.first_left(leaving).await?;
        }
        let confirmations = loop {
            self.bury(&mut items).await?;
            let queued = producer.queue_all(&mut self.records(&items), Headers::Spend).await;
            match queued {
                Ok(confirmations) => break confirmations,
                Err(unsent) => refused(&mut items, unsent)?,
            }
        };
        leaving.push((items, permit), confirmations);
        Ok(())
    }

    /// Works, and settles what is confirmed meanwhile.
    pub(super) async fn meanwhile<'l, T>(
        &self,
        leaving: &mut Leaving<'l>,
        work: impl Future<Output = T>,
    ) -> Result<T, SourceError> {
        let mut work = pin!(work);
        while let Some((_, first)) = leaving.batches.front() {
            tokio::select! {
                biased;
                confirmed = first.all() => self.left(leaving, confirmed).await?,
                done = &mut work => return Ok(done),
            }
        }
        Ok(work.await)
    }

    /// Waits until all of it is settled.
    pub(super) async fn all_left(&self, leaving: &mut Leaving<'_>) -> Result<(), SourceError> {
        while leaving.records > 0 {
            self.first_left(leaving).await?;
        }
        Ok(())
    }

    async fn first_left(&self, leaving: &mut Leaving<'_>) -> Result<(), SourceError> {
        let Some((_, first)) = leaving.batches.front() else { return Ok(()) };
        let confirmed = first.all().await;
        self.left(leaving, confirmed).await
    }

    /// Settles the oldest batch, of which this is known now.
    async fn left(&self, leaving: &mut Leaving<'_>, confirmed: Result<(), Box<Failed>>) -> Result<(), SourceError> {
        match confirmed {
            Ok(()) => {
                if let Some((items, _permit)) = leaving.pop() {
                    self.settled(&items);
                }
                Ok(())
            }
            Err(failed) => self.anew(leaving, failed).await,
        }
    }

    /// A broker did not take what the oldest batch left, and what later ones left is there already. So everything is sent
    /// once more, in its order and each after the other is confirmed: the last of every record stands where it should,
    /// and what is too large shows.
    async fn anew(&self, leaving: &mut Leaving<'_>, failed: Box<Failed>) -> Result<(), SourceError> {
        let mut failed = Some(failed);
        for ((items, _), confirmations) in &leaving.batches {
            let known = match failed.take() {
                Some(first) => Err(first),
                None => confirmations.all().await,
            };
            if let Err(failed) = known
                && let Unsent::Failed(why) = self.unsent(&failed, items)
            {
                return Err(SourceError::Failed(why));
            }
        }
        while let Some((mut items, _permit)) = leaving.pop() {
            self.emit(&mut items).await?;
        }
        Ok(())
    }

    fn unsent(&self, failed: &Failed, items: &[Item<'_>]) -> Unsent {
        match &self.running.exit {
            Exit::Confirmed(producer) => producer.unsent(failed, &self.records(items)),
            Exit::Transactional(_) => failed.among(&self.records(items)),
        }
    }
}
