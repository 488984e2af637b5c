//! What can go wrong on the way out. No error tells a path, a query or a header.

use std::path::PathBuf;

use super::policy::Refusal;

/// Why there is no client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The operator's root certificates cannot be read.
    #[error("the root certificates in {} cannot be used: {why}", file.display())]
    Roots {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Why a request was not sent, or what broke off its response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The policy does not allow it.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// As many requests or connections are open as may be, and none closed in time.
    #[error("as many requests are under way as this host allows")]
    Busy,
    /// Its name leads nowhere.
    #[error("{name} has no address: {why}")]
    NoAddress {
        /// The name.
        name: String,
        /// What the resolver said.
        why: String,
    },
    /// Nobody answers there.
    #[error("{0} cannot be reached: {1}")]
    Unreachable(String, String),
    /// Connecting took too long.
    #[error("connecting took longer than {0} ms")]
    ConnectTimeout(u128),
    /// TLS was not agreed upon.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The certificate is not to be trusted.
    #[error("its certificate is not trusted: {0}")]
    Certificate(String),
    /// The response did not begin in time.
    #[error("no response began within {0} ms")]
    FirstByte(u128),
    /// The response stopped.
    #[error("no more of the response came within {0} ms")]
    BetweenBytes(u128),
    /// The call that sent it is over.
    #[error("the call that sent it is over")]
    Over,
    /// Its header fields are larger than allowed.
    #[error("its header fields have more than {0} bytes")]
    RequestHead(u64),
    /// Its body is larger than allowed.
    #[error("its body has more than {0} bytes")]
    RequestBody(u64),
    /// Whoever wrote its body broke off.
    #[error("its body was broken off")]
    Aborted,
    /// The response's header fields are larger than allowed.
    #[error("the response's header fields have more than {0} bytes")]
    ResponseHead(u64),
    /// The response's body is larger than allowed.
    #[error("the response's body has more than {0} bytes")]
    ResponseBody(u64),
    /// The connection ended before the response did.
    #[error("the connection ended early: {0}")]
    Incomplete(String),
    /// What came back was no HTTP.
    #[error("the server does not speak HTTP: {0}")]
    Protocol(String),
}
