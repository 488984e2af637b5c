//! A certificate for servers of this machine, made when they start and gone with their folder.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

/// What clients trust: the certificate, which nobody else has signed.
pub(crate) const TRUSTED: &str = "ca.pem";
/// The server's key.
pub(crate) const KEY: &str = "key.pem";
/// Both in one file, as Kafka wants them.
pub(crate) const BOTH: &str = "both.pem";

/// Whom servers let in. No secret: who knows it must still be on this machine.
pub(crate) const USER: &str = "weft";
/// With this password.
pub(crate) const PASSWORD: &str = "only-for-tests";

/// Writes a certificate for `localhost` and its key into `folder`.
pub(crate) fn write(folder: &Path) -> Result<()> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).context("could not make a certificate")?;
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    fs::write(folder.join(TRUSTED), &certificate)?;
    fs::write(folder.join(KEY), &key)?;
    fs::write(folder.join(BOTH), key + &certificate)?;
    Ok(())
}

/// How tests are told of a way in with TLS: where, and the file with what to trust there.
pub(crate) fn told(place: &str, folder: &Path) -> String {
    format!("{place},{}", folder.join(TRUSTED).display())
}
