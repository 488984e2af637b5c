//! The configuration in force.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// One value in force, and who said so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Setting {
    /// The key, such as `dispatch.max_waiting`.
    pub key: String,
    /// The value; passwords are masked.
    pub value: Value,
    /// `default`, a file, an environment variable or a flag.
    pub source: String,
}
