//! Why a release did not happen, one variant per thing its caller would do differently.

use host_core::{Digest, Name, grant::Right, ports};

/// Why a revision was not released. What was active still is.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes were never sent.
    #[error("component `{0}` was not uploaded")]
    MissingComponent(Digest),
    /// The component imports what the manifest does not grant.
    #[error("it imports `{import}`, which function.toml does not grant")]
    NotGranted {
        /// The interface.
        import: String,
        /// The right it needs.
        right: Right,
        /// The line that grants it; absent where this host cannot grant it yet.
        line_to_add: Option<&'static str>,
    },
    /// The manifest asks for something impossible.
    #[error("{0}")]
    Manifest(String),
    /// One of its triggers would never work.
    #[error("{0}")]
    Trigger(String),
    /// The component cannot become a function of this host.
    #[error("{0}")]
    Unfit(ports::PrepareError),
    /// Another function answers the same requests already.
    #[error("route `{route}` belongs to function `{owner}` already")]
    RouteTaken {
        /// The route.
        route: String,
        /// Whose it is.
        owner: Name,
    },
    /// No such function or revision.
    #[error("{0} is not deployed")]
    NotFound(String),
    /// There is no earlier revision to go back to.
    #[error("function `{0}` has no earlier revision to roll back to")]
    NoEarlier(Name),
    /// Too much is being compiled; try again.
    #[error("the compile queue is full; try again in a moment")]
    Busy,
    /// A store failed.
    #[error("{0}")]
    Storage(String),
}

impl From<ports::PrepareError> for Error {
    fn from(error: ports::PrepareError) -> Self {
        use ports::PrepareError as E;
        match error {
            E::NotGranted { import, right, line_to_add } => Self::NotGranted { import, right, line_to_add },
            E::Busy => Self::Busy,
            E::Storage(cause) => Self::Storage(cause),
            E::NotAComponent(_)
            | E::TooLarge { .. }
            | E::NoEntry(_)
            | E::UnknownImport(_)
            | E::DoesNotFit(_)
            | E::Compile(_)
            | E::Slow(_) => Self::Unfit(error),
        }
    }
}

impl From<ports::DeployError> for Error {
    fn from(error: ports::DeployError) -> Self {
        use ports::DeployError as E;
        match error {
            E::NotFound(what) => Self::NotFound(what),
            E::RouteTaken { route, owner } => Self::RouteTaken { route, owner },
            E::NoEarlier(function) => Self::NoEarlier(function),
            E::Storage(cause) => Self::Storage(cause),
        }
    }
}

impl From<ports::ArtifactError> for Error {
    fn from(error: ports::ArtifactError) -> Self {
        match error {
            ports::ArtifactError::NotFound(digest) => Self::MissingComponent(digest),
            other => Self::Storage(other.to_string()),
        }
    }
}
