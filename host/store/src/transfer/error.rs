//! Why rows or bytes did not get where they should.

use host_core::{Name, ports::ArtifactError};

use crate::{OpenError, StoreError};

/// Why a backup, a restore, a migration, an export or an import stopped. Nothing was written to the database.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// A database cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The artifact store did not answer, or has damaged bytes.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// There is something already where nothing may be.
    #[error("the target is not empty: table `{table}` has {rows} rows; choose a new database, or a new data folder")]
    NotEmpty {
        /// The first table with something in it.
        table: String,
        /// How many rows it has.
        rows: u64,
    },
    /// The project is there already.
    #[error("project `{0}` has something in it already; import it under another name with --as")]
    Exists(Name),
    /// Another project answers there.
    #[error("route `{0}` belongs to another function of this host already")]
    RouteTaken(String),
    /// The database has a column of a kind that cannot be carried over.
    #[error("column `{column}` of table `{table}` has the type {kind}, which this release does not carry over")]
    Column {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        kind: String,
    },
    /// A newer release has written it.
    #[error("it was written by a newer release (its schema has change {found}, this release knows up to {known})")]
    Newer {
        /// The newest change it has.
        found: i64,
        /// The newest change this release knows.
        known: i64,
    },
    /// An older release has written it, and the target has been used by this one.
    #[error(
        "it has the schema of an older release (change {found}), and the target has change {known} already; choose a database or a data folder that was never used"
    )]
    Older {
        /// The newest change it has.
        found: i64,
        /// The newest change of the target.
        known: i64,
    },
    /// What was written is not what was read.
    #[error("table `{table}` has {found} in the target, and {expected} in the source; nothing was kept")]
    Differs {
        /// The table.
        table: String,
        /// Rows and digest of the source.
        expected: String,
        /// Rows and digest of the target.
        found: String,
    },
    /// The file is not an archive of this kind, or not whole, or not what it says.
    #[error("the archive is refused: {0}")]
    Archive(String),
    /// A file could not be read or written.
    #[error("{what}: {reason}")]
    File {
        /// Which.
        what: String,
        /// Why.
        reason: String,
    },
}

impl TransferError {
    pub(crate) fn archive(reason: impl Into<String>) -> Self {
        Self::Archive(reason.into())
    }

    pub(crate) fn file(what: impl std::fmt::Display, error: &dyn std::fmt::Display) -> Self {
        Self::File { what: what.to_string(), reason: error.to_string() }
    }
}
