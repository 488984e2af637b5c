//! Sends events of functions to queues and exchanges: one connection per server and project, shared by all of them.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use host_core::{
    Name,
    event::Event,
    grant::AmqpAddress,
    manifest::Amqp,
    ports::{PublishError, Secrets},
};
use parking_lot::Mutex;
use tokio::{sync::Semaphore, time::timeout};

use super::{
    address::Address,
    config::Config,
    link,
    message::Message,
    outbox::{Letter, Outbox},
    trouble::Trouble,
};

/// Sends events to AMQP servers.
pub struct AmqpPublisher {
    config: Config,
    secrets: Arc<dyn Secrets>,
    pool: Mutex<HashMap<(Name, Amqp), Arc<Link>>>,
}

/// What leads to one server.
struct Link {
    open: tokio::sync::Mutex<Option<Arc<Outbox>>>,
    turns: Semaphore,
    used: Mutex<Instant>,
}

impl AmqpPublisher {
    /// A publisher that opens connections with the secrets of a project.
    #[must_use]
    pub fn new(config: Config, secrets: Arc<dyn Secrets>) -> Self {
        Self { config, secrets, pool: Mutex::default() }
    }

    /// Sends `events` in order; when this returns without an error, all of them are where they should be, durably.
    ///
    /// # Errors
    /// When one of them may not be.
    pub async fn publish(&self, project: &Name, to: &AmqpAddress, events: Vec<Event>) -> Result<(), PublishError> {
        let address = Address::parse(&to.to).map_err(PublishError::Refused)?;
        let letters: Vec<Letter> =
            events.iter().map(|it| Letter { to: address.clone(), message: Message::of(it) }).collect();
        let link = self.link(project, &to.server);
        let busy = || Trouble::Lost("too many functions publish to this server at once".to_owned());
        let turn = timeout(self.config.confirm.duration(), link.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(busy().into()) };
        let outbox = self.outbox(&link, project, &to.server).await?;
        let answers = outbox.send(&letters).await;
        *link.used.lock() = Instant::now();
        Ok(answers.into_iter().collect::<Result<(), _>>()?)
    }

    /// The link to a server; those that nobody uses any more are let go, and their connections close.
    fn link(&self, project: &Name, server: &Amqp) -> Arc<Link> {
        let mut pool = self.pool.lock();
        let idle: Duration = self.config.idle.duration();
        pool.retain(|_, link| Arc::strong_count(link) > 1 || link.used.lock().elapsed() < idle);
        let turns = self.config.channels.max(1) as usize;
        let link = pool.entry((project.clone(), server.clone())).or_insert_with(|| {
            let (open, used) = (tokio::sync::Mutex::default(), Mutex::new(Instant::now()));
            Arc::new(Link { open, turns: Semaphore::new(turns), used })
        });
        Arc::clone(link)
    }

    /// Its connection, opened if there is none.
    async fn outbox(&self, link: &Link, project: &Name, server: &Amqp) -> Result<Arc<Outbox>, Trouble> {
        let mut open = link.open.lock().await;
        if let Some(outbox) = open.as_ref().filter(|it| it.is_fit()) {
            return Ok(Arc::clone(outbox));
        }
        let name = format!("weft.{project}.publish");
        let connection = link::open(&self.config, &*self.secrets, project, server, &name).await?;
        let outbox = Arc::new(Outbox::new(connection, self.config.confirm.duration()));
        *open = Some(Arc::clone(&outbox));
        Ok(outbox)
    }
}
