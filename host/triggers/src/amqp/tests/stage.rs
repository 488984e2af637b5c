//! A source on a stage: a function that answers as a test says, and what is seen from outside.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use host_core::{
    Name,
    call::{Call, CallContext, Called, End, Finished, Reply, Target},
    event::{Event, Failure, Outcome, code},
    manifest::{Amqp, AmqpTrigger, Manifest, Trigger},
    ports::{Dispatch, SourceError, TriggerId},
    size::Millis,
};
use parking_lot::Mutex;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::super::{AmqpSource, Config};
use crate::{
    board::Board,
    fakes::{Around, Keyring},
    source::{Rooms, Source},
};

type Answer = Box<dyn Fn(&Event, u32) -> Outcome + Send + Sync>;

/// A function that answers as a test says.
pub(super) struct Stage {
    answer: Answer,
    /// The events of each call that ended, and which attempt it was.
    pub(super) calls: Mutex<Vec<(Vec<Event>, u32)>>,
    under_way: AtomicUsize,
    /// How often a call finds no room.
    pub(super) full: AtomicUsize,
    gate: watch::Sender<bool>,
    pub(super) around: Around,
}

impl Stage {
    pub(super) fn answering(answer: impl Fn(&Event, u32) -> Outcome + Send + Sync + 'static) -> Arc<Self> {
        Self::new(true, Box::new(answer))
    }

    /// Calls end when they are let go.
    pub(super) fn held() -> Arc<Self> {
        Self::new(false, Box::new(|_, _| Ok(vec![])))
    }

    fn new(is_open: bool, answer: Answer) -> Arc<Self> {
        Arc::new(Self {
            answer,
            calls: Mutex::default(),
            under_way: AtomicUsize::new(0),
            full: AtomicUsize::new(0),
            gate: watch::Sender::new(is_open),
            around: Around::answering(|_, _| Ok(vec![])),
        })
    }

    pub(super) fn let_go(&self) {
        self.gate.send_replace(true);
    }

    /// How many events calls have ended with.
    pub(super) fn handled(&self) -> usize {
        self.calls.lock().iter().map(|(events, _)| events.len()).sum()
    }

    /// The data of all events in order of their calls.
    pub(super) fn data(&self) -> Vec<String> {
        let calls = self.calls.lock();
        calls.iter().flat_map(|(events, _)| events).map(|it| String::from_utf8(it.data.to_vec()).unwrap()).collect()
    }

    pub(super) fn under_way(&self) -> usize {
        self.under_way.load(SeqCst)
    }

    fn rooms(self: &Arc<Self>) -> Rooms {
        Rooms { dispatch: Arc::clone(self) as _, ..self.around.rooms() }
    }

    /// A source for the function `shop` with this trigger.
    pub(super) fn source(self: &Arc<Self>, trigger: String) -> Playing {
        let manifest = Manifest::parse(&format!("name = \"shop\"\n[[triggers]]\n{trigger}")).unwrap();
        let Some(Trigger::Amqp(trigger)) = manifest.triggers.into_iter().next() else { panic!("another kind") };
        self.playing(self.rooms(), trigger)
    }

    /// The same with secrets.
    pub(super) fn source_with(self: &Arc<Self>, trigger: String, secrets: Arc<Keyring>) -> Playing {
        let manifest = Manifest::parse(&format!("name = \"shop\"\n[[triggers]]\n{trigger}")).unwrap();
        let Some(Trigger::Amqp(trigger)) = manifest.triggers.into_iter().next() else { panic!("another kind") };
        self.playing(Rooms { secrets, ..self.rooms() }, trigger)
    }

    fn playing(self: &Arc<Self>, rooms: Rooms, trigger: AmqpTrigger) -> Playing {
        let name = |text: &str| text.parse::<Name>().unwrap();
        let id = TriggerId { project: name("default"), function: name("shop"), name: "amqp".into() };
        let board = Arc::new(Board::new(id.clone(), "amqp", trigger.queue.clone()));
        let config = Config { lag: Millis(100), ..Config::default() };
        let server = trigger.server.clone();
        let source = AmqpSource::new(rooms, id, trigger, Arc::clone(&board), config);
        Playing { source: Arc::new(source), board, server }
    }
}

#[async_trait]
impl Dispatch for Stage {
    async fn call(&self, _: Target, context: CallContext, call: Call) -> Called {
        let Call::Events(events) = call else { panic!("events are expected") };
        if self.full.fetch_update(SeqCst, SeqCst, |it| it.checked_sub(1)).is_ok() {
            return Called::failed(Failure::transient(code::OVERLOADED, "there is no room"));
        }
        self.under_way.fetch_add(1, SeqCst);
        self.gate.subscribe().wait_for(|is_open| *is_open).await.unwrap();
        self.under_way.fetch_sub(1, SeqCst);
        let outcomes = events.iter().map(|it| (self.answer)(it, context.attempt)).collect();
        self.calls.lock().push((events, context.attempt));
        Called { reply: Ok(Reply::Events(outcomes)), end: End::Now(Finished::default()) }
    }
}

/// A source that can be run.
pub(super) struct Playing {
    pub(super) source: Arc<AmqpSource>,
    pub(super) board: Arc<Board>,
    server: Amqp,
}

impl Playing {
    /// The server that it reads from.
    pub(super) fn server(&self) -> Amqp {
        self.server.clone()
    }

    pub(super) fn begin(&self) -> Reading {
        let stop = CancellationToken::new();
        let (source, stopped) = (Arc::clone(&self.source), stop.clone());
        Reading { stop, task: tokio::spawn(async move { source.run(stopped).await }) }
    }
}

/// A source that runs.
pub(super) struct Reading {
    pub(super) stop: CancellationToken,
    task: JoinHandle<Result<(), SourceError>>,
}

impl Reading {
    /// Stops it.
    pub(super) async fn end(self) -> Result<(), SourceError> {
        self.stop.cancel();
        self.ended().await
    }

    /// Waits until it ends by itself.
    pub(super) async fn ended(self) -> Result<(), SourceError> {
        tokio::time::timeout(Duration::from_secs(60), self.task).await.expect("the source does not end").unwrap()
    }

    /// Breaks it off wherever it is.
    pub(super) async fn abort(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// Waits until something is true, within a minute.
pub(super) async fn eventually(what: &str, is_true: impl Fn() -> bool) {
    for _ in 0..6_000 {
        if is_true() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within a minute: {what}");
}
