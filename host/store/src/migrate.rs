//! Moves an installation from one database to another: every row copied, read again on the other side, and compared.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use host_core::{clock::Clock, ports::Artifacts as _};

use crate::{
    ArtifactStore, Config,
    sql::{Tx, args},
    transfer::{Database, Loader, Summary, Table, TransferError, Where, empty, read, tables_of, verify},
};

/// From where to where.
pub struct Move {
    /// The database that is left; it stays as it is.
    pub from: Config,
    /// The database that is filled; it must be empty.
    pub to: Config,
    /// Where the bytes are and where they go to; none, to leave them where they are.
    pub artifacts: Option<(ArtifactStore, ArtifactStore)>,
}

/// Moves every row, and the bytes where asked for. All rows arrive in one transaction, or none.
///
/// # Errors
/// When the source is in use, the target is not empty, or what arrived is not what left.
pub async fn migrate(it: Move, clock: Arc<dyn Clock>) -> Result<Summary, TransferError> {
    let source = Database::source(&it.from, Arc::clone(&clock)).await?;
    let target = Database::target(&it.to, clock, source.schema().await?).await?;
    let mut summary = Summary::default();
    // The bytes first: no row arrives before what it names.
    if let Some((from, to)) = &it.artifacts {
        summary = copy_bytes(from, to).await?;
    }
    let mut old = source.db.snapshot().await?;
    let mut new = target.db.long().await?;
    let tables = common(&mut old, &mut new).await?;
    empty(&mut new, &tables).await?;
    for table in &tables {
        let rows = copy(&mut old, &mut new, table).await?;
        summary.tables.push((table.name.clone(), rows));
    }
    if let Some((_, to)) = &it.artifacts {
        new.execute("UPDATE installation SET artifact_store = $1", args![to.id().to_string()]).await?;
    }
    new.commit().await?;
    drop(old);
    target.upgrade().await?;
    target.close().await;
    source.close().await;
    Ok(summary)
}

/// The tables, which must be the same on both sides.
async fn common(old: &mut Tx, new: &mut Tx) -> Result<Vec<Table>, TransferError> {
    let (from, to) = (tables_of(old).await?, tables_of(new).await?);
    let columns = |table: &Table| table.columns.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    for table in &from {
        let there = to.iter().find(|it| it.name == table.name);
        if there.is_none_or(|it| columns(it) != columns(table)) {
            return Err(TransferError::archive(format!("table `{}` is not the same in both databases", table.name)));
        }
    }
    Ok(from)
}

/// Copies a table and compares; how many rows it has.
async fn copy(old: &mut Tx, new: &mut Tx, table: &Table) -> Result<u64, TransferError> {
    let mut loader = Loader::new(new, table);
    let left = read(old, table, &Where::default(), &mut loader).await?;
    loader.finish().await?;
    verify(new, table, &Where::default(), left.rows, left.digest).await?;
    Ok(left.rows)
}

/// Copies every artifact, verified on the way.
async fn copy_bytes(from: &ArtifactStore, to: &ArtifactStore) -> Result<Summary, TransferError> {
    let mut summary = Summary { artifacts: Some(0), ..Summary::default() };
    let mut listed = std::pin::pin!(from.everything());
    while let Some(it) = listed.try_next().await? {
        if to.size(&it.digest).await? != Some(it.size) {
            let (size, stream) = from.stream(&it.digest).await?;
            to.put_stream(stream, size, Some(it.digest)).await?;
        }
        summary.artifacts = summary.artifacts.map(|count| count + 1);
        summary.artifact_bytes += it.size;
    }
    Ok(summary)
}
