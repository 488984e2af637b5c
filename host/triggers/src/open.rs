//! The list of sources: what opens each kind of trigger.

use std::sync::Arc;

use host_core::{manifest::Trigger, ports::TriggerId};

use crate::{
    Config,
    amqp::AmqpSource,
    board::Board,
    happening::EventSource,
    kafka::KafkaSource,
    schedule::ScheduleSource,
    source::{Rooms, Source},
};

/// Opens a source that writes how it is doing on a board.
pub(crate) type Open = Arc<dyn Fn(&Config, Rooms, Arc<Board>) -> Arc<dyn Source> + Send + Sync>;

/// What opens a trigger. Requests are awaited by the host's own port.
pub(crate) fn of(id: &TriggerId, trigger: &Trigger) -> Option<Open> {
    let id = id.clone();
    Some(match trigger.clone() {
        Trigger::Kafka(it) => Arc::new(move |config, rooms, board| {
            Arc::new(KafkaSource::new(rooms, id.clone(), it.clone(), board).with_config(config.kafka.clone()))
        }),
        Trigger::Amqp(it) => Arc::new(move |config, rooms, board| {
            Arc::new(AmqpSource::new(rooms, id.clone(), it.clone(), board, config.amqp.clone()))
        }),
        Trigger::Schedule(it) => {
            Arc::new(move |_, rooms, board| Arc::new(ScheduleSource::new(rooms, id.clone(), it.clone(), board)))
        }
        Trigger::Event(_) => Arc::new(move |_, rooms, board| Arc::new(EventSource::new(rooms, id.clone(), board))),
        Trigger::Http(_) => return None,
    })
}
