//! Why a package could not be had or kept.

use host_core::{Digest, package::PackageName};

use crate::layout::LayoutError;

/// Why a package could not be had or kept.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no such package, or no version that was asked for.
    #[error("{0}")]
    NotFound(String),
    /// The place said no.
    #[error("{place} refused: {why}")]
    Refused {
        /// Which.
        place: String,
        /// What it said.
        why: String,
    },
    /// The place cannot be reached, or does not answer as registries do.
    #[error("could not reach {place}: {why}")]
    Unreachable {
        /// Which.
        place: String,
        /// The cause.
        why: String,
    },
    /// The place answers with what is no package.
    #[error("{package}: {error}")]
    Layout {
        /// Which.
        package: String,
        /// What is wrong with it.
        error: LayoutError,
    },
    /// Bytes are not those that were asked for.
    #[error("{place} sent other bytes than those asked for: {found} instead of {expected}")]
    Tampered {
        /// Which.
        place: String,
        /// What came.
        found: Digest,
        /// What was asked for.
        expected: Digest,
    },
    /// More came than was announced.
    #[error("{place} sent more than the {most} bytes that {what} has at most")]
    TooLarge {
        /// Which.
        place: String,
        /// What of.
        what: String,
        /// How many it may have.
        most: u64,
    },
    /// A version is there already, and is something else.
    #[error("{package}@{version} was published already as {there}, and a version never changes")]
    Taken {
        /// The package.
        package: PackageName,
        /// The version.
        version: semver::Version,
        /// What is there.
        there: Digest,
    },
    /// A file or folder could not be read or written.
    #[error("could not {verb} {file}: {error}")]
    File {
        /// What was done.
        verb: &'static str,
        /// Which.
        file: String,
        /// The cause.
        error: std::io::Error,
    },
    /// The place does not do that.
    #[error("{place} {why}")]
    Unsupported {
        /// Which.
        place: String,
        /// What it does not do.
        why: &'static str,
    },
}
