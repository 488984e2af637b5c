//! What URLs stand for in a run: whatever they give tomorrow, a run goes on with the bytes it began with.

use host_core::{Digest, RunId, ports::JournalError};

use crate::{Store, StoreError, runs, sql::args};

pub(super) async fn pinned(store: &Store, run: RunId, url: &str) -> Result<Option<Digest>, StoreError> {
    let sql = "SELECT bytes FROM pinned_url WHERE run = $1 AND url_digest = $2";
    let row = store.db().row(sql, args![run, Digest::of(url.as_bytes())]).await?;
    row.map(|row| row.get("bytes")).transpose()
}

/// The first one decides.
pub(super) async fn pin(store: &Store, run: RunId, url: &str, bytes: Digest) -> Result<Digest, JournalError> {
    if runs::find(store, run).await?.is_none() {
        return Err(JournalError::NotFound(run));
    }
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    // By its digest, because an index does not take a text of any length.
    let insert = "INSERT INTO pinned_url (run, url_digest, url, bytes, pinned_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let args = args![run, Digest::of(url.as_bytes()), url, bytes, now];
    tx.execute(insert, args).await?;
    tx.commit().await?;
    Ok(pinned(store, run, url).await?.unwrap_or(bytes))
}
