//! Connections to a cluster: its addresses, who the host is there, and what librdkafka says of errors.

use std::sync::Arc;

use host_core::{Name, manifest::Kafka, ports::SourceError};
use parking_lot::Mutex;
use rdkafka::{ClientConfig, config::RDKafkaLogLevel, error::KafkaError};

use super::config::Config;
use crate::source::{Rooms, secret};

/// What every client of a cluster is opened with; the secrets are in it, so it is never printed.
pub(super) async fn settings(
    rooms: &Rooms,
    project: &Name,
    cluster: &Kafka,
    config: &Config,
) -> Result<ClientConfig, SourceError> {
    let mut settings = ClientConfig::new();
    settings
        .set("bootstrap.servers", cluster.brokers.join(","))
        .set("client.id", "weft")
        .set("socket.keepalive.enable", "true")
        .set("reconnect.backoff.max.ms", "5000")
        .set("topic.metadata.refresh.interval.ms", config.metadata_refresh.0.clamp(10, 3_600_000).to_string())
        .set_log_level(RDKafkaLogLevel::Warning);
    if let Some(tls) = &cluster.tls {
        match &tls.ca {
            Some(ca) => settings.set("ssl.ca.pem", secret(rooms, project, ca).await?),
            None => settings.set("ssl.ca.location", "probe"),
        };
        if let (Some(certificate), Some(key)) = (&tls.certificate, &tls.key) {
            settings.set("ssl.certificate.pem", secret(rooms, project, certificate).await?);
            settings.set("ssl.key.pem", secret(rooms, project, key).await?);
        }
    }
    if let Some(sasl) = &cluster.sasl {
        settings.set("sasl.mechanism", &sasl.mechanism).set("sasl.username", &sasl.username);
        settings.set("sasl.password", secret(rooms, project, &sasl.password).await?);
    }
    let protocol = match (cluster.tls.is_some(), cluster.sasl.is_some()) {
        (false, false) => "plaintext",
        (true, false) => "ssl",
        (false, true) => "sasl_plaintext",
        (true, true) => "sasl_ssl",
    };
    settings.set("security.protocol", protocol);
    Ok(settings)
}

/// What an error says, without the value of a setting: that may be a secret.
pub(super) fn told(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(_, what, key, _) => format!("the setting `{key}` is wrong: {what}"),
        KafkaError::ClientCreation(what) => what.clone(),
        KafkaError::Transaction(error) => error.string(),
        other => other.rdkafka_error_code().map_or_else(|| other.to_string(), |code| code.to_string()),
    }
}

/// The last error that a client told of its connections, for whoever asks why nothing comes.
#[derive(Clone, Default)]
pub(super) struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    /// Takes down what librdkafka reports in passing; it goes on by itself.
    pub(super) fn note(&self, error: &KafkaError, reason: &str) {
        tracing::debug!(error = %told(error), reason, "librdkafka reports an error");
        *self.0.lock() = Some(if reason.is_empty() { told(error) } else { reason.to_owned() });
    }

    /// Takes down what librdkafka logs as an error: more than the error itself says.
    pub(super) fn hear(&self, level: RDKafkaLogLevel, message: &str) {
        let is_error = matches!(
            level,
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error
        );
        if is_error {
            // In front stand the names of its thread.
            let said = message.split_once("]: ").map_or(message, |(_, said)| said);
            *self.0.lock() = Some(said.to_owned());
        }
    }

    pub(super) fn last(&self) -> Option<String> {
        self.0.lock().clone()
    }

    pub(super) fn clear(&self) {
        *self.0.lock() = None;
    }
}

/// A line of librdkafka's, among our own.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            tracing::warn!(facility, message, "librdkafka");
        }
        _ => tracing::debug!(facility, message, "librdkafka"),
    }
}
