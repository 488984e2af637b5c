//! Exactly once: outputs, dead letters and offsets of what was handled meanwhile, in one transaction after the other.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::ConsumerGroupMetadata,
    error::{KafkaError, KafkaResult},
    producer::Producer as _,
};
use tokio::sync::{mpsc, oneshot};

use super::{
    client::told,
    config::Config,
    producer::{Headers, Producer, Record, Unsent},
};

/// How many batches share a transaction.
const MOST: usize = 64;
/// The wait before a transaction is tried again.
const AGAIN: Duration = Duration::from_millis(200);

/// Who the group's members are now; absent when the consumer is gone.
pub(super) type Membership = Box<dyn Fn() -> Option<ConsumerGroupMetadata> + Send + Sync>;

/// The transactions of a source: one at a time, each with whatever is ready by then.
pub(super) struct Transactions {
    ready: mpsc::Sender<Settlement>,
    turn: Arc<Mutex<()>>,
}

/// A batch that has been handled.
struct Settlement {
    records: Vec<Record<'static>>,
    topic: Arc<str>,
    partition: i32,
    next: i64,
    reply: oneshot::Sender<Result<(), Unsent>>,
}

impl Transactions {
    /// Opens the producer; an older one of the same name is fenced, and what it left open is aborted.
    pub(super) async fn open(
        settings: &ClientConfig,
        config: &Config,
        name: &str,
        membership: Membership,
    ) -> Result<Self, String> {
        let timeout = config.transaction_timeout.duration().clamp(Duration::from_secs(1), Duration::from_secs(900));
        let mut settings = settings.clone();
        settings.set("transactional.id", name).set("transaction.timeout.ms", timeout.as_millis().to_string());
        let config =
            Config { delivery_timeout: config.delivery_timeout.min(config.transaction_timeout), ..config.clone() };
        let turn = Arc::new(Mutex::new(()));
        let own_turn = Arc::clone(&turn);
        let opened = tokio::task::spawn_blocking(move || {
            let producer = Producer::open(&settings, &config)?;
            let opened = retrying(timeout, || producer.inner().init_transactions(timeout));
            opened.map_err(|error| format!("could not open transactions: {}", told(&error)))?;
            Ok(Teller { producer, membership, timeout, turn: own_turn, attempts: config.transaction_attempts })
        });
        let teller = opened.await.map_err(|error| error.to_string()).flatten()?;
        let (ready, settlements) = mpsc::channel(MOST);
        tokio::spawn(teller.work(settlements));
        Ok(Self { ready, turn })
    }

    /// Has the outputs of a batch and the offset after it written together.
    pub(super) async fn settle(
        &self,
        records: Vec<Record<'static>>,
        (topic, partition): (Arc<str>, i32),
        next: i64,
    ) -> Result<(), Unsent> {
        let (reply, answer) = oneshot::channel();
        let settlement = Settlement { records, topic, partition, next, reply };
        let ended = || Unsent::Failed("the transactions of this source have ended".into());
        self.ready.send(settlement).await.map_err(|_| ended())?;
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Returns when no transaction is under way that holds what is not waited for any more.
    ///
    /// Whoever gives a partition away stops waiting for its batches, and then calls this: a transaction that began
    /// before has ended, and none that begins later takes them in.
    pub(super) fn fence(&self) {
        drop(self.turn.lock());
    }
}

/// Makes the transactions.
struct Teller {
    producer: Producer,
    membership: Membership,
    timeout: Duration,
    turn: Arc<Mutex<()>>,
    attempts: u32,
}

/// What came of a transaction.
enum Ended {
    /// It is durable.
    Committed,
    /// It was aborted, and the outputs of one batch will never fit.
    TooLarge { batch: usize, item: usize },
    /// It was aborted; another may succeed.
    Aborted(String),
    /// This producer is of no use any more.
    Fatal(String),
}

impl Teller {
    async fn work(self, mut settlements: mpsc::Receiver<Settlement>) {
        let teller = Arc::new(self);
        while let Some(first) = settlements.recv().await {
            let mut batch = vec![first];
            while let Some(more) = (batch.len() < MOST).then(|| settlements.try_recv().ok()).flatten() {
                batch.push(more);
            }
            if !teller.settle(batch).await {
                return;
            }
        }
    }

    /// Tries until the batch is settled; whether the producer can go on.
    async fn settle(self: &Arc<Self>, mut batch: Vec<Settlement>) -> bool {
        let mut attempt = 1;
        loop {
            let teller = Arc::clone(self);
            let tried = tokio::task::spawn_blocking(move || {
                let ended = teller.transact(&mut batch);
                (batch, ended)
            });
            let Ok((tried, ended)) = tried.await else { return false };
            batch = tried;
            match ended {
                Ended::Committed => {
                    answer(batch, &Ok(()));
                    return true;
                }
                Ended::TooLarge { batch: index, item } => {
                    answer(vec![batch.swap_remove(index)], &Err(Unsent::TooLarge(item)));
                }
                Ended::Aborted(why) if attempt < self.attempts => {
                    tracing::debug!(why, attempt, "a transaction was aborted; it is tried again");
                    attempt += 1;
                    tokio::time::sleep(AGAIN).await;
                }
                Ended::Aborted(why) | Ended::Fatal(why) => {
                    answer(batch, &Err(Unsent::Failed(format!("a transaction failed: {why}"))));
                    return false;
                }
            }
        }
    }

    fn transact(&self, batch: &mut Vec<Settlement>) -> Ended {
        let _turn = self.turn.lock();
        batch.retain(|it| !it.reply.is_closed());
        if batch.is_empty() {
            return Ended::Committed;
        }
        if let Err(error) = self.producer.inner().begin_transaction() {
            return Ended::Fatal(told(&error));
        }
        match self.fill(batch) {
            Ok(()) => Ended::Committed,
            Err(ended @ Ended::Fatal(_)) => ended,
            Err(ended) => match retrying(self.timeout, || self.producer.inner().abort_transaction(self.timeout)) {
                Ok(()) => ended,
                Err(error) => Ended::Fatal(told(&error)),
            },
        }
    }

    /// What belongs to the transaction, and its end.
    fn fill(&self, batch: &mut [Settlement]) -> Result<(), Ended> {
        let runtime = tokio::runtime::Handle::current();
        let inner = self.producer.inner();
        let unsent = |index: usize| {
            move |unsent| match unsent {
                Unsent::TooLarge(item) | Unsent::Refused(item) => Ended::TooLarge { batch: index, item },
                Unsent::Failed(why) => Ended::Aborted(why),
            }
        };
        let mut queued = Vec::with_capacity(batch.len());
        for (index, it) in batch.iter_mut().enumerate() {
            let confirmations = runtime.block_on(self.producer.queue_all(&mut it.records, Headers::Keep));
            queued.push(confirmations.map_err(unsent(index))?);
        }
        let offsets = offsets(batch).map_err(|error| Ended::Fatal(told(&error)))?;
        let membership = (self.membership)().ok_or_else(|| Ended::Aborted("the consumer is closed".into()))?;
        let sent = retrying(self.timeout, || inner.send_offsets_to_transaction(&offsets, &membership, self.timeout));
        sent.map_err(ended)?;
        inner.flush(self.timeout).map_err(|error| Ended::Aborted(told(&error)))?;
        // Brokers refuse records together with those they came with: the largest of all is the one.
        let outcomes = queued.iter().enumerate().filter_map(|(index, it)| Some((index, it.outcome().err()?)));
        if let Some((index, failed)) = outcomes.max_by_key(|(_, failed)| failed.size()) {
            return Err(unsent(index)(failed.among(&batch[index].records)));
        }
        retrying(self.timeout, || inner.commit_transaction(self.timeout)).map_err(ended)
    }
}

fn answer(batch: Vec<Settlement>, with: &Result<(), Unsent>) {
    for settlement in batch {
        // Whoever does not wait any more has given its partition away.
        let _ = settlement.reply.send(with.clone());
    }
}

fn offsets(batch: &[Settlement]) -> KafkaResult<TopicPartitionList> {
    let mut offsets = TopicPartitionList::with_capacity(batch.len());
    for it in batch {
        offsets.add_partition_offset(&it.topic, it.partition, Offset::Offset(it.next))?;
    }
    Ok(offsets)
}

/// What an error of a transaction leaves to do.
fn ended(error: KafkaError) -> Ended {
    match &error {
        KafkaError::Transaction(inner) if !inner.is_fatal() && inner.txn_requires_abort() => {
            Ended::Aborted(told(&error))
        }
        _ => Ended::Fatal(told(&error)),
    }
}

/// Does again what the client says may be done again, as long as there is time.
fn retrying(time: Duration, mut what: impl FnMut() -> KafkaResult<()>) -> KafkaResult<()> {
    let until = Instant::now() + time;
    loop {
        match what() {
            Err(KafkaError::Transaction(error)) if error.is_retriable() && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(20));
            }
            other => return other,
        }
    }
}
