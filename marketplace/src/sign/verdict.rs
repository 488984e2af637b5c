//! Whether a project takes a package, by the keys it trusts.

use host_core::{
    Digest, Name,
    package::PackageName,
    trust::{Signatures, TrustPolicy, TrustedKey},
};
use semver::Version;

use super::envelope::Envelope;

/// The most signatures of one package that are looked at.
const MOST: usize = 32;

/// A package that may be taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// The trusted key that signed it.
    pub signed_by: Option<Digest>,
    /// Whether its publisher may keep warm instances.
    pub is_warm: bool,
    /// What to say of it all the same.
    pub warning: Option<String>,
}

/// Why a package is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody signed it.
    #[error("nobody has signed it, and this project requires signatures")]
    Unsigned,
    /// It was signed, by nobody the project knows.
    #[error("it is signed by {}, which this project does not trust for `{namespace}`", keys(signed_by))]
    Unknown {
        /// The namespace it is in.
        namespace: Name,
        /// The keys.
        signed_by: Vec<Digest>,
    },
    /// The only trusted signature is by a key that is worth nothing any more.
    #[error("it is signed by key {key}, which was revoked at {at}")]
    Revoked {
        /// The key.
        key: Digest,
        /// When.
        at: jiff::Timestamp,
    },
    /// A signature is of another package, or was made up.
    #[error("its signature does not hold: {0}")]
    Broken(String),
}

fn keys(keys: &[Digest]) -> String {
    let keys: Vec<_> = keys.iter().map(Digest::short).collect();
    if keys.is_empty() { "a key without a name".to_owned() } else { format!("key {}", keys.join(", ")) }
}

/// What was found in the signatures of a package.
#[derive(Default)]
struct Found {
    trusted: Option<TrustedKey>,
    revoked: Option<TrustedKey>,
    broken: Option<String>,
    unknown: Vec<Digest>,
}

/// Whether `policy` takes the package with these signatures. One that holds outweighs all that do not.
///
/// # Errors
/// When it does not. A revoked key and a signature that does not hold are refused unless the policy is `off`.
pub fn judge(
    policy: &TrustPolicy,
    package: (&PackageName, &Version, &Digest),
    envelopes: &[impl AsRef<[u8]>],
) -> Result<Verdict, Refusal> {
    let namespace = &package.0.namespace;
    let mut found = Found::default();
    for bytes in envelopes.iter().take(MOST) {
        look(&mut found, policy, package, bytes.as_ref());
    }
    if let Some(key) = found.trusted {
        return Ok(Verdict { signed_by: Some(key.key.id()), is_warm: key.is_warm, warning: None });
    }
    let refusal = found.refusal(namespace);
    let is_bad = matches!(refusal, Refusal::Revoked { .. } | Refusal::Broken(_));
    match policy.signatures {
        Signatures::Off => Ok(Verdict::default()),
        Signatures::Warn if !is_bad => Ok(Verdict { warning: Some(warning(&refusal)), ..Verdict::default() }),
        Signatures::Warn | Signatures::Require => Err(refusal),
    }
}

fn warning(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Unsigned => "nobody has signed it".to_owned(),
        other => other.to_string(),
    }
}

impl Found {
    fn refusal(self, namespace: &Name) -> Refusal {
        if let Some(why) = self.broken {
            return Refusal::Broken(why);
        }
        if let Some((key, (at, _))) = self.revoked.and_then(|key| Some((key.key.id(), key.revoked?))) {
            return Refusal::Revoked { key, at };
        }
        if self.unknown.is_empty() {
            return Refusal::Unsigned;
        }
        Refusal::Unknown { namespace: namespace.clone(), signed_by: self.unknown }
    }
}

fn look(found: &mut Found, policy: &TrustPolicy, package: (&PackageName, &Version, &Digest), bytes: &[u8]) {
    let envelope = match Envelope::parse(bytes) {
        Ok(envelope) => envelope,
        Err(error) => {
            found.broken.get_or_insert(error.to_string());
            return;
        }
    };
    let known: Vec<_> = policy.keys.iter().filter(|it| it.namespace == package.0.namespace).collect();
    let named: Vec<Digest> = envelope.keys().collect();
    let signers: Vec<_> = known.iter().filter(|it| envelope.is_signed_by(&it.key)).collect();
    if let Some(why) = other(&envelope, package) {
        found.broken.get_or_insert(why);
    } else if let Some(key) = signers.iter().find(|it| it.revoked.is_none()) {
        found.trusted.get_or_insert_with(|| (**key).clone());
    } else if let Some(key) = signers.first() {
        found.revoked.get_or_insert_with(|| (**key).clone());
    } else if let Some(key) = known.iter().find(|it| named.contains(&it.key.id())) {
        found.broken.get_or_insert(format!("it is not by key {}, which it names", key.key.id().short()));
    } else {
        found.unknown.extend(named);
    }
}

/// What else an envelope is about, if it is about something else.
fn other(envelope: &Envelope, (name, version, digest): (&PackageName, &Version, &Digest)) -> Option<String> {
    let claim = envelope.claim();
    if claim.digest != *digest {
        return Some(format!("it is of the manifest {}", claim.digest));
    }
    let is_same = claim.name == *name && claim.version == *version;
    (!is_same).then(|| format!("it is of {}@{}", claim.name, claim.version))
}
