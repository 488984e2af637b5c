//! The one task that writes records: in batches, row by row where a batch is refused, later where nobody answers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use host_core::record::CallRecord;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    Queued,
    rows::{self, Record},
    tallies::Tallies,
};
use crate::{StoreError, logs::StoredLine, sql::Db};

/// How many records are written at once.
const BATCH: usize = 500;
/// How long a record waits for others to share its transaction, of which each costs a write to the disk.
const GATHER: Duration = Duration::from_millis(250);
/// How long it waits where the last ones filled more than a batch, and the queues would not hold what comes meanwhile.
const GATHER_MANY: Duration = Duration::from_millis(10);
/// How often totals are added to the database's.
const TOTALS_EVERY: Duration = Duration::from_secs(1);
/// How long the writer waits before it tries a database again that did not answer.
const AGAIN: Duration = Duration::from_secs(1);

pub(super) struct Writer {
    db: Db,
    calls: mpsc::Receiver<Queued<CallRecord>>,
    lines: mpsc::Receiver<Queued<Arc<StoredLine>>>,
    tallies: Arc<Tallies>,
    dropped: Arc<AtomicU64>,
    is_away: bool,
}

/// Whether a batch that nobody takes may be tried again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// Again and again: the queues fill meanwhile, and what they cannot hold is dropped and counted.
    Endless,
    /// Once: the host stops.
    Once,
}

impl Writer {
    pub(super) fn new(
        db: Db,
        calls: mpsc::Receiver<Queued<CallRecord>>,
        lines: mpsc::Receiver<Queued<Arc<StoredLine>>>,
        tallies: Arc<Tallies>,
        dropped: Arc<AtomicU64>,
    ) -> Self {
        Self { db, calls, lines, tallies, dropped, is_away: false }
    }

    pub(super) async fn run(mut self, mut flushes: mpsc::Receiver<oneshot::Sender<()>>, stop: CancellationToken) {
        let mut totals_at = Instant::now() + TOTALS_EVERY;
        let (mut first, mut gather, mut write_at) = (Held::default(), GATHER, None);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(done) = flushes.recv() => {
                    self.write_all(std::mem::take(&mut first), Patience::Endless, &stop).await;
                    write_at = None;
                    self.write_totals().await;
                    // Whoever asked may have gone.
                    let _ = done.send(());
                }
                () = sleep_until(totals_at) => {
                    self.write_totals().await;
                    totals_at = Instant::now() + TOTALS_EVERY;
                }
                () = sleep_until(write_at.unwrap_or(totals_at)), if write_at.is_some() => {
                    let written = self.write_all(std::mem::take(&mut first), Patience::Endless, &stop).await;
                    gather = if written > BATCH { GATHER_MANY } else { GATHER };
                    write_at = None;
                }
                // The first record of a batch; others are given a moment to join it, and wake nobody.
                Some(call) = self.calls.recv(), if write_at.is_none() => {
                    first.call = Some(call);
                    write_at = Some(Instant::now() + gather);
                }
                Some(line) = self.lines.recv(), if write_at.is_none() => {
                    first.line = Some(line);
                    write_at = Some(Instant::now() + gather);
                }
            }
        }
        self.write_all(first, Patience::Once, &stop).await;
        self.write_totals().await;
    }

    /// Writes what is there, and says how much it was.
    async fn write_all(&mut self, mut first: Held, patience: Patience, stop: &CancellationToken) -> usize {
        let mut written = 0;
        loop {
            let calls = drain(first.call.take(), &mut self.calls);
            let lines = drain(first.line.take(), &mut self.lines);
            if calls.is_empty() && lines.is_empty() {
                return written;
            }
            written += calls.len() + lines.len();
            self.write(&calls, patience, stop).await;
            self.write(&lines, patience, stop).await;
        }
    }

    async fn write<R: Record>(&mut self, records: &[R], patience: Patience, stop: &CancellationToken) {
        if records.is_empty() {
            return;
        }
        loop {
            match rows::write(&self.db, records).await {
                Ok(()) => return self.back(),
                Err(error) if error.is_passing() => {
                    self.away(&error);
                    if patience == Patience::Once || stop.is_cancelled() {
                        return self.drop_some(records.len());
                    }
                    tokio::select! { () = stop.cancelled() => {}, () = sleep(AGAIN) => {} }
                }
                Err(error) => {
                    tracing::warn!(%error, "a batch of records was refused; its rows are written one by one");
                    return self.write_one_by_one(records).await;
                }
            }
        }
    }

    /// A bad row never takes its batch with it.
    async fn write_one_by_one<R: Record>(&mut self, records: &[R]) {
        for record in records {
            if let Err(error) = rows::write(&self.db, std::slice::from_ref(record)).await {
                tracing::warn!(%error, "a record was refused and is dropped");
                self.drop_some(1);
            }
        }
    }

    async fn write_totals(&mut self) {
        let totals = self.tallies.take();
        if totals.is_empty() {
            return;
        }
        match rows::add_up(&self.db, &totals).await {
            Ok(()) => {
                self.tallies.wrote(&totals);
                self.back();
            }
            Err(error) => {
                self.away(&error);
                self.tallies.put_back(totals);
            }
        }
    }

    fn drop_some(&self, count: usize) {
        self.dropped.fetch_add(count as u64, Ordering::Relaxed);
    }

    fn away(&mut self, error: &StoreError) {
        if !self.is_away {
            tracing::error!(%error, "records of calls cannot be written; they wait, and what does not fit is dropped");
        }
        self.is_away = true;
    }

    fn back(&mut self) {
        if self.is_away {
            tracing::info!(dropped = self.dropped.load(Ordering::Relaxed), "records of calls are written again");
        }
        self.is_away = false;
    }
}

/// What woke the writer.
#[derive(Default)]
struct Held {
    call: Option<Queued<CallRecord>>,
    line: Option<Queued<Arc<StoredLine>>>,
}

fn drain<T>(first: Option<T>, queue: &mut mpsc::Receiver<T>) -> Vec<T> {
    let mut batch = Vec::from_iter(first);
    while batch.len() < BATCH {
        match queue.try_recv() {
            Ok(record) => batch.push(record),
            Err(_) => break,
        }
    }
    batch
}
