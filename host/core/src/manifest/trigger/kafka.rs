//! The Kafka trigger: which records wake a function, how they are ordered and what becomes of its outputs.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{Batch, StreamRetry, Tls, check_text};
use crate::{Name, size::ByteSize};

/// A Kafka cluster and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Kafka {
    /// The brokers to ask first, `host:port`.
    pub brokers: Vec<String>,
    /// How the connection is encrypted; not at all, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Who the host is to the brokers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sasl: Option<Sasl>,
}

/// Who the host is to the brokers of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sasl {
    /// `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.
    pub mechanism: String,
    /// The user.
    pub username: String,
    /// The secret of the project that holds the password.
    pub password: Name,
}

/// Which records of Kafka wake a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaTrigger {
    /// Its name among the function's triggers; `kafka`, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The cluster; its keys stand beside these.
    #[serde(flatten)]
    pub cluster: Kafka,
    /// The topics; one that begins with `^` is a regular expression.
    pub topics: Vec<String>,
    /// The consumer group; `weft.<project>.<function>.<trigger>`, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Where a group begins that has no offset yet.
    #[serde(default)]
    pub start: Start,
    /// How many records one call is given.
    #[serde(default)]
    pub batch: Batch,
    /// The most bytes of records that are read and not settled yet.
    #[serde(default = "in_flight")]
    pub in_flight: ByteSize,
    /// What is kept in order.
    #[serde(default)]
    pub order: Order,
    /// With `order = "key"`, how many records of a partition may be settled beyond the oldest that is not.
    #[serde(default = "max_ahead")]
    pub max_ahead: u32,
    /// What a crash may do to outputs.
    #[serde(default)]
    pub delivery: Delivery,
    /// The id of this member of the group, so that a restart causes no rebalance; `{host}` stands for the host's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// How often a record is tried.
    #[serde(default)]
    pub retry: StreamRetry,
    /// The topic for records that are given up. They are kept on the host, whether or not there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<String>,
    /// The topic for what leaves by the only outlet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The topics for what leaves by outlets with a name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub outputs: IndexMap<String, String>,
}

/// Where a consumer group begins that has no offset yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// With the oldest record there is, so that nothing is missed.
    #[default]
    Earliest,
    /// With the next record to come.
    Latest,
}

/// What is kept in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The records of a partition: one call after the other.
    #[default]
    Partition,
    /// The records of a partition that bear the same key; others pass them.
    Key,
}

/// What a crash may do to outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// None is lost, some may come twice.
    #[default]
    AtLeastOnce,
    /// Outputs, dead letters and offsets are one transaction.
    ExactlyOnce,
}

fn in_flight() -> ByteSize {
    ByteSize(16 << 20)
}

fn max_ahead() -> u32 {
    1_000
}

impl Kafka {
    /// The secrets it is opened with.
    pub(super) fn secrets(&self) -> Vec<&Name> {
        let tls = self.tls.iter().flat_map(Tls::secrets);
        tls.chain(self.sasl.iter().map(|it| &it.password)).collect()
    }

    /// What the types cannot say.
    ///
    /// # Errors
    /// When no broker is named, or the way to show who one is is unknown.
    pub fn check(&self) -> Result<(), String> {
        if self.brokers.is_empty() {
            return Err("a kafka trigger needs `brokers = [\"host:9092\"]`".into());
        }
        for broker in &self.brokers {
            let port = broker.rsplit_once(':').and_then(|(host, port)| (!host.is_empty()).then(|| port.parse::<u16>()));
            if !matches!(port, Some(Ok(1..))) || broker.contains(['/', ',', ' ', '@']) {
                return Err(format!("`{broker}` is not a broker: write host:port"));
            }
        }
        self.tls.iter().try_for_each(Tls::check)?;
        match &self.sasl {
            Some(sasl) if !["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"].contains(&sasl.mechanism.as_str()) => {
                Err(format!("the mechanism `{}` is unknown: use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", sasl.mechanism))
            }
            _ => Ok(()),
        }
    }
}

impl KafkaTrigger {
    pub(super) fn check(&self) -> Result<(), String> {
        self.cluster.check()?;
        self.batch.check()?;
        self.retry.check()?;
        if self.topics.is_empty() {
            return Err("a kafka trigger needs `topics = [\"orders\"]`".into());
        }
        for topic in &self.topics {
            if topic.starts_with('^') { check_text("the topic pattern", topic)? } else { check_topic(topic)? }
        }
        self.dead_letter.iter().chain(&self.output).chain(self.outputs.values()).try_for_each(|it| check_topic(it))?;
        self.group.iter().try_for_each(|it| check_text("the group", it))?;
        self.member.iter().try_for_each(|it| check_text("the member", it))?;
        if self.max_ahead == 0 || self.in_flight.0 == 0 {
            return Err("max_ahead and in_flight of a kafka trigger must be more than 0".into());
        }
        if self.order == Order::Key && self.delivery == Delivery::ExactlyOnce {
            return Err(
                "a transaction covers whole partitions: leave out `order = \"key\"` or `delivery = \"exactly-once\"`"
                    .into(),
            );
        }
        Ok(())
    }
}

/// A topic's name as Kafka allows it.
fn check_topic(topic: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if topic.is_empty() || topic.len() > 249 || matches!(topic, "." | "..") || !topic.chars().all(plain) {
        return Err(format!("`{topic}` cannot name a topic: use at most 249 letters, digits, ., _ and -"));
    }
    Ok(())
}
