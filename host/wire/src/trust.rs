//! Whose packages a project takes, and which package a revision was made of.

use host_core::{
    Digest, Name,
    package::PackageName,
    trust::{self, PublicKey},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a project makes of a package that nobody it trusts has signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Signatures {
    /// Takes it without a word.
    Off,
    /// Takes it and says so.
    Warn,
    /// Refuses it.
    Require,
}

/// What a project demands of packages, and the keys it knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Trust {
    /// What it makes of packages without a trusted signature.
    pub signatures: Signatures,
    /// The keys, by namespace; revoked ones too.
    pub keys: Vec<TrustedKey>,
}

/// A key that a project takes for that of a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrustedKey {
    /// The namespace whose packages it may sign.
    #[schema(value_type = String)]
    pub namespace: Name,
    /// What it is called: the SHA-256 of the key.
    #[schema(value_type = String)]
    pub id: Digest,
    /// The key: 32 bytes of Ed25519 in base64.
    #[schema(value_type = String)]
    pub key: PublicKey,
    /// Whether packages it signed may keep warm instances.
    pub warm: bool,
    /// Who trusted it; `host` for the key of the library that came with the host.
    pub added_by: String,
    /// When.
    pub added_at: jiff::Timestamp,
    /// Who took it for worthless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_by: Option<String>,
    /// Since when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<jiff::Timestamp>,
}

/// What a project is to demand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetTrust {
    /// What it makes of packages without a trusted signature.
    pub signatures: Signatures,
}

/// A key to trust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustKey {
    /// The namespace whose packages it may sign.
    #[schema(value_type = String)]
    pub namespace: Name,
    /// The key: 32 bytes of Ed25519 in base64.
    #[schema(value_type = String)]
    pub key: PublicKey,
    /// Whether packages it signed may keep warm instances.
    #[serde(default)]
    pub warm: bool,
}

/// What became of a key that was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevokedKey {
    /// The key's name.
    #[schema(value_type = String)]
    pub id: Digest,
    /// Functions in service whose packages it signed. They stay in service until somebody takes them out of it.
    #[schema(value_type = Vec<String>)]
    pub in_service: Vec<Name>,
}

/// A package to make a revision of. The host looks at all of it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeployPackage {
    /// Where it was pulled from.
    pub source: String,
    /// The package's OCI manifest, byte for byte.
    pub manifest: String,
    /// What signatures of it were found: DSSE envelopes, byte for byte.
    #[serde(default)]
    pub signatures: Vec<String>,
    /// Whether it may take the place of a higher version.
    #[serde(default)]
    pub downgrade: bool,
}

/// The package that a revision was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Provenance {
    /// Where it was pulled from.
    pub source: String,
    /// The package, `namespace/name`.
    #[schema(value_type = String)]
    pub name: PackageName,
    /// Its version.
    pub version: String,
    /// The digest of the package's manifest.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// The trusted key whose signature held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub signed_by: Option<Digest>,
}

impl From<trust::Signatures> for Signatures {
    fn from(signatures: trust::Signatures) -> Self {
        match signatures {
            trust::Signatures::Off => Self::Off,
            trust::Signatures::Warn => Self::Warn,
            trust::Signatures::Require => Self::Require,
        }
    }
}

impl From<Signatures> for trust::Signatures {
    fn from(signatures: Signatures) -> Self {
        match signatures {
            Signatures::Off => Self::Off,
            Signatures::Warn => Self::Warn,
            Signatures::Require => Self::Require,
        }
    }
}

impl From<trust::TrustedKey> for TrustedKey {
    fn from(key: trust::TrustedKey) -> Self {
        let (revoked_at, revoked_by) = key.revoked.unzip();
        Self {
            namespace: key.namespace,
            id: key.key.id(),
            key: key.key,
            warm: key.is_warm,
            added_by: key.added_by,
            added_at: key.added_at,
            revoked_by,
            revoked_at,
        }
    }
}

impl From<TrustedKey> for trust::TrustedKey {
    fn from(key: TrustedKey) -> Self {
        Self {
            namespace: key.namespace,
            key: key.key,
            is_warm: key.warm,
            added_by: key.added_by,
            added_at: key.added_at,
            revoked: key.revoked_at.zip(key.revoked_by),
        }
    }
}

impl From<trust::TrustPolicy> for Trust {
    fn from(policy: trust::TrustPolicy) -> Self {
        Self { signatures: policy.signatures.into(), keys: policy.keys.into_iter().map(Into::into).collect() }
    }
}

impl From<Trust> for trust::TrustPolicy {
    fn from(trust: Trust) -> Self {
        Self { signatures: trust.signatures.into(), keys: trust.keys.into_iter().map(Into::into).collect() }
    }
}

impl From<trust::Provenance> for Provenance {
    fn from(of: trust::Provenance) -> Self {
        Self {
            source: of.source,
            name: of.name,
            version: of.version.to_string(),
            digest: of.digest,
            signed_by: of.signed_by,
        }
    }
}
