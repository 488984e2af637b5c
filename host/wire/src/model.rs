//! Models of the registry.

use host_core::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{alias::Alias, version::Version};

/// A model: a lineage of versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// Its name.
    #[schema(value_type = String)]
    pub name: Name,
    /// The number of its newest version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<u64>,
    /// Its aliases.
    pub aliases: Vec<Alias>,
}

/// A model with its versions and where its aliases have pointed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelDetail {
    /// Its name.
    #[schema(value_type = String)]
    pub name: Name,
    /// Its aliases.
    pub aliases: Vec<Alias>,
    /// Its versions, newest first.
    pub versions: Vec<Version>,
    /// Where its aliases have pointed, newest first.
    pub history: Vec<Alias>,
}
