//! The key that seals this host's secrets: given in the environment, or kept in a file of the data folder.

use host_store::KeySource;
use zeroize::Zeroizing;

use super::Place;
use crate::config::Config;

/// The variable with the key, in base64. It is no key of the configuration, so that nothing shows it.
const VARIABLE: &str = "WEFT_SECRET_KEY";

/// Where the key comes from.
pub(super) fn source(config: &Config, place: Place) -> KeySource {
    if place == Place::Memory {
        return KeySource::Memory;
    }
    match std::env::var(VARIABLE).map(Zeroizing::new) {
        Ok(given) if !given.trim().is_empty() => KeySource::Given(given),
        _ => KeySource::File(config.secrets.key_file.clone().unwrap_or_else(|| config.data.join("secret.key"))),
    }
}
