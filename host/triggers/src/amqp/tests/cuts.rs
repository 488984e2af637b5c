//! Connections that break: nothing is lost, and what is tried again finds its way.

use std::{collections::BTreeSet, sync::Arc};

use host_core::ports::SourceError;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{
    broker::Broker,
    stage::{Stage, eventually},
};
use crate::fakes::echo;

/// A road to the server that can be cut.
pub(super) struct Road {
    pub(super) place: String,
    roads: Arc<parking_lot::Mutex<JoinSet<()>>>,
    _listening: JoinSet<()>,
}

impl Road {
    pub(super) async fn to(place: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let roads: Arc<parking_lot::Mutex<JoinSet<()>>> = Arc::default();
        let mut listening = JoinSet::new();
        let (own, own_roads) = (listener.local_addr().unwrap().to_string(), Arc::clone(&roads));
        listening.spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let mut to = TcpStream::connect(&place).await.unwrap();
                own_roads.lock().spawn(async move {
                    let _ = copy_bidirectional(&mut from, &mut to).await;
                });
            }
        });
        Self { place: own, roads, _listening: listening }
    }

    pub(super) fn cut(&self) {
        self.roads.lock().abort_all();
    }
}

fn bodies(range: std::ops::Range<u32>) -> BTreeSet<String> {
    range.map(|n| format!("m{n}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_broken_off_loses_nothing() {
    let Some(broker) = Broker::find("abort").await else { return };
    broker.prepare("in").await;
    broker.declare("out").await;
    for n in 0..60 {
        broker.send("in", &format!("m{n}"), &[]).await;
    }
    let stage = Stage::held();
    let trigger = || broker.trigger("output = \"{out}\"\nbatch = { events = 10 }");
    let reading = stage.source(trigger()).begin();
    eventually("calls are under way", || stage.under_way() == 4).await;
    reading.abort().await;
    let stage = Stage::answering(echo);
    let source = stage.source(trigger());
    let reading = source.begin();
    eventually("it has begun", || source.board.status().events > 0).await;
    reading.abort().await;
    let source = stage.source(trigger());
    let reading = source.begin();
    let mut found = BTreeSet::new();
    while found != bodies(0..60) {
        found.insert(broker.take("out", 1).await.remove(0).body);
    }
    broker.eventually_depth("in", 0).await;
    reading.end().await.unwrap();
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_ends_the_reading_and_the_next_one_goes_on() {
    let Some(broker) = Broker::find("cut").await else { return };
    broker.prepare("in").await;
    broker.declare("out").await;
    let road = Road::to(broker.place()).await;
    let stage = Stage::answering(echo);
    let trigger = broker.trigger("output = \"{out}\"\nbatch = { events = 5 }").replace(&broker.place(), &road.place);
    let source = stage.source(trigger);
    let mut found = BTreeSet::new();
    for round in 0..4 {
        let reading = source.begin();
        let before = source.board.status().events;
        for n in round * 20..(round + 1) * 20 {
            broker.send("in", &format!("m{n}"), &[]).await;
        }
        eventually("some are settled", || source.board.status().events > before).await;
        road.cut();
        let error = reading.ended().await.unwrap_err();
        assert!(matches!(error, SourceError::Failed(_)), "{error}");
    }
    let reading = source.begin();
    while found != bodies(0..80) {
        found.insert(broker.take("out", 1).await.remove(0).body);
    }
    broker.eventually_depth("in", 0).await;
    reading.end().await.unwrap();
    broker.clean().await;
}
