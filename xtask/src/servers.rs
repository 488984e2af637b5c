//! All servers that tests talk to, started side by side and told of by variables.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow};

use crate::{
    kafka::{self, Kafka},
    moto::{self, Moto},
    postgres::{self, Postgres},
    prepare::Install,
    rabbitmq::{self, RabbitMq},
    redis::{self, Redis},
    talk,
};

/// The running servers, each stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) kafka: Kafka,
    pub(crate) rabbitmq: RabbitMq,
    postgres: Postgres,
    moto: Moto,
    redis: Redis,
}

impl Servers {
    /// Starts all of them; what they are made of is there already. When one fails, the others are stopped again.
    pub(crate) fn start() -> Result<Self> {
        thread::scope(|scope| {
            let kafka = scope.spawn(|| timed("Kafka", || Kafka::start(Install::Forbidden)));
            let rabbitmq = scope.spawn(|| timed("RabbitMQ", RabbitMq::start));
            let postgres = scope.spawn(|| timed("Postgres", Postgres::start));
            let moto = scope.spawn(|| timed("S3", || Moto::start(Install::Forbidden)));
            let redis = scope.spawn(|| timed("Redis", Redis::start));
            // All are waited for before the first failure is told: none may start behind our back.
            let (kafka, rabbitmq) = (joined(kafka.join()), joined(rabbitmq.join()));
            let (postgres, moto, redis) = (joined(postgres.join()), joined(moto.join()), joined(redis.join()));
            Ok(Self { kafka: kafka?, rabbitmq: rabbitmq?, postgres: postgres?, moto: moto?, redis: redis? })
        })
    }

    /// What tells tests about them.
    pub(crate) fn variables(&self) -> [(&'static str, String); 8] {
        [
            (kafka::VARIABLE, self.kafka.brokers()),
            (kafka::DETOUR, self.kafka.detour()),
            (kafka::TLS, self.kafka.secure()),
            (rabbitmq::VARIABLE, self.rabbitmq.url()),
            (rabbitmq::TLS, self.rabbitmq.secure()),
            (postgres::VARIABLE, self.postgres.url().to_owned()),
            (moto::VARIABLE, self.moto.url().to_owned()),
            (redis::VARIABLE, self.redis.url().to_owned()),
        ]
    }
}

/// Starts a server and says how long that took.
fn timed<T>(name: &str, start: impl FnOnce() -> Result<T>) -> Result<T> {
    let began = Instant::now();
    let started = start().with_context(|| format!("could not start a throwaway {name}"))?;
    let took: Duration = began.elapsed();
    talk::say(format_args!("{name:<9} {:>8}   ready", talk::took(took)));
    Ok(started)
}

/// A panic of ours is told as what it is.
fn joined<T>(thread: thread::Result<Result<T>>) -> Result<T> {
    thread.unwrap_or_else(|_| Err(anyhow!("starting a server panicked")))
}
