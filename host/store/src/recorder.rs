//! Records of calls and log lines, off the hot path: bounded queues, one writer, drops counted, totals exact.

mod rows;
mod tallies;
mod writer;

pub(crate) mod compact;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use host_core::{
    budget::{Budget, Part},
    event::Failure,
    ports::Recorder,
    record::{CallRecord, LogLine, Tally},
};
use serde_json::Value;
use tokio::{
    sync::{broadcast, mpsc, oneshot},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use self::tallies::Counted;
use self::{tallies::Tallies, writer::Writer};
use crate::{Config, logs::StoredLine, sql::Db, text};

/// The longest log line that is kept.
const LONGEST_LINE: usize = 64 << 10;
/// How long a reader waits for what is still to be written.
const LONGEST_FLUSH: Duration = Duration::from_secs(5);

/// A record that waits to be written, and what it takes of memory.
struct Queued<R> {
    record: R,
    _held: Part,
}

/// Takes records and writes them behind.
pub struct StoreRecorder {
    tallies: Arc<Tallies>,
    calls: mpsc::Sender<Queued<CallRecord>>,
    lines: mpsc::Sender<Queued<Arc<StoredLine>>>,
    /// What records that wait may take of the host's memory; lines have a budget of their own, so that a flood of them
    /// costs no call its record.
    calls_memory: Arc<Budget>,
    lines_memory: Arc<Budget>,
    flush: mpsc::Sender<oneshot::Sender<()>>,
    followers: broadcast::Sender<Arc<StoredLine>>,
    dropped: Arc<AtomicU64>,
}

impl StoreRecorder {
    /// Starts the writer; it stops when told to, after it has written what it holds.
    pub(crate) fn start(db: Db, config: &Config, stop: CancellationToken) -> (Arc<Self>, JoinHandle<()>) {
        let (calls, calls_out) = mpsc::channel(config.record_queue.max(1));
        let (lines, lines_out) = mpsc::channel(config.record_queue.max(1));
        let (flush, flush_out) = mpsc::channel(16);
        let (tallies, dropped) = (Arc::new(Tallies::default()), Arc::new(AtomicU64::new(0)));
        let writer = Writer::new(db, calls_out, lines_out, Arc::clone(&tallies), Arc::clone(&dropped));
        let task = tokio::spawn(writer.run(flush_out, stop));
        let followers = broadcast::Sender::new(config.follow_queue.max(1));
        let (calls_memory, lines_memory) = (Budget::new(config.record_memory), Budget::new(config.record_memory));
        let recorder = Self { tallies, calls, lines, calls_memory, lines_memory, flush, followers, dropped };
        (Arc::new(recorder), task)
    }

    /// Resolves when everything that was recorded before has been written, or dropped and counted; or after a while,
    /// when the database is away: whoever reads then sees what is there.
    pub async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        let flushed = async {
            if self.flush.send(done).await.is_ok() {
                // An error means that the writer has stopped, which it does after a last flush.
                let _ = wait.await;
            }
        };
        let _ = tokio::time::timeout(LONGEST_FLUSH, flushed).await;
    }

    /// Log lines from now on, as they come; whoever lags behind misses some and is told how many.
    #[must_use]
    pub fn follow_logs(&self) -> broadcast::Receiver<Arc<StoredLine>> {
        self.followers.subscribe()
    }

    /// Calls of this host since this was asked last, about a second late. Whoever asks adds them up: what is known by
    /// revision would grow with every deploy.
    #[must_use]
    pub fn take_counted(&self) -> Vec<Counted> {
        self.tallies.take_written()
    }

    /// Queues a record if there is a place and memory for it.
    fn queue<R>(&self, queue: &mpsc::Sender<Queued<R>>, memory: &Arc<Budget>, record: R, size: usize) {
        let mut held = memory.part();
        if held.grow(size as u64).is_err() || queue.try_send(Queued { record, _held: held }).is_err() {
            self.drop_one();
        }
    }

    fn drop_one(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a record takes beside its longest texts, about.
const RECORD_OVERHEAD: usize = 512;

fn size_of_call(record: &CallRecord) -> usize {
    let texts = |it: &Failure| it.message.len() + it.backtrace.as_ref().map_or(0, String::len);
    RECORD_OVERHEAD + record.failure.as_ref().map_or(0, texts)
}

fn size_of_line(line: &LogLine) -> usize {
    let field = |(name, value): (&String, &Value)| name.len() + value.as_str().map_or(0, str::len) + size_of::<Value>();
    RECORD_OVERHEAD + line.message.len() + line.fields.iter().map(field).sum::<usize>()
}

impl Recorder for StoreRecorder {
    fn tally(&self, tally: Tally) {
        self.tallies.add(&tally);
    }

    fn call(&self, record: CallRecord) {
        let size = size_of_call(&record);
        self.queue(&self.calls, &self.calls_memory, record, size);
    }

    fn log(&self, mut line: LogLine) {
        if let std::borrow::Cow::Owned(clean) = text::clean(&line.message, LONGEST_LINE) {
            line.message = clean;
        }
        let line = Arc::new(StoredLine { id: Uuid::now_v7().to_string(), line });
        if self.followers.receiver_count() > 0 {
            // Nobody listening any more is no error.
            let _ = self.followers.send(Arc::clone(&line));
        }
        let size = size_of_line(&line.line);
        self.queue(&self.lines, &self.lines_memory, line, size);
    }

    fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}
