//! The right to send events: to topics, queues and functions that the manifest names.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::{
    Name,
    manifest::{Amqp, Kafka},
};

/// Somewhere a function may send events, and what it calls it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishGrant {
    /// What the guest calls it.
    pub name: Name,
    /// Where it is.
    #[serde(flatten)]
    pub to: PublishTarget,
}

/// Where events are sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PublishTarget {
    /// A topic: `kafka = { brokers = ["host:9092"], topic = "alerts" }`.
    Kafka(KafkaTopic),
    /// A queue or an exchange: `amqp = { url = "amqp://host/", to = "alerts" }`.
    Amqp(AmqpAddress),
    /// A function of the same project: `function = "score"`.
    Function(Name),
}

/// A topic of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaTopic {
    /// The cluster.
    #[serde(flatten)]
    pub cluster: Kafka,
    /// The topic.
    pub topic: String,
}

/// A queue or an exchange of a server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmqpAddress {
    /// The server.
    #[serde(flatten)]
    pub server: Amqp,
    /// A queue, or `exchange/routing.key`.
    pub to: String,
}

/// What the types cannot say of the grants of a manifest.
pub(super) fn check(grants: &[PublishGrant]) -> Result<(), String> {
    let mut names = HashSet::new();
    for grant in grants {
        if !names.insert(&grant.name) {
            return Err(format!("two grants to publish are called `{}`: give one of them another name", grant.name));
        }
        match &grant.to {
            PublishTarget::Kafka(it) => it.cluster.check()?,
            PublishTarget::Amqp(it) => it.server.check()?,
            PublishTarget::Function(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{grant::PublishTarget, manifest::Manifest};

    #[test]
    fn a_function_may_send_to_topics_queues_and_functions() {
        let text = "name = \"x\"\n[grants]\npublish = [\n{ name = \"a\", kafka = { brokers = [\"k:9092\"], topic = \"t\" } },\n\
                    { name = \"b\", amqp = { url = \"amqp://q/\", to = \"ex/key\" } },\n{ name = \"c\", function = \"score\" }]\n";
        let grants = Manifest::parse(text).unwrap().grants.publish;
        assert!(matches!(&grants[0].to, PublishTarget::Kafka(it) if it.topic == "t"));
        assert!(matches!(&grants[1].to, PublishTarget::Amqp(it) if it.to == "ex/key"));
        assert!(matches!(&grants[2].to, PublishTarget::Function(it) if it.as_str() == "score"));
        let twice = text.replace("\"b\"", "\"a\"");
        assert!(Manifest::parse(&twice).unwrap_err().message.contains("two grants to publish"));
    }
}
