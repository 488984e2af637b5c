//! What can go wrong at a server, in words that need no knowledge of the client's library.

use host_core::ports::{PublishError, SourceError};
use lapin::{Error, ErrorKind, protocol::AMQPError};

/// Why something did not work at a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// It never will, as it is.
    #[error("{0}")]
    Refused(String),
    /// The message is larger than the server takes.
    #[error("{0}")]
    TooLarge(String),
    /// It may work later.
    #[error("{0}")]
    Lost(String),
}

impl Trouble {
    /// What the library says, where it happened.
    pub(super) fn at(what: &str, error: &Error) -> Self {
        let text = format!("{what}: {}", cause(error));
        match protocol_error(error).map(AMQPError::get_id) {
            Some(REFUSED | NOT_FOUND | PRECONDITION | NOT_ALLOWED) => Self::Refused(text),
            _ => Self::Lost(text),
        }
    }
}

impl From<Trouble> for SourceError {
    fn from(trouble: Trouble) -> Self {
        Self::Failed(trouble.to_string())
    }
}

impl From<Trouble> for PublishError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(text) | Trouble::TooLarge(text) => Self::Refused(text),
            Trouble::Lost(text) => Self::Unavailable(text),
        }
    }
}

/// The user may not do that.
pub(super) const REFUSED: u16 = 403;
/// There is nothing of that name.
pub(super) const NOT_FOUND: u16 = 404;
/// It is there, and different; or too large.
pub(super) const PRECONDITION: u16 = 406;
/// The virtual host is not there, or closed to the user.
const NOT_ALLOWED: u16 = 530;

/// What the server itself said, where it did.
pub(super) fn protocol_error(error: &Error) -> Option<&AMQPError> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error),
        _ => None,
    }
}

/// The largest message that a server takes, where it says that one was larger.
pub(super) fn largest(error: &Error) -> Option<usize> {
    let told = protocol_error(error).filter(|it| it.get_id() == PRECONDITION)?.get_message().to_string();
    let (_, rest) = told.split_once("message size")?;
    // The size comes first, then what may be.
    let mut numbers = rest.split(|it: char| !it.is_ascii_digit()).filter_map(|it| it.parse().ok());
    numbers.nth(1)
}

/// The cause in an error of the library.
pub(super) fn cause(error: &Error) -> String {
    match error.kind() {
        ErrorKind::ProtocolError(error) => error.get_message().to_string(),
        ErrorKind::IOError(error) => error.to_string(),
        ErrorKind::MissingHeartbeatError => "the server has been silent for too long".to_owned(),
        ErrorKind::InvalidChannelState(..) | ErrorKind::InvalidConnectionState(_) | ErrorKind::InvalidChannel(_) => {
            "the connection is closed".to_owned()
        }
        _ => error.to_string(),
    }
}
