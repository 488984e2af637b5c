//! The DSSE envelope of a signature, and the in-toto statement within it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use host_core::{Digest, package::PackageName, trust::PublicKey};
use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};

use super::key::{SecretKey, holds};

/// The most bytes of an envelope.
pub const MOST_BYTES: usize = 64 << 10;

/// The most signatures of one envelope that are looked at.
const MOST_SIGNATURES: usize = 16;

const PAYLOAD: &str = "application/vnd.in-toto+json";
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "urn:weft:package:v1";

/// What a publisher says by signing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The package.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// The digest of its manifest, which names every other byte of it.
    pub digest: Digest,
    /// When it was signed, as the publisher says.
    pub at: Timestamp,
}

/// Why an envelope says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It is longer than signatures are.
    #[error("the signature has more than {MOST_BYTES} bytes")]
    TooLong,
    /// It is no DSSE envelope.
    #[error("it is no DSSE envelope: {0}")]
    NotAnEnvelope(String),
    /// What was signed is no statement about a package.
    #[error("what was signed is no statement about a package: {0}")]
    NotAStatement(String),
}

/// A signed statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    claim: Claim,
    /// The very bytes that were signed.
    message: Vec<u8>,
    signatures: Vec<(Option<Digest>, Vec<u8>)>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outside {
    payload_type: String,
    payload: String,
    signatures: Vec<Signature>,
}

#[derive(Serialize, Deserialize)]
struct Signature {
    #[serde(default)]
    keyid: String,
    sig: String,
}

#[derive(Serialize, Deserialize)]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Predicate,
}

#[derive(Serialize, Deserialize)]
struct Subject {
    name: String,
    digest: SubjectDigest,
}

#[derive(Serialize, Deserialize)]
struct SubjectDigest {
    sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    name: PackageName,
    version: Version,
    signed_at: Timestamp,
}

/// What is signed of a payload: DSSE's pre-authentication encoding.
pub(super) fn encode(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Signs a claim; the bytes are a DSSE envelope in JSON.
#[must_use]
pub fn sign(key: &SecretKey, claim: &Claim) -> Vec<u8> {
    let statement = Statement {
        kind: STATEMENT.to_owned(),
        subject: vec![Subject { name: claim.name.to_string(), digest: SubjectDigest { sha256: claim.digest.hex() } }],
        predicate_type: PREDICATE.to_owned(),
        predicate: Predicate { name: claim.name.clone(), version: claim.version.clone(), signed_at: claim.at },
    };
    let payload = serde_json::to_vec(&statement).expect("texts and times are JSON");
    let signature = key.sign(&encode(PAYLOAD, &payload));
    let outside = Outside {
        payload_type: PAYLOAD.to_owned(),
        payload: STANDARD.encode(&payload),
        signatures: vec![Signature { keyid: key.public().id().to_string(), sig: STANDARD.encode(signature) }],
    };
    serde_json::to_vec(&outside).expect("texts are JSON")
}

impl Envelope {
    /// Reads an envelope; whether anybody signed it is another question.
    ///
    /// # Errors
    /// When the bytes are too many, no envelope, or no statement about one package.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > MOST_BYTES {
            return Err(EnvelopeError::TooLong);
        }
        let wrong = |why: &dyn std::fmt::Display| EnvelopeError::NotAnEnvelope(why.to_string());
        let outside: Outside = serde_json::from_slice(bytes).map_err(|error| wrong(&error))?;
        if outside.payload_type != PAYLOAD {
            return Err(wrong(&format_args!("its payload is `{}`", outside.payload_type)));
        }
        let payload = STANDARD.decode(&outside.payload).map_err(|error| wrong(&error))?;
        let signatures = outside.signatures.into_iter().take(MOST_SIGNATURES);
        let signatures = signatures.map(|it| Ok((it.keyid.parse().ok(), STANDARD.decode(it.sig)?)));
        let signatures = signatures.collect::<Result<_, base64::DecodeError>>().map_err(|error| wrong(&error))?;
        Ok(Self { claim: claim(&payload)?, message: encode(PAYLOAD, &payload), signatures })
    }

    /// What it says.
    #[must_use]
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// The keys that are said to have signed it.
    pub fn keys(&self) -> impl Iterator<Item = Digest> {
        self.signatures.iter().filter_map(|(key, _)| *key)
    }

    /// Whether the bearer of `key` signed it.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let id = key.id();
        let mut own = self.signatures.iter().filter(|(named, _)| named.is_none_or(|it| it == id));
        own.any(|(_, signature)| holds(key, &self.message, signature))
    }
}

/// What a statement says, when it is one about a single package.
fn claim(payload: &[u8]) -> Result<Claim, EnvelopeError> {
    let wrong = |why: &str| EnvelopeError::NotAStatement(why.to_owned());
    let statement: Statement = serde_json::from_slice(payload).map_err(|error| wrong(&error.to_string()))?;
    if statement.kind != STATEMENT || statement.predicate_type != PREDICATE {
        return Err(wrong(&format!("it is a `{}`", statement.predicate_type)));
    }
    let [subject] = statement.subject.as_slice() else {
        return Err(wrong("it has not one subject"));
    };
    let Predicate { name, version, signed_at: at } = statement.predicate;
    let digest = format!("sha256:{}", subject.digest.sha256).parse();
    let digest = digest.map_err(|error: host_core::digest::InvalidDigest| wrong(&error.to_string()))?;
    Ok(Claim { name, version, digest, at })
}
