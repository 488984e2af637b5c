//! Whose packages a project takes: its policy, the keys it trusts, and where a revision came from.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{Digest, Name, package::PackageName};

/// What a project makes of a package that nobody it trusts has signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signatures {
    /// Takes it without a word.
    Off,
    /// Takes it and says so.
    #[default]
    Warn,
    /// Refuses it.
    Require,
}

impl Signatures {
    /// As people write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Require => "require",
        }
    }
}

/// A text that says nothing about signatures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no policy for signatures: use off, warn or require")]
pub struct InvalidSignatures(pub String);

impl FromStr for Signatures {
    type Err = InvalidSignatures;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Off, Self::Warn, Self::Require];
        all.into_iter().find(|it| it.as_str() == text).ok_or_else(|| InvalidSignatures(text.to_owned()))
    }
}

/// The public half of a publisher's key: 32 bytes of Ed25519, written in base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

/// A text that is not a public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("that is not a public key: expected 32 bytes in base64, as `fn key show` prints them")]
pub struct InvalidPublicKey;

impl PublicKey {
    /// A key as it is.
    #[must_use]
    pub fn from_raw(raw: [u8; 32]) -> Self {
        Self(raw)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_raw(&self) -> &[u8; 32] {
        &self.0
    }

    /// What it is called: the SHA-256 of its bytes.
    #[must_use]
    pub fn id(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl FromStr for PublicKey {
    type Err = InvalidPublicKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| InvalidPublicKey)?;
        bytes.try_into().map(Self).map_err(|_| InvalidPublicKey)
    }
}

impl TryFrom<String> for PublicKey {
    type Error = InvalidPublicKey;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A key that a project takes for that of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// The namespace whose packages it may sign.
    pub namespace: Name,
    /// The key.
    pub key: PublicKey,
    /// Whether packages it signed may keep warm instances.
    pub is_warm: bool,
    /// Who trusted it.
    pub added_by: String,
    /// When.
    pub added_at: Timestamp,
    /// Since when it is worth nothing, and who said so.
    pub revoked: Option<(Timestamp, String)>,
}

/// What a project demands of packages, and the keys it knows, revoked ones too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustPolicy {
    /// What it makes of packages without a trusted signature.
    pub signatures: Signatures,
    /// The keys, by namespace.
    pub keys: Vec<TrustedKey>,
}

/// The package that a revision was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Where it was pulled from.
    pub source: String,
    /// The package.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// The digest of the package's manifest.
    pub digest: Digest,
    /// The trusted key whose signature held; none where the project demands none.
    pub signed_by: Option<Digest>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written_and_named_by_its_digest() {
        let key = PublicKey::from_raw([7; 32]);
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(key.id(), Digest::of(&[7; 32]));
        assert_eq!("AAAA".parse::<PublicKey>(), Err(InvalidPublicKey));
    }

    #[test]
    fn a_policy_is_one_of_three_words() {
        assert_eq!("require".parse(), Ok(Signatures::Require));
        assert!("on".parse::<Signatures>().is_err());
        assert_eq!(Signatures::default(), Signatures::Warn);
    }
}
