//! Secrets: everything but their values, which only ever travel to the host.

use std::fmt;

use host_core::{Name, ports};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

/// What may be told of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Secret {
    /// Its name.
    #[schema(value_type = String)]
    pub name: Name,
    /// Grows with every value; never used again, not even after the secret was deleted.
    pub version: u64,
    /// When it was first set.
    pub created_at: Timestamp,
    /// When its value was set.
    pub updated_at: Timestamp,
    /// Who set it.
    pub updated_by: String,
}

impl From<ports::Secret> for Secret {
    fn from(secret: ports::Secret) -> Self {
        let ports::Secret { name, version, created_at, updated_at, updated_by, .. } = secret;
        Self { name, version, created_at, updated_at, updated_by }
    }
}

/// A value to set.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSecret {
    /// The value, 4 bytes to 64 KiB.
    #[serde(deserialize_with = "untold")]
    #[schema(min_length = 1)]
    pub value: String,
}

impl fmt::Debug for SetSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetSecret").finish_non_exhaustive()
    }
}

/// Reads a text. What is none is not repeated in the error, as it usually would be.
fn untold<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Ok(text),
        _ => Err(de::Error::custom("`value` must be a string")),
    }
}

/// What sealing everything again came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rekeyed {
    /// How many values were sealed again, over all projects.
    pub secrets: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_repeated_nowhere() {
        let set: SetSecret = serde_json::from_str(r#"{"value": "canary"}"#).unwrap();
        assert_eq!(set.value, "canary");
        assert!(!format!("{set:?}").contains("canary"));
        let wrong = serde_json::from_str::<SetSecret>(r#"{"value": 31415926}"#).unwrap_err().to_string();
        assert!(wrong.contains("must be a string") && !wrong.contains("31415926"), "{wrong}");
    }
}
