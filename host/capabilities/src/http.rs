//! Where a function may send requests.

use http::Uri;

/// The rule for a function's outgoing requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outgoing {
    /// Nowhere. No manifest can grant more yet.
    #[default]
    Denied,
}

/// A request that the rule does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("request to `{0}` is denied: the function has no http grant")]
pub struct Denied(pub String);

impl Outgoing {
    /// Whether a request may go to `uri`.
    ///
    /// # Errors
    /// When it may not; the error names the host it was for.
    pub fn check(self, uri: &Uri) -> Result<(), Denied> {
        match self {
            Self::Denied => Err(Denied(uri.authority().map_or_else(String::new, ToString::to_string))),
        }
    }
}
