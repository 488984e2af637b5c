//! Endpoints: names under which models are served.

use host_core::{Name, model::ModelRef, ports};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A name under which a model is served, as in `/v2/models/<name>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Endpoint {
    /// Its name.
    #[schema(value_type = String)]
    pub name: Name,
    /// What answers: `model`, `model@alias` or `model@number`.
    #[schema(value_type = String)]
    pub model: ModelRef,
    /// Where it answers.
    pub path: String,
    /// Who made it or moved it last.
    pub updated_by: String,
    /// When.
    pub updated_at: jiff::Timestamp,
}

/// What an endpoint is to serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Serve {
    /// `model`, `model@alias` or `model@number`.
    #[schema(value_type = String, example = "wine@production")]
    pub model: ModelRef,
}

impl From<ports::Endpoint> for Endpoint {
    fn from(endpoint: ports::Endpoint) -> Self {
        Self {
            path: format!("/v2/models/{}/infer", endpoint.name),
            name: endpoint.name,
            model: endpoint.model,
            updated_by: endpoint.updated_by,
            updated_at: endpoint.updated_at,
        }
    }
}
