//! Tokens, and who bears them.

use std::net::IpAddr;

use host_core::{
    Name,
    identity::{self, TokenId},
    size::Millis,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody may do; each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Deploys and calls functions, asks models, runs pipelines, uploads, registers models.
    Developer,
    /// Promotes, rolls back, serves, deletes, keeps secrets.
    Operator,
    /// Everything.
    Admin,
}

impl From<Role> for identity::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Developer => Self::Developer,
            Role::Operator => Self::Operator,
            Role::Admin => Self::Admin,
        }
    }
}

impl From<identity::Role> for Role {
    fn from(role: identity::Role) -> Self {
        match role {
            identity::Role::Viewer => Self::Viewer,
            identity::Role::Developer => Self::Developer,
            identity::Role::Operator => Self::Operator,
            identity::Role::Admin => Self::Admin,
        }
    }
}

/// A token to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// Its name, which is who did what its bearers do. No other token in use may have it.
    #[schema(value_type = String)]
    pub name: Name,
    /// What its bearers may do.
    pub role: Role,
    /// The one project they may do it in; every project, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub project: Option<Name>,
    /// How long it is of use, such as `30d`; for ever, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub expires_in: Option<Millis>,
}

/// A token, without its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its id, which is no secret.
    #[schema(value_type = String)]
    pub id: TokenId,
    /// Its name.
    #[schema(value_type = String)]
    pub name: Name,
    /// What its bearers may do.
    pub role: Role,
    /// The one project they may do it in; every project, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub project: Option<Name>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// From when on it is of no use; never, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Who revoked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_by: Option<String>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// About when it was last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

impl From<identity::Token> for Token {
    fn from(token: identity::Token) -> Self {
        Self {
            id: token.id,
            name: token.name,
            role: token.role.into(),
            project: token.project,
            created_by: token.created_by,
            created_at: token.created_at,
            expires_at: token.expires_at,
            revoked_by: token.revoked_by,
            revoked_at: token.revoked_at,
            last_used_at: token.last_used_at,
        }
    }
}

/// A token that was just made.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CreatedToken {
    /// What is kept of it.
    #[serde(flatten)]
    pub token: Token,
    /// What its bearers show, here and never again: `weft_…`.
    #[serde(rename = "token")]
    pub text: String,
}

/// Who the host takes the asker for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Principal {
    /// Their name: the token's, or `local` where the host demands none.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The one project they may do it in; every project, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub project: Option<Name>,
    /// The id of the token they showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub token: Option<TokenId>,
    /// The address they asked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub from: Option<IpAddr>,
}

impl From<identity::Principal> for Principal {
    fn from(principal: identity::Principal) -> Self {
        let identity::Principal { name, role, project, token, from } = principal;
        Self { name, role: role.into(), project, token, from }
    }
}
