//! Configuration and secrets, as far as the manifest grants them: `[grants] config = { … }` and `secret = ["…"]`.
//!
//! Read a secret when it is needed rather than once: whoever rotates it expects the next call to see the new value.
//! The host hides its value in whatever the function logs, prints or fails with; what the function writes into its
//! answer or its outputs is its own.

use std::{fmt, str::FromStr};

use crate::Failure;
#[cfg(target_arch = "wasm32")]
use crate::bindings::wasi::config::store as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::native::config as host;

/// Why a value could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The manifest grants nothing of that name.
    NotGranted(String),
    /// It is granted and has no value, or the host cannot read it.
    Unavailable(String),
    /// It is not what it was read as.
    Invalid(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGranted(name) => {
                write!(f, "`{name}` is not granted: add it to `secret` or `config` under [grants]")
            }
            Self::Unavailable(why) | Self::Invalid(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// The failure it makes of a call: none of them is the caller's fault.
    pub(crate) fn failure(&self) -> Failure {
        let code = match self {
            Self::NotGranted(_) => "config-not-granted",
            Self::Unavailable(_) => "config-unavailable",
            Self::Invalid(_) => "bad-config",
        };
        Failure::fatal(code, self)
    }
}

impl From<host::Error> for Error {
    fn from(error: host::Error) -> Self {
        match error {
            host::Error::Upstream(why) | host::Error::Io(why) => Self::Unavailable(why),
        }
    }
}

/// The value of that name; `None` where the manifest grants none. Of a secret that is granted with `to`, it is the
/// placeholder to put into a header.
pub fn get(name: &str) -> Result<Option<String>, Error> {
    Ok(host::get(name)?)
}

/// The value of that name, which has to be granted.
pub fn require(name: &str) -> Result<String, Error> {
    get(name)?.ok_or_else(|| Error::NotGranted(name.to_owned()))
}

/// The value of that name as a number, a duration or whatever else can be read from text.
pub fn parse<T: FromStr>(name: &str) -> Result<T, Error> {
    let text = require(name)?;
    // The value may be a secret, so the error does not repeat it.
    text.trim().parse().map_err(|_| Error::Invalid(format!("`{name}` is no {}", std::any::type_name::<T>())))
}

/// Every value the manifest grants.
pub fn all() -> Result<Vec<(String, String)>, Error> {
    Ok(host::get_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natively_nothing_is_granted() {
        assert_eq!(get("db-password"), Ok(None));
        assert_eq!(require("db-password"), Err(Error::NotGranted("db-password".to_owned())));
        assert_eq!(parse::<u32>("retries"), Err(Error::NotGranted("retries".to_owned())));
        assert_eq!(all(), Ok(Vec::new()));
        assert_eq!(Failure::from(Error::NotGranted("x".to_owned())).code, "config-not-granted");
    }
}
