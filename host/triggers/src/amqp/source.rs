//! The source that reads a queue: hands batches to a function, and acknowledges what is settled.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use host_core::{
    manifest::AmqpTrigger,
    ports::{SourceError, TriggerId, TriggerState},
};
use lapin::types::ShortString;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    batch::{Gather, Taken},
    config::Config,
    desk::{Desk, Worked},
    ledger::{Ack, Ledger},
    link,
    outbox::Outbox,
    routes::Routes,
    session::Session,
    topology,
};
use crate::{
    board::Board,
    handover::{Handover, Outgoing},
    source::{Rooms, Source, usual_name},
};

/// Reads a queue.
pub(crate) struct AmqpSource {
    desk: Arc<Desk>,
}

impl AmqpSource {
    /// The source of a trigger.
    pub(crate) fn new(rooms: Rooms, id: TriggerId, trigger: AmqpTrigger, board: Arc<Board>, config: Config) -> Self {
        let handover = Handover::new(rooms.clone(), id.clone(), "amqp", trigger.retry.rule(), Arc::clone(&board))
            .within(config.patience());
        Self { desk: Arc::new(Desk { handover, rooms, id, trigger, board, config }) }
    }

    fn routes(&self) -> Result<Routes, SourceError> {
        Routes::of(&self.desk.trigger).map_err(SourceError::Failed)
    }
}

#[async_trait]
impl Source for AmqpSource {
    async fn run(&self, stop: CancellationToken) -> Result<(), SourceError> {
        let desk = &self.desk;
        let routes = Arc::new(self.routes()?);
        let opening = Session::open(&desk.config, &desk.rooms, &desk.id, &desk.trigger, &routes.dead_letters);
        let session = tokio::select! {
            opened = opening => Arc::new(opened?),
            () = stop.cancelled() => return Ok(()),
        };
        let ended = Reading::new(Arc::clone(desk), routes, Arc::clone(&session), stop).run().await;
        session.close(&desk.config).await;
        desk.board.lag(None);
        ended
    }

    async fn send(&self, outputs: Vec<Outgoing>) -> Result<(), SourceError> {
        let letters: Vec<_> = self.routes()?.letters(&outputs).collect();
        if letters.is_empty() {
            return Ok(());
        }
        let Desk { config, rooms, id, trigger, .. } = &*self.desk;
        let name = usual_name(id);
        let connection = link::open(config, &*rooms.secrets, &id.project, &trigger.server, &name).await?;
        let outbox = Outbox::new(connection, config.confirm.duration());
        let answers = outbox.send(&letters).await;
        link::close(config, outbox.connection()).await;
        answers.into_iter().collect::<Result<(), _>>().map_err(SourceError::from)
    }
}

/// What became of a batch that began with a message and ended with another.
type Ended = (u64, u64, Worked);

/// One reading of a queue, from its first message to the end of its connection.
struct Reading {
    desk: Arc<Desk>,
    routes: Arc<Routes>,
    session: Arc<Session>,
    stop: CancellationToken,
    /// Cancelled when no batch is to wait any longer.
    enough: CancellationToken,
    batches: JoinSet<Ended>,
    ledger: Ledger,
}

impl Reading {
    fn new(desk: Arc<Desk>, routes: Arc<Routes>, session: Arc<Session>, stop: CancellationToken) -> Self {
        let enough = stop.child_token();
        Self { desk, routes, session, stop, enough, batches: JoinSet::new(), ledger: Ledger::default() }
    }

    async fn run(mut self) -> Result<(), SourceError> {
        let trigger = &self.desk.trigger;
        let prefetch = self.desk.config.ahead(trigger, self.desk.timeout());
        let queue = topology::named("the queue", &trigger.queue)?;
        let consumer = self.session.consume(&self.desk.config, &queue, prefetch).await?;
        let mut gather = Gather::new(consumer, trigger, prefetch, Arc::clone(&self.session.name));
        self.desk.board.state(TriggerState::Running, None);
        let mut asking = JoinSet::new();
        asking.spawn(ask_lag(Arc::clone(&self.desk), Arc::clone(&self.session), queue));
        let ended = self.read(&mut gather).await;
        self.wind_down(&gather, ended).await
    }

    /// Until it is stopped, or something ends it.
    async fn read(&mut self, gather: &mut Gather) -> Result<(), SourceError> {
        let most = self.desk.config.batches_of(&self.desk.trigger);
        loop {
            let due = self.ledger.next();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                Some(ended) = self.batches.join_next() => self.ended(ended).await?,
                () = until(due) => self.acknowledge().await?,
                batch = gather.next(), if self.batches.len() < most => self.begin(batch?),
            }
        }
    }

    fn begin(&mut self, batch: Vec<Taken>) {
        let Some((first, last)) = batch.first().map(|it| it.tag).zip(batch.last().map(|it| it.tag)) else { return };
        self.ledger.begin(first);
        let (desk, routes, session) = (Arc::clone(&self.desk), Arc::clone(&self.routes), Arc::clone(&self.session));
        let enough = self.enough.clone();
        self.batches.spawn(async move { (first, last, desk.work(&session, &routes, batch, &enough).await) });
    }

    /// Acknowledges what is settled of a batch, before anything that went wrong is told.
    async fn ended(&mut self, ended: Result<Ended, JoinError>) -> Result<(), SourceError> {
        let (first, last, worked) =
            ended.map_err(|error| SourceError::Failed(format!("a batch broke off: {error}")))?;
        if worked.settled.len() as u64 == last - first + 1 {
            self.ledger.settled(first, last, Instant::now());
        } else {
            let acks: Vec<_> = worked.settled.iter().map(|tag| Ack { tag: *tag, multiple: false }).collect();
            self.session.acknowledge(&self.desk.config, &acks).await?;
        }
        let told = self.acknowledge().await;
        worked.end.map_or(told, Err)
    }

    async fn acknowledge(&mut self) -> Result<(), SourceError> {
        let acks = self.ledger.due(Instant::now());
        if acks.is_empty() { Ok(()) } else { Ok(self.session.acknowledge(&self.desk.config, &acks).await?) }
    }

    /// Takes no more, settles what is in flight, and leaves the rest to whoever reads next.
    async fn wind_down(mut self, gather: &Gather, ended: Result<(), SourceError>) -> Result<(), SourceError> {
        self.enough.cancel();
        if !self.session.is_open() {
            // Nothing could be acknowledged any more: all of it is sent again.
            self.batches.abort_all();
            return ended;
        }
        self.session.cancel(&self.desk.config, gather.consumer()).await;
        let mut ended = ended;
        while let Some(batch) = self.batches.join_next().await {
            let told = self.ended(batch).await;
            ended = ended.and(told);
        }
        for ack in self.ledger.rest() {
            ended = ended.and(self.session.acknowledge(&self.desk.config, &[ack]).await.map_err(SourceError::from));
        }
        ended
    }
}

/// Until a moment; for ever, where there is none.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

/// Asks how many messages wait, every few seconds, as long as there is an answer.
async fn ask_lag(desk: Arc<Desk>, session: Arc<Session>, queue: ShortString) {
    // One channel for all of it: their numbers are not endless.
    let Ok(channel) = link::channel(session.outbox.connection()).await else { return };
    while let Ok(waiting) = topology::depth(&channel, &queue).await {
        desk.board.lag(Some(waiting.into()));
        tokio::time::sleep(desk.config.lag.duration()).await;
    }
    desk.board.lag(None);
}
