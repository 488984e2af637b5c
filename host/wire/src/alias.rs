//! Aliases of a model: movable names for its versions.

use host_core::{Name, model};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where an alias points, or pointed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Alias {
    /// The alias, such as `production`.
    #[schema(value_type = String)]
    pub alias: Name,
    /// The version.
    pub number: u64,
    /// Since when.
    pub moved_at: jiff::Timestamp,
    /// Who moved it there.
    pub moved_by: String,
}

/// Where to move an alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Promote {
    /// The version: a number, or another alias.
    #[schema(value_type = String, example = "3")]
    pub version: VersionName,
}

/// A version by number or by alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum VersionName {
    /// By number.
    Number(u64),
    /// By number or alias, as text.
    Text(String),
}

/// An alias that was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Moved {
    /// The model.
    #[schema(value_type = String)]
    pub model: Name,
    /// The alias.
    #[schema(value_type = String)]
    pub alias: Name,
    /// The version it points to now.
    pub number: u64,
    /// The version it pointed to before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<u64>,
}

impl From<model::Alias> for Alias {
    fn from(alias: model::Alias) -> Self {
        Self { alias: alias.alias, number: alias.number, moved_at: alias.moved_at, moved_by: alias.moved_by }
    }
}
