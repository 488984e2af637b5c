//! Who the bearer of a token is.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::identity::Principal;

/// Why a token is not taken. None of them says anything about the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// There is none like it: it was never made, or it was revoked.
    #[error("this token is not known here: it was mistyped, revoked, or is of another host")]
    Unknown,
    /// Its time is over.
    #[error("this token expired at {0}")]
    Expired(Timestamp),
}

/// The tokens there are, from memory: asking costs no more than a hash.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Who the bearer of this token is. Where they asked from is for the caller to add.
    ///
    /// # Errors
    /// When nobody is.
    async fn verify(&self, text: &str) -> Result<Principal, TokenRefusal>;
}
