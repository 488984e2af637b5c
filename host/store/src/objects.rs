//! Object stores by URL: `s3://`, `gs://`, `az://` and `file://`, with what it takes to be let in.

mod address;
mod fetch;
mod hidden;
mod open;

use std::{collections::BTreeMap, path::PathBuf};

use host_core::size::Millis;
use serde::{Deserialize, Serialize};

pub use address::{Address, AddressError, Scheme};
pub use fetch::ObjectFetcher;
pub use hidden::Hidden;
pub(crate) use open::{Opened, open};

/// Where some of Azure's services tell a program its identity.
const IDENTITY: &str = "IDENTITY_ENDPOINT";

/// How object stores are reached. What is not said here is taken from the usual variables of the environment, such as
/// `AWS_ACCESS_KEY_ID`, `GOOGLE_SERVICE_ACCOUNT` and `AZURE_STORAGE_ACCOUNT_NAME`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// S3 and what speaks like it.
    pub s3: S3,
    /// Google Cloud Storage.
    pub gcs: Gcs,
    /// Azure Blob Storage.
    pub azure: Azure,
    /// Which URLs pipelines may read, by their beginnings; any, when absent. The artifacts' own place is never among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<String>>,
    /// How often a request that failed is sent again.
    pub retries: usize,
    /// For how long a request is sent again, from its first try.
    pub retry_for: Millis,
    /// How long to wait for a connection.
    pub connect: Millis,
    /// How long to wait for the next piece of an answer.
    pub idle: Millis,
    /// What the environment says, handed over by whoever reads it.
    #[serde(skip)]
    pub environment: BTreeMap<String, Hidden>,
}

/// S3 and what speaks like it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct S3 {
    /// Where it answers, when it is not Amazon; `http://…` is taken as said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Who we are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// The proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_access_key: Option<Hidden>,
    /// What comes with temporary keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_token: Option<Hidden>,
    /// Whether the bucket stands in the host's name rather than in the path.
    pub virtual_hosted: bool,
    /// Whether requests are not signed, as for public buckets.
    pub anonymous: bool,
}

/// Google Cloud Storage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gcs {
    /// Where it answers, when it is not Google; `http://…` is taken as said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The file with the key of a service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account: Option<PathBuf>,
    /// The key itself, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_key: Option<Hidden>,
    /// Whether requests are not signed, as for public buckets.
    pub anonymous: bool,
}

/// Azure Blob Storage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Azure {
    /// Where it answers, when it is not Azure; `http://…` is taken as said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The storage account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key: Option<Hidden>,
    /// A shared access signature instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sas_token: Option<Hidden>,
    /// Whether requests are not signed, as for public containers.
    pub anonymous: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            s3: S3::default(),
            gcs: Gcs::default(),
            azure: Azure::default(),
            inputs: None,
            retries: 6,
            retry_for: Millis(60_000),
            connect: Millis(10_000),
            idle: Millis(60_000),
            environment: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Whether a variable of the environment is one that object stores are told by.
    #[must_use]
    pub fn reads(variable: &str) -> bool {
        variable == IDENTITY || ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|it| variable.starts_with(it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_and_never_written() {
        let text = r#"{ "s3": { "access_key_id": "me", "secret_access_key": "canary", "session_token": "canary" },
            "gcs": { "service_account_key": "canary" }, "azure": { "access_key": "canary", "sas_token": "canary" } }"#;
        let mut config: Config = serde_json::from_str(text).unwrap();
        config.environment.insert("AWS_SECRET_ACCESS_KEY".into(), Hidden::new("canary"));
        assert_eq!(config.s3.secret_access_key.as_ref().unwrap().expose(), "canary");
        let shown = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.contains("\"me\""), "{shown}");
    }

    #[test]
    fn the_configuration_survives_being_written() {
        let config = Config::default();
        let again: Config = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
        assert!(serde_json::from_str::<Config>(r#"{ "s3": { "secret": "x" } }"#).is_err(), "unknown keys are refused");
    }
}
