//! Who asks, and what they may do: roles, principals and the tokens that name them.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Name;

mod access;
mod attempts;
mod token;

pub use access::{Access, Demand, Way, bearer};
pub use attempts::Attempts;
pub use token::{Bearer, InvalidTokenId, TOKEN_PREFIX, Token, TokenId};

/// What somebody may do; each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Deploys and calls functions, asks models, runs pipelines, uploads, registers models.
    Developer,
    /// Moves what others depend on: promotes, rolls back, serves, deletes, keeps secrets.
    Operator,
    /// Everything: tokens, projects, configuration, backups.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Developer, Self::Operator, Self::Admin];

    /// As people write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a role: use viewer, developer, operator or admin")]
pub struct InvalidRole(pub String);

impl FromStr for Role {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|it| it.as_str() == text).ok_or_else(|| InvalidRole(text.to_owned()))
    }
}

/// Somebody who asks for something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Their name: the token's, or `local`.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The one project they may do it in; every project, when absent.
    pub project: Option<Name>,
    /// The token they showed.
    pub token: Option<TokenId>,
    /// Where they asked from.
    pub from: Option<IpAddr>,
}

/// Why a principal may not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Their role is too small.
    #[error("this needs the role {needs}; `{name}` has the role {has}")]
    Role {
        /// Who.
        name: String,
        /// Their role.
        has: Role,
        /// The least role that may.
        needs: Role,
    },
    /// It lies outside of their project.
    #[error("`{name}` is for the project `{project}` only")]
    Project {
        /// Who.
        name: String,
        /// Their project.
        project: Name,
    },
}

impl Principal {
    /// Whoever uses a host that demands no tokens: they may do everything.
    #[must_use]
    pub fn local() -> Self {
        Self { name: "local".into(), role: Role::Admin, project: None, token: None, from: None }
    }

    /// Whether they may do what needs `role`.
    ///
    /// # Errors
    /// When their role is too small.
    pub fn check_role(&self, needs: Role) -> Result<(), Denied> {
        if self.role >= needs {
            return Ok(());
        }
        Err(Denied::Role { name: self.name.clone(), has: self.role, needs })
    }

    /// Whether they may do something in `project`.
    ///
    /// # Errors
    /// When they are bound to another.
    pub fn check_project(&self, project: &str) -> Result<(), Denied> {
        match &self.project {
            Some(own) if own.as_str() != project => {
                Err(Denied::Project { name: self.name.clone(), project: own.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Whether they may do something that touches every project.
    ///
    /// # Errors
    /// When they are bound to one.
    pub fn check_everywhere(&self) -> Result<(), Denied> {
        match &self.project {
            Some(own) => Err(Denied::Project { name: self.name.clone(), project: own.clone() }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
