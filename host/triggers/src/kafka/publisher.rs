//! Sends events of functions to topics, by producers that stay open.

use std::sync::Arc;

use host_core::{
    Name,
    event::Event,
    grant::KafkaTopic,
    manifest::Kafka,
    ports::{PublishError, SourceError},
};
use parking_lot::Mutex;

use super::{
    client,
    config::Config,
    message::EventRef,
    producer::{Producer, Record, Unsent},
};
use crate::source::Rooms;

/// Sends events to topics. There is one producer per project and cluster, and of those at most
/// [`Config::publishers`]; the one that was used longest ago makes room.
pub struct KafkaPublisher {
    rooms: Rooms,
    config: Config,
    /// The latest used last.
    open: Mutex<Vec<(Name, Kafka, Arc<Producer>)>>,
}

impl KafkaPublisher {
    /// A publisher with the usual bounds.
    #[must_use]
    pub fn new(rooms: Rooms) -> Self {
        Self { rooms, config: Config::default(), open: Mutex::default() }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sends `events` in order; when this returns without an error, all of them are written and confirmed.
    ///
    /// # Errors
    /// When one of them may not be. Those before it may have been written.
    pub async fn publish(&self, project: &Name, to: &KafkaTopic, events: Vec<Event>) -> Result<(), PublishError> {
        let topic: Arc<str> = to.topic.as_str().into();
        let producer = self
            .producer(project, &to.cluster)
            .await
            .map_err(|error| PublishError::Unavailable(format!("could not send to the topic `{topic}`: {error}")))?;
        let whole = |(index, event)| Record::of(Arc::clone(&topic), &EventRef::from(event), index);
        let mut records: Vec<Record<'_>> = events.iter().enumerate().map(whole).collect();
        match producer.send_all(&mut records).await {
            Ok(()) => Ok(()),
            Err(Unsent::TooLarge(index) | Unsent::Refused(index)) => Err(PublishError::Refused(format!(
                "event {index} is larger than the topic `{topic}` takes; send it in parts, or where it is kept"
            ))),
            Err(Unsent::Failed(why)) => {
                // Another producer may do better: secrets change, and some errors are for good.
                self.open.lock().retain(|it| !Arc::ptr_eq(&it.2, &producer));
                Err(PublishError::Unavailable(why))
            }
        }
    }

    async fn producer(&self, project: &Name, cluster: &Kafka) -> Result<Arc<Producer>, SourceError> {
        if let Some(producer) = self.known(project, cluster) {
            return Ok(producer);
        }
        let settings = client::settings(&self.rooms, project, cluster, &self.config).await?;
        let producer = Arc::new(Producer::open(&settings, &self.config).map_err(SourceError::Failed)?);
        let mut open = self.open.lock();
        if open.len() >= self.config.publishers.max(1) as usize {
            open.remove(0);
        }
        open.push((project.clone(), cluster.clone(), Arc::clone(&producer)));
        Ok(producer)
    }

    fn known(&self, project: &Name, cluster: &Kafka) -> Option<Arc<Producer>> {
        let mut open = self.open.lock();
        let index = open.iter().position(|it| it.0 == *project && it.1 == *cluster)?;
        let it = open.remove(index);
        let producer = Arc::clone(&it.2);
        open.push(it);
        Some(producer)
    }
}
