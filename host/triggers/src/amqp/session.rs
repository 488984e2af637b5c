//! One connection of a source: what it reads by, what it publishes by, and how it ends.

use std::sync::Arc;

use host_core::{manifest::AmqpTrigger, ports::TriggerId};
use lapin::{
    Channel, Consumer,
    options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions},
    types::{FieldTable, ShortString},
};

use super::{
    address::short, config::Config, ledger::Ack, link, outbox::Outbox, retries::Retries, topology, trouble::Trouble,
};
use crate::source::{Rooms, usual_name};

/// One connection of a source.
pub(super) struct Session {
    pub(super) outbox: Outbox,
    pub(super) retries: Retries,
    /// Which connection of which host this is, so that a message without an id gets one that no other has.
    pub(super) name: Arc<str>,
    reading: Channel,
    tag: ShortString,
}

impl Session {
    /// Connects, and sees to it that everything is there that a trigger needs.
    pub(super) async fn open(
        config: &Config,
        rooms: &Rooms,
        id: &TriggerId,
        trigger: &AmqpTrigger,
        dead_letters: &ShortString,
    ) -> Result<Self, Trouble> {
        let usual = usual_name(id);
        let connection = link::open(config, &*rooms.secrets, &id.project, &trigger.server, &usual).await?;
        let asked = async {
            topology::queue(&connection, trigger).await?;
            topology::dead_letters(&connection, trigger, dead_letters).await?;
            link::channel(&connection).await
        };
        let reading = link::within(config, "queues were declared", asked).await?;
        Ok(Self {
            outbox: Outbox::new(connection, config.confirm.duration()),
            retries: Retries::default(),
            name: format!("{}-{:x}", rooms.host, rooms.clock.now().as_microsecond()).into(),
            reading,
            tag: short(&usual).unwrap_or_default(),
        })
    }

    /// Has the messages of a queue sent, so many ahead.
    pub(super) async fn consume(
        &self,
        config: &Config,
        queue: &ShortString,
        prefetch: u16,
    ) -> Result<Consumer, Trouble> {
        let asked = async {
            let limited = self.reading.basic_qos(prefetch, BasicQosOptions::default()).await;
            limited.map_err(|error| Trouble::at("could not set the prefetch", &error))?;
            let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
            let consumer = self.reading.basic_consume(queue.clone(), self.tag.clone(), options, arguments).await;
            consumer.map_err(|error| Trouble::at(&format!("could not read queue `{queue}`"), &error))
        };
        link::within(config, "its messages were asked for", asked).await
    }

    /// Has no more messages sent.
    pub(super) async fn cancel(&self, config: &Config, consumer: &Consumer) {
        let asked = async {
            let cancelled = self.reading.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await;
            cancelled.map_err(|error| Trouble::at("could not stop reading", &error))
        };
        // What fails here has ended already.
        let _ = link::within(config, "its messages were declined", asked).await;
    }

    /// Tells the server which messages it may forget.
    pub(super) async fn acknowledge(&self, config: &Config, acks: &[Ack]) -> Result<(), Trouble> {
        let asked = async {
            let told = acks.iter().map(|it| self.reading.basic_ack(it.tag, BasicAckOptions { multiple: it.multiple }));
            let told = futures_util::future::try_join_all(told).await;
            told.map(drop).map_err(|error| Trouble::at("could not acknowledge", &error))
        };
        link::within(config, "messages were acknowledged", asked).await
    }

    /// Whether there is still a connection.
    pub(super) fn is_open(&self) -> bool {
        self.outbox.connection().status().connected() && self.reading.status().connected()
    }

    /// Ends it; what is not acknowledged goes back to the queue.
    pub(super) async fn close(&self, config: &Config) {
        // The channel answers once it has seen all acknowledgements; the end of the connection waits for nothing.
        let asked = async {
            let closed = self.reading.close(200, ShortString::default()).await;
            closed.map_err(|error| Trouble::at("could not close a channel", &error))
        };
        // One that is lost already needs no farewell.
        let _ = link::within(config, "its channel was closed", asked).await;
        link::close(config, self.outbox.connection()).await;
    }
}
