//! Who changed what.

use std::net::IpAddr;

use host_core::{Name, identity::TokenId, record};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A change somebody made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEvent {
    /// When.
    pub at: jiff::Timestamp,
    /// Who: the name of a token, or `local`.
    pub who: String,
    /// The id of the token they showed, where they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub token: Option<TokenId>,
    /// The address they asked from, where it was over the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub from: Option<IpAddr>,
    /// What, such as `function.activated`.
    pub action: String,
    /// The project; none where it concerns the whole host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub project: Option<Name>,
    /// Of what, such as the function's name.
    pub subject: String,
    /// The rest.
    #[schema(value_type = Object)]
    pub details: Value,
}

impl From<record::AuditEvent> for AuditEvent {
    fn from(event: record::AuditEvent) -> Self {
        let record::AuditEvent { at, who, token, from, action, project, subject, details } = event;
        Self { at, who, token, from, action, project, subject, details }
    }
}
