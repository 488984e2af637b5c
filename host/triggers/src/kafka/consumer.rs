//! The consumer of a source: a thread that polls it, the lanes of the partitions it was given, and their commits.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use futures_util::{FutureExt as _, future::join_all};
use host_core::ports::SourceError;
use parking_lot::Mutex;
use rdkafka::{
    ClientConfig, ClientContext, Offset, TopicPartitionList,
    config::{FromClientConfigAndContext as _, RDKafkaLogLevel},
    consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, RebalanceProtocol},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    types::RDKafkaRespErr,
};
use tokio::{runtime::Handle, sync::Notify, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    client::{self, Trouble, told},
    keys::Window,
    lag::Statistics,
    lane::{Lane, Mark},
    running::{Exit, Running},
    start,
};

/// How long the thread sleeps in librdkafka before it looks for other work.
const TICK: Duration = Duration::from_millis(50);
/// How long a group may be busy with its members before what is settled stays uncommitted.
const TURNING: Duration = Duration::from_secs(1);
/// How long it is waited for a cause.
const WHY: Duration = Duration::from_secs(2);
/// How long a lane is given to end that may settle nothing any more.
const LAST: Duration = Duration::from_secs(2);

/// A partition by its topic and number.
type Partition = (Arc<str>, i32);

/// What librdkafka calls back, always on the thread that polls.
pub(super) struct Context {
    runtime: Handle,
    running: OnceLock<Arc<Running>>,
    consumer: OnceLock<Weak<BaseConsumer<Context>>>,
    lanes: Mutex<HashMap<Partition, Held>>,
    /// Since when a commit is under way.
    committing: Mutex<Option<Instant>>,
    trouble: Trouble,
    /// Whether no broker answered when last heard of.
    is_down: AtomicBool,
}

/// A lane at work.
struct Held {
    mark: Arc<Mark>,
    closing: CancellationToken,
    abandoned: CancellationToken,
    task: JoinHandle<()>,
}

/// The consumer of a source.
pub(super) struct Consumer {
    inner: Arc<BaseConsumer<Context>>,
}

impl Consumer {
    /// One that belongs to no group yet.
    pub(super) fn open(settings: &ClientConfig) -> Result<Self, String> {
        let context = Context {
            runtime: Handle::current(),
            running: OnceLock::new(),
            consumer: OnceLock::new(),
            lanes: Mutex::default(),
            committing: Mutex::default(),
            trouble: Trouble::default(),
            is_down: AtomicBool::new(false),
        };
        let consumer = BaseConsumer::from_config_and_context(settings, context).map_err(|error| told(&error))?;
        let inner = Arc::new(consumer);
        inner.context().consumer.get_or_init(|| Arc::downgrade(&inner));
        Ok(Self { inner })
    }

    /// Asks the cluster for a topic, to learn whether it answers at all. Blocks.
    pub(super) fn reach(&self, topic: Option<&str>, time: Duration) -> Result<(), String> {
        let Err(error) = self.inner.fetch_metadata(topic, time) else { return Ok(()) };
        // Why, the client tells on another way, which may take a moment longer.
        let (context, until) = (self.inner.context(), Instant::now() + WHY);
        while context.trouble.last().is_none() && Instant::now() < until {
            match self.inner.poll(TICK) {
                Some(Err(error)) if context.trouble.last().is_none() => context.trouble.note(&error, ""),
                _ => {}
            }
        }
        Err(match context.trouble.last() {
            Some(trouble) => format!("{} ({trouble})", told(&error)),
            None => told(&error),
        })
    }

    /// The client, as long as it is there.
    pub(super) fn client(&self) -> Weak<BaseConsumer<Context>> {
        Arc::downgrade(&self.inner)
    }

    /// Joins the group and reads until the source ends; then settles what is in flight and leaves. Blocks.
    pub(super) fn read(self, running: &Arc<Running>) -> Result<(), SourceError> {
        let context = Arc::clone(self.inner.context());
        context.running.get_or_init(|| Arc::clone(running));
        let topics: Vec<&str> = running.trigger.topics.iter().map(String::as_str).collect();
        self.inner.subscribe(&topics).map_err(|error| SourceError::Failed(told(&error)))?;
        let mut committed = Instant::now();
        while !running.ended.is_cancelled() {
            match self.inner.poll(TICK) {
                None => {}
                Some(Ok(message)) => {
                    // Lanes take the records of their partitions from queues of their own; nothing may come this way.
                    drop(message);
                    running.fail(SourceError::Failed("a record came by no partition's queue".into()));
                }
                Some(Err(error)) => context.failed(running, &error),
            }
            if committed.elapsed() >= running.config.commit_every.duration() {
                committed = Instant::now();
                context.commit_if_free(&self.inner, running);
            }
        }
        let all: Vec<Partition> = context.lanes.lock().keys().cloned().collect();
        context.give_away(&self.inner, running, &all);
        drop(self);
        running.failed().map_or(Ok(()), Err)
    }
}

impl Context {
    /// Takes partitions up where the group is. Where that is not to be known the source ends, and none is read.
    fn assign(
        &self,
        consumer: &BaseConsumer<Self>,
        running: &Running,
        partitions: &TopicPartitionList,
    ) -> KafkaResult<()> {
        let places = start::places(consumer, partitions, running).unwrap_or_else(|error| {
            running.fail(error);
            None
        });
        if let Some(places) = &places {
            self.take_up(places);
        }
        // The group wants an answer in any case; without lanes nothing is handled.
        let places = places.as_ref().unwrap_or(partitions);
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_assign(places)?,
            _ => consumer.assign(places)?,
        }
        running.reads();
        Ok(())
    }

    /// Begins to read partitions. Their queues are split off before anything is fetched.
    fn take_up(&self, partitions: &TopicPartitionList) {
        let (Some(running), Some(consumer)) = (self.running.get(), self.consumer.get().and_then(Weak::upgrade)) else {
            return;
        };
        for it in partitions.elements() {
            let partition: Partition = (it.topic().into(), it.partition());
            let Some(mut queue) = consumer.split_partition_queue(&partition.0, partition.1) else {
                let what = format!("partition {} of `{}` has no queue", partition.1, partition.0);
                return running.fail(SourceError::Failed(what));
            };
            let arrived = Arc::new(Notify::new());
            let told = Arc::clone(&arrived);
            queue.set_nonempty_callback(move || told.notify_one());
            let mark = Arc::new(Mark::at(it.offset()));
            let (closing, abandoned) = (running.ended.child_token(), running.gone.child_token());
            let lane = Lane {
                running: Arc::clone(running),
                queue,
                arrived,
                topic: Arc::clone(&partition.0),
                partition: partition.1,
                mark: Arc::clone(&mark),
                window: Window::default(),
                closing: closing.clone(),
                abandoned: abandoned.clone(),
            };
            let task = self.runtime.spawn(work(lane));
            self.lanes.lock().insert(partition, Held { mark, closing, abandoned, task });
        }
    }

    /// Ends the lanes of partitions: what is in flight is settled within the bound, and committed.
    fn give_away(&self, consumer: &BaseConsumer<Self>, running: &Running, partitions: &[Partition]) {
        let taken = |it: &Partition| Some((it.clone(), self.lanes.lock().remove(it)?));
        let mut lanes: Vec<(Partition, Held)> = partitions.iter().filter_map(taken).collect();
        lanes.iter().for_each(|(_, lane)| lane.closing.cancel());
        let is_ours = !consumer.assignment_lost() && !running.gone.is_cancelled();
        if is_ours && !self.end(&mut lanes, running.config.drain.duration()) {
            tracing::info!(
                trigger = running.id.name, function = %running.id.function,
                "calls were not over when their partitions were given away; their records are handled again"
            );
        }
        for (_, lane) in &lanes {
            lane.abandoned.cancel();
            lane.task.abort();
        }
        if !running.gone.is_cancelled() {
            self.end(&mut lanes, LAST);
        }
        match &running.exit {
            Exit::Transactional(transactions) => transactions.fence(),
            Exit::Confirmed(_) if is_ours => commit(consumer, lanes.iter().map(|(it, lane)| (it, &*lane.mark))),
            Exit::Confirmed(_) => {}
        }
    }

    /// Waits for lanes to end; whether all did.
    fn end(&self, lanes: &mut [(Partition, Held)], time: Duration) -> bool {
        let tasks = lanes.iter_mut().map(|(_, lane)| &mut lane.task).filter(|it| !it.is_finished());
        let all = join_all(tasks);
        self.runtime.block_on(async { timeout(time, all).await.is_ok() })
    }

    /// Commits what was settled since the last time, unless the last commit is still under way.
    fn commit_if_free(&self, consumer: &BaseConsumer<Self>, running: &Running) {
        if matches!(running.exit, Exit::Transactional(_)) {
            return;
        }
        let patience = running.config.session_timeout.duration();
        if self.committing.lock().is_some_and(|since| since.elapsed() < patience) {
            return;
        }
        let offsets = offsets(self.lanes.lock().iter().map(|(it, lane)| (it, &*lane.mark)));
        if offsets.count() == 0 {
            return;
        }
        *self.committing.lock() = Some(Instant::now());
        if let Err(error) = consumer.commit(&offsets, CommitMode::Async) {
            *self.committing.lock() = None;
            tracing::debug!(error = %told(&error), "offsets were not committed; they will be with the next ones");
        }
    }

    /// What the client says in passing, unless it is the end of it.
    fn failed(&self, running: &Running, error: &KafkaError) {
        match error {
            KafkaError::MessageConsumptionFatal(_) => running.fail(SourceError::Failed(told(error))),
            KafkaError::MessageConsumption(
                RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::GroupAuthorizationFailed
                | RDKafkaErrorCode::InconsistentGroupProtocol
                | RDKafkaErrorCode::InvalidSessionTimeout,
            ) => {
                let topics = running.trigger.topics.join(", ");
                running.is_refused(format!("could not read {topics}: {}", told(error)));
            }
            KafkaError::MessageConsumption(
                RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL,
            ) => {
                let reason = self.trouble.last().unwrap_or_else(|| told(error));
                self.lost(running, &reason);
            }
            _ if self.trouble.last().is_none() => self.trouble.note(error, ""),
            _ => {}
        }
    }

    /// No broker answers, or none lets the host in.
    fn lost(&self, running: &Running, reason: &str) {
        self.is_down.store(true, SeqCst);
        let brokers = running.trigger.cluster.brokers.join(", ");
        running.is_down(Some(format!("no broker answers at {brokers}: {reason}")));
    }
}

/// A lane's task. However it ends, the source knows.
async fn work(lane: Lane) {
    let running = Arc::clone(&lane.running);
    let ran = AssertUnwindSafe(lane.run()).catch_unwind().await;
    match ran {
        Ok(Ok(())) => {}
        Ok(Err(error)) => running.fail(error),
        Err(_) => running.fail(SourceError::Failed("a partition's reader panicked; this is a bug".into())),
    }
}

/// Commits, and waits until it is done.
fn commit<'m>(consumer: &BaseConsumer<Context>, marks: impl Iterator<Item = (&'m Partition, &'m Mark)>) {
    let offsets = offsets(marks);
    if offsets.count() == 0 {
        return;
    }
    let until = Instant::now() + TURNING;
    loop {
        match consumer.commit(&offsets, CommitMode::Sync) {
            // Between the joining of its members and their agreement a group takes no offsets; that is soon over.
            Err(error) if is_turning(&error) && Instant::now() < until => std::thread::sleep(TICK),
            Err(error) => {
                let error = told(&error);
                tracing::info!(error, "offsets were not committed; records after the last ones are handled again");
                return;
            }
            Ok(()) => return,
        }
    }
}

fn is_turning(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::RebalanceInProgress)
}

/// What is settled and not committed.
fn offsets<'m>(marks: impl Iterator<Item = (&'m Partition, &'m Mark)>) -> TopicPartitionList {
    let mut offsets = TopicPartitionList::new();
    for ((topic, partition), mark) in marks {
        let settled = mark.settled.load(SeqCst);
        if settled >= 0 && settled != mark.committed.load(SeqCst) {
            // It only fails for offsets that cannot be, such as negative ones.
            let _ = offsets.add_partition_offset(topic, *partition, Offset::Offset(settled));
        }
    }
    offsets
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
        self.trouble.hear(level, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.trouble.note(&error, reason);
        let Some(running) = self.running.get() else { return };
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            self.lost(running, reason);
        }
    }

    fn stats_raw(&self, json: &[u8]) {
        let (Some(running), Some(statistics)) = (self.running.get(), Statistics::parse(json)) else { return };
        let lanes = self.lanes.lock();
        let lag = lanes
            .iter()
            .filter_map(|((topic, partition), lane)| statistics.lag(topic, *partition, lane.mark.settled.load(SeqCst)));
        running.board.lag(Some(lag.sum()));
        if statistics.is_connected() && self.is_down.swap(false, SeqCst) {
            self.trouble.clear();
            running.is_down(None);
        }
    }
}

impl ConsumerContext for Context {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        let Some(running) = self.running.get() else { return };
        if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            tracing::debug!(trigger = running.id.name, partitions = partitions.count(), "partitions are taken up");
            if let Err(error) = self.assign(consumer, running, partitions) {
                running.fail(SourceError::Failed(format!("could not take up partitions: {}", told(&error))));
            }
            return;
        }
        if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS {
            tracing::debug!(trigger = running.id.name, partitions = partitions.count(), "partitions are given away");
            let partitions: Vec<Partition> =
                partitions.elements().iter().map(|it| (it.topic().into(), it.partition())).collect();
            self.give_away(consumer, running, &partitions);
        } else {
            self.trouble.note(&KafkaError::Rebalance(what.into()), "");
        }
        let unassigned = match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(partitions),
            _ => consumer.unassign(),
        };
        if let Err(error) = unassigned {
            self.trouble.note(&error, "");
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        *self.committing.lock() = None;
        if let Err(error) = &result {
            tracing::debug!(error = %told(error), "offsets were not committed; they will be with the next ones");
        }
        let lanes = self.lanes.lock();
        for it in offsets.elements() {
            let Some(lane) = lanes.get(&(Arc::from(it.topic()), it.partition())) else { continue };
            if let (Ok(()), Ok(()), Offset::Offset(offset)) = (&result, it.error(), it.offset()) {
                lane.mark.committed.store(offset, SeqCst);
            }
        }
    }
}
