//! The AMQP trigger: which messages wake a function and what becomes of its outputs.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{Batch, StreamRetry, Tls, check_text};
use crate::Name;

/// An AMQP 0-9-1 server and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Amqp {
    /// `amqp://host:5672/vhost`, or `amqps://` for an encrypted connection; without user and password.
    pub url: String,
    /// The user; `guest`, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The secret of the project that holds the password; it is `guest`, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Name>,
    /// What an encrypted connection trusts and shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// Which messages of an AMQP queue wake a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmqpTrigger {
    /// Its name among the function's triggers; `amqp`, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The server; its keys stand beside these.
    #[serde(flatten)]
    pub server: Amqp,
    /// The queue.
    pub queue: String,
    /// What the queue is declared as.
    #[serde(default)]
    pub queue_type: QueueType,
    /// Whether the queue must be there already; else it is declared, durable.
    #[serde(default)]
    pub passive: bool,
    /// The exchanges it is bound to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bind: Vec<Binding>,
    /// How many messages the server sends ahead.
    #[serde(default = "prefetch")]
    pub prefetch: u16,
    /// How many messages one call is given.
    #[serde(default)]
    pub batch: Batch,
    /// Whether messages are handled one after the other by one host at a time: a single active consumer that is sent
    /// one message at a time.
    #[serde(default)]
    pub ordered: bool,
    /// How often a message is tried.
    #[serde(default)]
    pub retry: StreamRetry,
    /// The queue for messages that are given up; `<queue>.dead`, when absent. They are kept on the host too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<String>,
    /// Where what leaves by the only outlet goes: a queue, or `exchange/routing.key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The same for outlets with a name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub outputs: IndexMap<String, String>,
}

/// What a queue is declared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueueType {
    /// Replicated and durable.
    #[default]
    Quorum,
    /// On one node.
    Classic,
}

/// An exchange that fills a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The exchange.
    pub exchange: String,
    /// The routing key, or a pattern of a topic exchange.
    #[serde(default)]
    pub key: String,
    /// The exchange's type, where it is to be declared: `topic`, `direct` or `fanout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declare: Option<String>,
}

fn prefetch() -> u16 {
    1_000
}

impl Amqp {
    /// The secrets it is opened with.
    pub(super) fn secrets(&self) -> Vec<&Name> {
        self.tls.iter().flat_map(Tls::secrets).chain(&self.password).collect()
    }

    /// What the types cannot say.
    ///
    /// # Errors
    /// When the address is of another kind, or holds a password in clear.
    pub fn check(&self) -> Result<(), String> {
        let Some((scheme, rest)) = self.url.split_once("://") else {
            return Err(format!("`{}` is not the address of an AMQP server: write amqp://host:5672/vhost", self.url));
        };
        if rest.split('/').next().is_some_and(|authority| authority.contains('@')) {
            return Err(
                "an amqp address holds no user or password: write `username` and `password = \"<secret>\"`".into()
            );
        }
        if !matches!(scheme, "amqp" | "amqps") || rest.is_empty() || rest.contains(char::is_whitespace) {
            return Err(format!("`{}` is not the address of an AMQP server: write amqp://host:5672/vhost", self.url));
        }
        if self.tls.is_some() && scheme != "amqps" {
            return Err("`tls` needs an address that begins with amqps://".into());
        }
        self.tls.iter().try_for_each(Tls::check)
    }
}

impl AmqpTrigger {
    pub(super) fn check(&self) -> Result<(), String> {
        self.server.check()?;
        self.batch.check()?;
        self.retry.check()?;
        check_text("the queue", &self.queue)?;
        self.dead_letter
            .iter()
            .chain(&self.output)
            .chain(self.outputs.values())
            .try_for_each(|it| check_text("the queue", it))?;
        for binding in &self.bind {
            check_text("the exchange", &binding.exchange)?;
            if let Some(kind) = binding.declare.as_deref().filter(|it| !["topic", "direct", "fanout"].contains(it)) {
                return Err(format!("an exchange of type `{kind}` is not declared: use topic, direct or fanout"));
            }
        }
        if self.prefetch == 0 {
            return Err("prefetch of an amqp trigger must be more than 0".into());
        }
        Ok(())
    }
}
