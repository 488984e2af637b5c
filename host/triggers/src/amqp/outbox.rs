//! Publishes messages and waits until the server has confirmed them: many at once, never one by one.

use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    task::Poll,
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture, poll};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, PublisherConfirm,
    message::BasicReturnMessage,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use parking_lot::Mutex;
use tokio::time::timeout;

use super::{
    address::Address,
    link,
    message::Message,
    trouble::{Trouble, largest},
};

/// How many messages are on their way before confirmations are awaited.
const WINDOW: usize = 1_000;
/// How many channels one connection opens after the other.
const MOST_CHANNELS: u32 = 1_000;

/// A message and where it goes.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) to: Address,
    pub(super) message: Message,
}

/// Publishes by one connection. Each use has a channel for itself, so that what the server returns finds its sender.
pub(super) struct Outbox {
    connection: Connection,
    idle: Mutex<Vec<Channel>>,
    /// How many channels were opened so far.
    opened: AtomicU32,
    confirm: Duration,
}

type Publishing<'m> = BoxFuture<'m, lapin::Result<PublisherConfirm>>;
type Answer = Result<(), Trouble>;

impl Outbox {
    pub(super) fn new(connection: Connection, confirm: Duration) -> Self {
        Self { connection, idle: Mutex::default(), opened: AtomicU32::new(0), confirm }
    }

    /// The connection that it publishes by.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whether it can still be published by. The library never again opens a channel with the number of one that the
    /// server closed, and there are some 2,000.
    pub(super) fn is_fit(&self) -> bool {
        self.connection.status().connected() && self.opened.load(Relaxed) < MOST_CHANNELS
    }

    /// Publishes in order. The answer at `i` is that to the message at `i`: it is where it should be, durably, or why
    /// it may not be.
    pub(super) async fn send(&self, letters: &[Letter]) -> Vec<Answer> {
        if letters.is_empty() {
            return Vec::new();
        }
        let channel = match self.channel().await {
            Ok(channel) => channel,
            Err(trouble) => return vec![Err(trouble); letters.len()],
        };
        let mut answers = Vec::with_capacity(letters.len());
        for window in letters.chunks(WINDOW) {
            let Ok(answered) = timeout(self.confirm, publish(&channel, window)).await else {
                answers.resize(letters.len(), Err(self.overdue()));
                return answers;
            };
            answers.extend(answered);
        }
        if channel.status().connected() {
            self.idle.lock().push(channel);
        }
        answers
    }

    async fn channel(&self) -> Result<Channel, Trouble> {
        let idle = self.idle.lock().pop();
        if let Some(channel) = idle.filter(|it| it.status().connected()) {
            return Ok(channel);
        }
        self.opened.fetch_add(1, Relaxed);
        let channel = link::channel(&self.connection).await?;
        let selected = channel.confirm_select(ConfirmSelectOptions::default()).await;
        selected.map_err(|error| Trouble::at("the server confirms nothing", &error))?;
        Ok(channel)
    }

    fn overdue(&self) -> Trouble {
        let why =
            if self.connection.status().blocked() { ": it blocks publishers, its memory or disk is full" } else { "" };
        Trouble::Lost(format!("the server confirmed nothing within {} s{why}", self.confirm.as_secs()))
    }
}

/// Puts all of them on the wire in order, then waits for all confirmations.
async fn publish(channel: &Channel, letters: &[Letter]) -> Vec<Answer> {
    let mut sending = Vec::with_capacity(letters.len());
    for letter in letters {
        sending.push(begin(channel, letter).await);
    }
    let mut confirms = Vec::with_capacity(letters.len());
    for sent in sending {
        confirms.push(sent.done().await);
    }
    let (mut answers, mut returned, mut most) = (Vec::with_capacity(letters.len()), Vec::new(), None);
    for (confirm, letter) in confirms.into_iter().zip(letters) {
        let confirmed = match confirm {
            Ok(confirm) => confirm.await,
            Err(error) => Err(error),
        };
        most = most.or_else(|| confirmed.as_ref().err().and_then(largest));
        answers.push(answer(confirmed, letter, &mut returned));
    }
    if let Some(most) = most {
        measure(most, letters, &mut answers);
    }
    for message in &returned {
        blame(message, letters, &mut answers);
    }
    answers
}

/// A message whose last byte may not be on the wire yet.
enum Sending<'m> {
    Sent(lapin::Result<PublisherConfirm>),
    Under(Publishing<'m>),
}

impl Sending<'_> {
    async fn done(self) -> lapin::Result<PublisherConfirm> {
        match self {
            Self::Sent(sent) => sent,
            Self::Under(sending) => sending.await,
        }
    }
}

/// The library queues a message when its future is polled first; polling once here keeps them in order.
async fn begin<'m>(channel: &'m Channel, letter: &'m Letter) -> Sending<'m> {
    let (to, message) = (&letter.to, &letter.message);
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let mut sending = channel
        .basic_publish(to.exchange.clone(), to.key.clone(), options, &message.body, message.properties.clone())
        .boxed();
    match poll!(&mut sending) {
        Poll::Ready(sent) => Sending::Sent(sent),
        Poll::Pending => Sending::Under(sending),
    }
}

fn answer(confirmed: lapin::Result<Confirmation>, letter: &Letter, returned: &mut Vec<BasicReturnMessage>) -> Answer {
    match confirmed {
        Ok(Confirmation::Ack(message)) => {
            returned.extend(message);
            Ok(())
        }
        Ok(Confirmation::Nack(message)) => {
            returned.extend(message);
            Err(Trouble::Lost(format!("{} took no message: it is full, or most of its nodes are away", letter.to)))
        }
        Ok(Confirmation::NotRequested) => Err(Trouble::Lost("the server confirms nothing".to_owned())),
        Err(error) => Err(Trouble::at(&format!("could not publish to {}", letter.to), &error)),
    }
}

/// A server closes the channel for a message that is too large, and with it all that are on their way. Whose it was, its
/// size says; the others may be sent again.
fn measure(most: usize, letters: &[Letter], answers: &mut [Answer]) {
    for (letter, answer) in letters.iter().zip(answers).filter(|(_, it)| it.is_err()) {
        let size = letter.message.body.len();
        *answer = Err(match size > most {
            true => Trouble::TooLarge(format!("a message for {} has {size} bytes; its server takes {most}", letter.to)),
            false => Trouble::Lost("another message was too large for the server, which closed the channel".into()),
        });
    }
}

/// The library hands a returned message to any confirmation; whose it is, its address and id say.
fn blame(returned: &BasicReturnMessage, letters: &[Letter], answers: &mut [Answer]) {
    let is_there = |it: &Letter| it.to.exchange == returned.exchange && it.to.key == returned.routing_key;
    let id = |it: &BasicProperties| it.message_id().clone();
    let is_it = |it: &Letter| is_there(it) && id(&it.message.properties) == id(&returned.properties);
    let is_known = letters.iter().any(is_it);
    for (letter, answer) in letters.iter().zip(answers) {
        if is_it(letter) || (!is_known && is_there(letter)) {
            let text = format!("nothing takes messages at {}: {}", letter.to, returned.reply_text);
            *answer = Err(Trouble::Refused(text));
        }
    }
}
