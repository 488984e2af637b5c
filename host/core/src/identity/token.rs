//! Tokens: how they are named, shown and kept.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Principal, Role};
use crate::{Digest, Name};

/// The identity of a token: no secret, so that records may name it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenId([u8; 8]);

/// A text that is no identity of a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of a token: expected 16 hexadecimal digits")]
pub struct InvalidTokenId(pub String);

impl TokenId {
    /// The identity that these random bytes make.
    #[must_use]
    pub fn from_raw(raw: [u8; 8]) -> Self {
        Self(raw)
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for TokenId {
    type Err = InvalidTokenId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut raw = [0; 8];
        match hex::decode_to_slice(text, &mut raw) {
            Ok(()) if !text.bytes().any(|byte| byte.is_ascii_uppercase()) => Ok(Self(raw)),
            _ => Err(InvalidTokenId(text.to_owned())),
        }
    }
}

impl TryFrom<String> for TokenId {
    type Error = InvalidTokenId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TokenId> for String {
    fn from(id: TokenId) -> Self {
        id.to_string()
    }
}

/// What every token begins with, so that people and scanners know one when they see it.
pub const TOKEN_PREFIX: &str = "weft_";

/// How many characters of base64url the 32 secret bytes of a token are.
const SECRET_LENGTH: usize = 43;

/// A token as its bearer shows it: `weft_<id>_<secret>`. It is never stored and never printed.
pub struct Bearer<'t> {
    /// Which token it says to be.
    pub id: TokenId,
    secret: &'t str,
}

impl<'t> Bearer<'t> {
    /// Reads what a bearer shows; nothing where it is no token.
    #[must_use]
    pub fn parse(text: &'t str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(TOKEN_PREFIX)?.split_once('_')?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if secret.len() != SECRET_LENGTH || !secret.bytes().all(fits) {
            return None;
        }
        Some(Self { id: id.parse().ok()?, secret })
    }

    /// What is kept of the secret.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.secret.as_bytes())
    }
}

impl fmt::Debug for Bearer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A token as it is kept: everything but the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its identity.
    pub id: TokenId,
    /// Its name, which is who did what its bearers do.
    pub name: Name,
    /// What its bearers may do.
    pub role: Role,
    /// The one project they may do it in; every project, when absent.
    pub project: Option<Name>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// From when on it is of no use; never, when absent.
    pub expires_at: Option<Timestamp>,
    /// Who revoked it.
    pub revoked_by: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// About when it was last used.
    pub last_used_at: Option<Timestamp>,
}

impl Token {
    /// Whoever bears it.
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal {
            name: self.name.to_string(),
            role: self.role,
            project: self.project.clone(),
            token: Some(self.id),
            from: None,
        }
    }

    /// Whether it is of no use any more.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}
