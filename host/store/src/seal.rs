//! Sealing: XChaCha20-Poly1305 with a key of the host's, bound to what the sealed value belongs to.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Generate as _, Payload},
};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The bytes of a key.
const KEY_BYTES: usize = 32;

/// The bytes of a nonce: so many that random ones never meet.
const NONCE_BYTES: usize = 24;

/// A key. Its memory is wiped when it is gone, and nothing prints it.
pub(crate) struct Key {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    id: String,
}

/// Why sealed bytes were not opened: they were changed, or sealed for something else, or with another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed bytes are not those that were written")]
pub(crate) struct Broken;

impl Key {
    /// A new one.
    pub(crate) fn generate() -> Self {
        Self::of(Zeroizing::new(<[u8; KEY_BYTES]>::generate()))
    }

    /// One that was written down in base64; `None` when it is not 32 bytes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(text.trim()).ok()?);
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() != KEY_BYTES {
            return None;
        }
        key.copy_from_slice(&bytes);
        Some(Self::of(key))
    }

    fn of(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let mut hash = Sha256::new_with_prefix(b"weft key id\0");
        hash.update(bytes.as_slice());
        let id = hex::encode(&hash.finalize()[..8]);
        Self { bytes, id }
    }

    /// What tells it from other keys and says nothing of it.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// It in base64, to be written down.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64_STANDARD.encode(self.bytes.as_slice()))
    }

    /// `value`, readable only with this key and for `owner`.
    pub(crate) fn seal(&self, value: &str, owner: &str) -> Result<String, Broken> {
        let nonce = XNonce::generate();
        let payload = Payload { msg: value.as_bytes(), aad: owner.as_bytes() };
        let sealed = self.cipher().encrypt(&nonce, payload).map_err(|_| Broken)?;
        Ok(BASE64_STANDARD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// The value again.
    pub(crate) fn open(&self, sealed: &str, owner: &str) -> Result<Zeroizing<String>, Broken> {
        let sealed = BASE64_STANDARD.decode(sealed).map_err(|_| Broken)?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(Broken)?;
        let payload = Payload { msg: sealed, aad: owner.as_bytes() };
        let value = self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| Broken)?;
        // On failure the bytes come back inside the error and are wiped there.
        String::from_utf8(value).map(Zeroizing::new).map_err(|error| {
            drop(Zeroizing::new(error.into_bytes()));
            Broken
        })
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.bytes).into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_for_its_owner_with_its_key() {
        let key = Key::generate();
        let sealed = key.seal("canary", "default/db/1").unwrap();
        assert_eq!(*key.open(&sealed, "default/db/1").unwrap(), "canary");
        assert_eq!(*Key::parse(&key.text()).unwrap().open(&sealed, "default/db/1").unwrap(), "canary");
        assert_eq!(key.open(&sealed, "default/db/2"), Err(Broken), "another version");
        assert_eq!(Key::generate().open(&sealed, "default/db/1"), Err(Broken), "another key");
    }

    #[test]
    fn no_two_seals_are_alike() {
        let key = Key::generate();
        assert_ne!(key.seal("canary", "o").unwrap(), key.seal("canary", "o").unwrap());
    }

    #[test]
    fn changed_bytes_do_not_open() {
        let key = Key::generate();
        let sealed = BASE64_STANDARD.decode(key.seal("canary", "o").unwrap()).unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(key.open(&BASE64_STANDARD.encode(changed), "o"), Err(Broken), "byte {at}");
        }
        for cut in [0, 5, NONCE_BYTES, sealed.len() - 1] {
            assert_eq!(key.open(&BASE64_STANDARD.encode(&sealed[..cut]), "o"), Err(Broken));
        }
        assert_eq!(key.open("not base64!", "o"), Err(Broken));
    }

    #[test]
    fn only_32_bytes_are_a_key() {
        for wrong in ["", "abc", &BASE64_STANDARD.encode([7; 31]), &BASE64_STANDARD.encode([7; 33])] {
            assert!(Key::parse(wrong).is_none(), "{wrong}");
        }
        assert!(Key::parse(&format!(" {}\n", BASE64_STANDARD.encode([7; 32]))).is_some());
    }

    #[test]
    fn a_key_does_not_print_itself() {
        let key = Key::generate();
        assert!(!format!("{key:?}").contains(key.text().as_str()));
        assert_ne!(key.id(), Key::generate().id());
    }
}
