//! Rows on their way out of a database and into another. Which tables there are is read from the schema itself, so
//! that one added tomorrow is never forgotten.

mod archive;
mod database;
mod error;
mod line;
mod load;
mod project;
mod running;
mod schema;
mod write;

pub use archive::Summary;
pub use database::Database;
pub use error::TransferError;
pub use project::{ProjectExport, ProjectParts, Target as ImportTarget, import_project};
pub use running::Bytes;

pub(crate) use archive::{Bulk, Entry, Kind, Manifest, Reader, Take, Writer};
pub(crate) use line::{Lines, Tally, Where, read};
pub(crate) use load::{Loader, empty, verify};
pub(crate) use schema::{Table, tables as tables_of};
pub(crate) use write::{Spool, spool};
