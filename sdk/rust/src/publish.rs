//! Events that are sent at once, beside the outputs: to topics, queues and functions that the manifest names.
//!
//! ```toml
//! [grants]
//! publish = [{ name = "alerts", kafka = { brokers = ["kafka:9092"], topic = "alerts" } }]
//! ```
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use weft::{Event, Failure, Output, publish};
//!
//! #[derive(Deserialize)]
//! struct Reading { sensor: String, celsius: f64 }
//!
//! #[derive(Serialize)]
//! struct Alert { celsius: f64 }
//!
//! #[weft::handler]
//! fn watch(event: Event<Reading>) -> Result<(), Failure> {
//!     let Reading { sensor, celsius } = event.data;
//!     if celsius > 90.0 {
//!         publish::send("alerts", Output::new("sensor.hot", Alert { celsius }).key(sensor))?;
//!     }
//!     Ok(())
//! }
//! # fn main() {}
//! ```
//!
//! An output that is returned is settled together with its event; what is sent here is sent, even where the call fails
//! afterwards and the event comes again.

use std::fmt;

use crate::{Failure, IntoOutputs, host::publish as host};

/// Why events were not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The manifest grants no such destination.
    NotGranted(String),
    /// They never will be, as they are.
    Refused(String),
    /// It may work later.
    Unavailable(String),
}

impl Error {
    /// The failure it makes of a call.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::NotGranted(_) => Failure::fatal("publish-not-granted", self),
            Self::Refused(_) => Failure::fatal("publish-refused", self),
            Self::Unavailable(_) => Failure::transient("publish-unavailable", self),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGranted(name) => {
                write!(f, "sending to `{name}` is not granted: add it to `publish` under [grants]")
            }
            Self::Refused(why) | Self::Unavailable(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}

impl From<host::Error> for Error {
    fn from(error: host::Error) -> Self {
        match error {
            host::Error::NotGranted(name) => Self::NotGranted(name),
            host::Error::Refused(why) => Self::Refused(why),
            host::Error::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

/// Sends an [`Output`](crate::Output), or a `Vec` of them in order, to what the manifest calls `to`, and waits until
/// they are durably there. Each needs a type.
pub fn send<F>(to: &str, events: impl IntoOutputs<F>) -> Result<(), Error> {
    let events = events.into_outputs().map_err(|failure| Error::Refused(failure.to_string()))?;
    Ok(host::send(to, &events)?)
}

/// What was sent in this thread since it was asked last, natively: where to, of which type, and the payload. For tests.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn sent() -> Vec<(String, String, Vec<u8>)> {
    host::take().into_iter().map(|(to, event)| (to, event.type_, event.data)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Output, failure::Kind};

    #[test]
    fn natively_a_test_sees_what_was_sent() {
        send("alerts", vec![Output::new("hot", 91), Output::new("cold", -3)]).unwrap();
        let one = |kind: &str, data: &str| ("alerts".to_owned(), kind.to_owned(), data.as_bytes().to_vec());
        assert_eq!(sent(), [one("hot", "91"), one("cold", "-3")]);
        assert!(sent().is_empty());
    }

    #[test]
    fn only_a_destination_that_is_away_is_worth_another_attempt() {
        assert_eq!(Failure::from(Error::Unavailable("away".to_owned())).kind, Kind::Transient);
        assert_eq!(Failure::from(Error::NotGranted("alerts".to_owned())).kind, Kind::Fatal);
    }
}
