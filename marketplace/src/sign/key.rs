//! Keys of publishers: PKCS#8 in PEM, as `openssl genpkey -algorithm ed25519` writes them.

use std::fmt;

use ed25519_dalek::{
    Signer as _, SigningKey, VerifyingKey,
    pkcs8::{
        DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _,
        spki::der::pem::LineEnding,
    },
};
use host_core::trust::PublicKey;
use rand::{TryRngCore as _, rngs::OsRng};
use zeroize::Zeroizing;

/// Why a key cannot be used. The key itself is never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The operating system gave no randomness.
    #[error("the system gave no random bytes: {0}")]
    NoRandomness(String),
    /// The text is no key of the kind that is needed.
    #[error("it is no Ed25519 {0} key in PEM")]
    NotAKey(&'static str),
    /// The key could not be written down.
    #[error("the key could not be written: {0}")]
    Write(String),
}

/// The secret half of a publisher's key. It is wiped from memory when it is dropped.
pub struct SecretKey(SigningKey);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretKey").field(&self.public()).finish()
    }
}

impl SecretKey {
    /// A key that nobody has had before.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        OsRng.try_fill_bytes(seed.as_mut()).map_err(|error| KeyError::NoRandomness(error.to_string()))?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// A key as its file holds it.
    ///
    /// # Errors
    /// When the text is something else.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        SigningKey::from_pkcs8_pem(text.trim()).map(Self).map_err(|_| KeyError::NotAKey("secret"))
    }

    /// The text of its file.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        self.0.to_pkcs8_pem(LineEnding::LF).map_err(|error| KeyError::Write(error.to_string()))
    }

    /// The half that everybody may know.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey::from_raw(self.0.verifying_key().to_bytes())
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// A public key as its file holds it, or as one line of base64.
///
/// # Errors
/// When the text is neither.
pub fn public_from_pem(text: &str) -> Result<PublicKey, KeyError> {
    let text = text.trim();
    if let Ok(key) = text.parse() {
        return Ok(key);
    }
    let key = VerifyingKey::from_public_key_pem(text).map_err(|_| KeyError::NotAKey("public"))?;
    Ok(PublicKey::from_raw(key.to_bytes()))
}

/// A public key as PEM.
///
/// # Errors
/// When the bytes are no point of the curve.
pub fn public_to_pem(key: &PublicKey) -> Result<String, KeyError> {
    let key = VerifyingKey::from_bytes(key.as_raw()).map_err(|_| KeyError::NotAKey("public"))?;
    key.to_public_key_pem(LineEnding::LF).map_err(|error| KeyError::Write(error.to_string()))
}

/// Whether `signature` of `message` was made with the secret half of `key`.
pub(super) fn holds(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(key.as_raw()) else { return false };
    let Ok(signature) = ed25519_dalek::Signature::from_slice(signature) else { return false };
    // Strictly: neither weak keys nor second forms of the same signature.
    key.verify_strict(message, &signature).is_ok()
}
