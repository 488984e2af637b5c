//! Where triggers meet the rooms that they need: streams, the clock, what happens on the platform, and the ways out.

use std::{sync::Arc, time::Duration};

use host_core::{
    clock::SystemClock,
    id::HostId,
    ports::{Directory, Dispatch, Secrets, Sources},
};
use host_pipelines::{Runs, Scheduler, Services};
use host_store::Store;
use host_triggers::{
    Config, Happenings, Listeners, Roads, Rooms, Supervisor, amqp::AmqpPublisher, kafka::KafkaPublisher, models,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Whatever wakes functions by itself.
pub(crate) struct Triggers {
    supervisor: Arc<Supervisor>,
    rooms: Rooms,
    /// How often it is asked what happened on the platform.
    poll: Duration,
}

impl Triggers {
    /// Nothing wakes anybody yet.
    pub(super) fn new(rooms: Rooms, config: &Config, registry: models::Registry) -> Self {
        let supervisor = Supervisor::new(rooms.clone(), config.clone(), registry);
        Self { supervisor, rooms, poll: config.events.duration() }
    }

    /// Runs what is wanted, until `stop`. Functions must be ready to answer.
    pub(super) fn start(&self, tasks: &TaskTracker, stop: &CancellationToken) {
        tasks.spawn(self.supervisor.clone().run(stop.clone()));
        tasks.spawn(Happenings::new(self.rooms.clone()).run(self.poll, stop.clone()));
    }

    /// How triggers are doing, and what people may ask of them.
    pub(super) fn sources(&self) -> Arc<dyn Sources> {
        self.supervisor.clone()
    }

    /// Waits until what is in flight is settled, not longer than `most`.
    pub(super) async fn drain(&self, most: Duration) {
        if tokio::time::timeout(most, self.supervisor.drain()).await.is_err() {
            tracing::warn!("stopping with triggers that have not settled; they will read some events again");
        }
    }
}

/// The rooms around every source.
pub(super) fn rooms(
    store: &Store,
    directory: Arc<dyn Directory>,
    dispatch: Arc<dyn Dispatch>,
    secrets: Arc<dyn Secrets>,
    scheduler: &Arc<Scheduler>,
) -> Rooms {
    Rooms {
        dispatch,
        directory,
        secrets,
        letters: Arc::new(store.clone()),
        memory: Arc::new(store.clone()),
        clockwork: Arc::new(Runs::new(scheduler.clone())),
        listeners: Arc::new(Listeners::default()),
        clock: Arc::new(SystemClock),
        host: HostId::next(),
    }
}

/// Where the models go that streams bring.
pub(super) fn registry(store: &Store, services: &Services, config: &crate::config::Config) -> models::Registry {
    models::Registry {
        streams: Arc::new(store.clone()),
        artifacts: services.artifacts.clone(),
        fetch: services.fetch.clone(),
        score: services.score.clone(),
        models: services.models.clone(),
        largest: config.inference.model_bytes.0,
    }
}

/// The ways by which functions send events.
pub(super) fn roads(rooms: &Rooms, config: &Config, scheduler: &Arc<Scheduler>) -> Roads {
    Roads {
        kafka: KafkaPublisher::new(rooms.clone()).with_config(config.kafka.clone()),
        amqp: AmqpPublisher::new(config.amqp.clone(), rooms.secrets.clone()),
        wake: Arc::new(Runs::new(scheduler.clone())),
    }
}
