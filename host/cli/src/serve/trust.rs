//! The key of the library that came with this host: trusted for `std` as the host itself is.

use host_core::trust::PublicKey;
use marketplace::{registry::Config, sign::public_from_pem};

/// The file with it, in the library's folder.
const FILE: &str = "key.pub";

/// The key, where there is a library that somebody signed.
pub(super) fn library_key(config: &Config) -> Option<PublicKey> {
    let file = super::packages::library(config)?.join(FILE);
    let text = std::fs::read_to_string(&file).ok()?;
    match public_from_pem(&text) {
        Ok(key) => Some(key),
        Err(error) => {
            tracing::warn!(%error, file = %file.display(), "the library's key cannot be read");
            None
        }
    }
}
