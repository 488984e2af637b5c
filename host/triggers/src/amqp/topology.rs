//! What is declared on a server: the queue that is read, its exchanges, and our own queues beside it.

use host_core::manifest::{AmqpTrigger, Binding, QueueType};
use lapin::{
    Channel, Connection, ExchangeKind, Queue,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, ShortString},
};

use super::{
    address::short,
    link,
    retries::Bucket,
    trouble::{NOT_FOUND, PRECONDITION, REFUSED, Trouble, cause, protocol_error},
};

/// How often a quorum queue hands a message out before it drops it. It counts every time a host stops or loses its
/// connection; how often a message is tried is for us to count, so there is no limit.
const DELIVERY_LIMIT: i32 = i32::MAX;

/// Sees to it that the queue of a trigger is there and filled; how many messages wait in it.
pub(super) async fn queue(connection: &Connection, trigger: &AmqpTrigger) -> Result<u32, Trouble> {
    let name = named("the queue", &trigger.queue)?;
    let depth = if trigger.passive {
        look(connection, &name).await?.ok_or_else(|| missing(&trigger.queue))?
    } else {
        declare(connection, &name, arguments(trigger)).await?.message_count()
    };
    for binding in &trigger.bind {
        bind(connection, &name, binding).await?;
    }
    Ok(depth)
}

/// Sees to it that there is a queue for dead letters; one that is there already is taken as it is.
pub(super) async fn dead_letters(
    connection: &Connection,
    trigger: &AmqpTrigger,
    name: &ShortString,
) -> Result<(), Trouble> {
    let Err(trouble) = declare(connection, name, typed(trigger.queue_type)).await else { return Ok(()) };
    match trouble {
        Trouble::Refused(_) if look(connection, name).await.is_ok_and(|it| it.is_some()) => Ok(()),
        trouble => Err(trouble),
    }
}

/// Sees to it that a retry queue is there. It is of the type of the queue; a quorum queue gives a message back only
/// once the other has it.
pub(super) async fn retry(connection: &Connection, trigger: &AmqpTrigger, bucket: &Bucket) -> Result<(), Trouble> {
    let back = named("the queue", &trigger.queue)?;
    let mut arguments = typed(trigger.queue_type);
    let text = |it: &str| AMQPValue::LongString(it.as_bytes().into());
    let mut put = |name: &'static str, value| {
        arguments.insert(name.into(), value);
    };
    put("x-message-ttl", AMQPValue::LongLongInt(bucket.most_ms.into()));
    put("x-dead-letter-exchange", text(""));
    put("x-dead-letter-routing-key", text(back.as_str()));
    if trigger.queue_type == QueueType::Quorum {
        put("x-dead-letter-strategy", text("at-least-once"));
        put("x-overflow", text("reject-publish"));
    }
    declare(connection, &bucket.address.key, arguments).await.map(drop)
}

/// How many messages wait in a queue; nothing, if there is none.
async fn look(connection: &Connection, name: &ShortString) -> Result<Option<u32>, Trouble> {
    // On a channel of its own, because the server closes it when there is no such queue.
    let channel = link::channel(connection).await?;
    match depth(&channel, name).await {
        Ok(depth) => Ok(Some(depth)),
        Err(error) if protocol_error(&error).is_some_and(|it| it.get_id() == NOT_FOUND) => Ok(None),
        Err(error) => Err(Trouble::at(&format!("could not look at queue `{name}`"), &error)),
    }
}

/// How many messages wait in a queue that is there.
pub(super) async fn depth(channel: &Channel, name: &ShortString) -> lapin::Result<u32> {
    let passive = QueueDeclareOptions::default().passive();
    Ok(channel.queue_declare(name.clone(), passive, FieldTable::default()).await?.message_count())
}

async fn declare(connection: &Connection, name: &ShortString, arguments: FieldTable) -> Result<Queue, Trouble> {
    let channel = link::channel(connection).await?;
    let declared = channel.queue_declare(name.clone(), QueueDeclareOptions::durable(), arguments).await;
    declared.map_err(|error| match protocol_error(&error).map(lapin::protocol::AMQPError::get_id) {
        Some(PRECONDITION) => Trouble::Refused(format!(
            "queue `{name}` is there with other settings; delete it, or say `passive = true` to take the queue of a \
             trigger as it is: {}",
            cause(&error)
        )),
        Some(REFUSED) => Trouble::Refused(format!(
            "queue `{name}` may not be declared; give the user that right, or declare it beforehand: {}",
            cause(&error)
        )),
        _ => Trouble::at(&format!("could not declare queue `{name}`"), &error),
    })
}

async fn bind(connection: &Connection, queue: &ShortString, binding: &Binding) -> Result<(), Trouble> {
    let channel = link::channel(connection).await?;
    let exchange = named("the exchange", &binding.exchange)?;
    let key = named("the routing key", &binding.key)?;
    if let Some(kind) = &binding.declare {
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let declared = channel.exchange_declare(exchange.clone(), kind_of(kind), durable, FieldTable::default()).await;
        declared.map_err(|error| Trouble::at(&format!("could not declare exchange `{exchange}`"), &error))?;
    }
    let bound = channel
        .queue_bind(queue.clone(), exchange.clone(), key, QueueBindOptions::default(), FieldTable::default())
        .await;
    bound.map_err(|error| Trouble::at(&format!("could not bind queue `{queue}` to exchange `{exchange}`"), &error))
}

fn kind_of(kind: &str) -> ExchangeKind {
    match kind {
        "topic" => ExchangeKind::Topic,
        "fanout" => ExchangeKind::Fanout,
        _ => ExchangeKind::Direct,
    }
}

fn arguments(trigger: &AmqpTrigger) -> FieldTable {
    let mut arguments = typed(trigger.queue_type);
    if trigger.queue_type == QueueType::Quorum {
        arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(DELIVERY_LIMIT));
    }
    if trigger.ordered {
        arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
    }
    arguments
}

fn typed(queue_type: QueueType) -> FieldTable {
    let name = match queue_type {
        QueueType::Quorum => "quorum",
        QueueType::Classic => "classic",
    };
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString(name.into()));
    arguments
}

/// A name as the protocol takes it.
pub(super) fn named(what: &str, name: &str) -> Result<ShortString, Trouble> {
    short(name).ok_or_else(|| Trouble::Refused(format!("{what} `{name}` has a name longer than 255 bytes")))
}

fn missing(queue: &str) -> Trouble {
    Trouble::Refused(format!(
        "queue `{queue}` is not there; declare it, or leave out `passive = true` to have it declared"
    ))
}
