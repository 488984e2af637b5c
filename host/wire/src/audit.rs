//! Who changed what.

use host_core::{Name, record};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A change somebody made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEvent {
    /// When.
    pub at: jiff::Timestamp,
    /// Who.
    pub who: String,
    /// What, such as `function.activated`.
    pub action: String,
    /// The project.
    #[schema(value_type = String)]
    pub project: Name,
    /// Of what, such as the function's name.
    pub subject: String,
    /// The rest.
    #[schema(value_type = Object)]
    pub details: Value,
}

impl From<record::AuditEvent> for AuditEvent {
    fn from(event: record::AuditEvent) -> Self {
        let record::AuditEvent { at, who, action, project, subject, details } = event;
        Self { at, who, action, project, subject, details }
    }
}
