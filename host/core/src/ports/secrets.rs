//! Secrets: values that people set, hosts keep sealed and guests read by name.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{Name, mask::HIDDEN};

/// The fewest bytes of a value: a shorter one would be masked wherever its letters happen to meet.
pub const SHORTEST: usize = 4;

/// The most bytes of a value.
pub const LONGEST: usize = 64 << 10;

/// The value of a secret. Its memory is wiped when the last clone is gone, and nothing prints it.
#[derive(Clone)]
pub struct SecretValue(Arc<Zeroizing<String>>);

impl SecretValue {
    /// Takes a value that people typed or a file held.
    ///
    /// # Errors
    /// When it is shorter than [`SHORTEST`] or longer than [`LONGEST`] bytes.
    pub fn parse(text: impl Into<Zeroizing<String>>) -> Result<Self, SecretError> {
        let text = text.into();
        match text.len() {
            SHORTEST..=LONGEST => Ok(Self(Arc::new(text))),
            size => Err(SecretError::Size(size)),
        }
    }

    /// The value itself. Whoever asks sees to it that it goes nowhere else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether both are one and the same reading of a secret; another version of it never is.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// What may be told of a secret: everything but its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// The project it belongs to.
    pub project: Name,
    /// Its name.
    pub name: Name,
    /// Grows with every value and is never used again, not even after the secret was deleted.
    pub version: u64,
    /// When it was first set.
    pub created_at: Timestamp,
    /// When its value was set.
    pub updated_at: Timestamp,
    /// Who set it.
    pub updated_by: String,
}

/// A value on its way into the store.
#[derive(Debug, Clone)]
pub struct NewSecret {
    /// The project.
    pub project: Name,
    /// The name.
    pub name: Name,
    /// The value.
    pub value: SecretValue,
    /// Who sets it.
    pub by: String,
}

/// Why a secret could not be read or set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Nobody has set it.
    #[error("secret `{0}` has not been set in this project; run `fn secrets set {0}`")]
    NotSet(Name),
    /// The value is too short or too long.
    #[error("the value has {0} bytes; a secret has {SHORTEST} to {LONGEST}, because a shorter one cannot be masked")]
    Size(usize),
    /// The project has as many as it may.
    #[error("the project has {0} secrets already, as many as it may; delete one, or raise secrets.most")]
    TooMany(u64),
    /// The key is missing, unsafe, or not the one the value was sealed with.
    #[error("{0}")]
    Key(String),
    /// The stored bytes are not what was sealed.
    #[error(
        "secret `{0}` is damaged: its bytes are not those that were sealed; set it again with `fn secrets set {0}`"
    )]
    Damaged(Name),
    /// The store failed.
    #[error("{0}")]
    Storage(String),
}

/// Keeps secrets. Every change is one transaction with its audit event, and seen by every host within a second.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The value as it is now: from memory, unless nobody has asked since it changed.
    async fn value(&self, project: &Name, name: &Name) -> Result<SecretValue, SecretError>;

    /// What may be told of one.
    async fn describe(&self, project: &Name, name: &Name) -> Result<Secret, SecretError>;

    /// What may be told of all of a project, in order of name.
    async fn list(&self, project: &Name) -> Result<Vec<Secret>, SecretError>;

    /// Sets a value, whether or not there is one.
    async fn set(&self, secret: NewSecret) -> Result<Secret, SecretError>;

    /// Sets another value of a secret that is there.
    async fn rotate(&self, secret: NewSecret) -> Result<Secret, SecretError>;

    /// Forgets a secret.
    async fn delete(&self, project: &Name, name: &Name, by: &str) -> Result<(), SecretError>;

    /// Seals every value of every project again with the key of this host; how many were sealed with another.
    async fn rekey(&self, by: &str) -> Result<u64, SecretError>;
}

/// A host without secrets.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSecrets;

#[async_trait]
impl Secrets for NoSecrets {
    async fn value(&self, _: &Name, name: &Name) -> Result<SecretValue, SecretError> {
        Err(SecretError::NotSet(name.clone()))
    }

    async fn describe(&self, _: &Name, name: &Name) -> Result<Secret, SecretError> {
        Err(SecretError::NotSet(name.clone()))
    }

    async fn list(&self, _: &Name) -> Result<Vec<Secret>, SecretError> {
        Ok(Vec::new())
    }

    async fn set(&self, _: NewSecret) -> Result<Secret, SecretError> {
        Err(nowhere())
    }

    async fn rotate(&self, secret: NewSecret) -> Result<Secret, SecretError> {
        Err(SecretError::NotSet(secret.name))
    }

    async fn delete(&self, _: &Name, name: &Name, _: &str) -> Result<(), SecretError> {
        Err(SecretError::NotSet(name.clone()))
    }

    async fn rekey(&self, _: &str) -> Result<u64, SecretError> {
        Ok(0)
    }
}

fn nowhere() -> SecretError {
    SecretError::Storage("this host keeps no secrets".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<SecretValue, SecretError> {
        SecretValue::parse(text.to_owned())
    }

    #[test]
    fn a_value_is_never_printed() {
        let new = NewSecret {
            project: Name::default_project(),
            name: "db".parse().unwrap(),
            value: value("canary-value").unwrap(),
            by: "anna".into(),
        };
        assert!(!format!("{new:?} {new:#?}").contains("canary"));
        assert_eq!(new.value.reveal(), "canary-value");
    }

    #[test]
    fn a_value_is_bounded_on_both_sides() {
        assert_eq!(value("abc").unwrap_err(), SecretError::Size(3));
        assert!(value("abcd").is_ok());
        assert!(value(&"x".repeat(LONGEST)).is_ok());
        assert_eq!(value(&"x".repeat(LONGEST + 1)).unwrap_err(), SecretError::Size(LONGEST + 1));
    }

    #[test]
    fn only_clones_are_the_same_reading() {
        let first = value("abcd").unwrap();
        assert!(first.is_same(&first.clone()));
        assert!(!first.is_same(&value("abcd").unwrap()));
    }
}
