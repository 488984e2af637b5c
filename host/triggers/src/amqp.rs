//! Messages of AMQP 0-9-1 queues: a source that reads one, and a publisher that sends to queues and exchanges.

mod address;
mod batch;
mod config;
mod desk;
mod ledger;
mod link;
mod message;
mod outbox;
mod plan;
mod publisher;
mod retries;
mod routes;
mod session;
mod source;
mod topology;
mod trouble;

pub use config::{Config, check_timeout};
pub use publisher::AmqpPublisher;
pub(crate) use source::AmqpSource;

#[cfg(test)]
mod tests;
