//! Hands events of the platform over, each once, with the runs that it starts.

use host_core::{ports::Told, run::NewRun};
use jiff::Timestamp;
use serde_json::json;

use crate::{
    Store, StoreError,
    audit::Deed,
    journal,
    sql::{Arg, Row, args, placeholders},
};

/// How many identities one statement holds.
const ROWS: usize = 32;

pub(super) async fn told(store: &Store, after: Option<&Told>, most: u32) -> Result<Vec<Told>, StoreError> {
    let select = "SELECT id, happened_at, project, type, subject, content, depth FROM platform_event \
                  WHERE taken_at IS NULL AND (happened_at, id) > ($1, $2) ORDER BY happened_at, id LIMIT $3";
    let (at, id) = after.map_or((Timestamp::MIN, ""), |it| (it.at, it.id.as_str()));
    store.db().rows(select, args![at, id, most]).await?.iter().map(read).collect()
}

/// Marks events that nobody wants.
pub(super) async fn pass(store: &Store, ids: &[String]) -> Result<(), StoreError> {
    for ids in ids.chunks(ROWS) {
        let mut tx = store.begin().await?;
        let start = "UPDATE platform_event SET taken_at = happened_at WHERE taken_at IS NULL AND id IN";
        let values = ids.iter().map(Arg::from).collect();
        tx.execute(placeholders(start, 1, ids.len(), ""), values).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Whether it was nobody else's.
pub(super) async fn take(
    store: &Store,
    told: &Told,
    runs: Vec<NewRun>,
    stopped: Vec<String>,
) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    let update = "UPDATE platform_event SET taken_at = $1 WHERE id = $2 AND taken_at IS NULL";
    if tx.execute(update, args![now, told.id.as_str()]).await? == 0 {
        return Ok(false);
    }
    for run in &runs {
        journal::submit_in(&mut tx, run, now).await?;
    }
    for woken in stopped {
        let deed = Deed { who: "platform", action: "chain.stopped", project: &told.project, subject: woken.as_str() };
        let details = json!({ "event": told.id, "type": told.r#type, "subject": told.subject, "depth": told.depth });
        deed.record(&mut tx, now, details).await?;
    }
    tx.commit().await?;
    Ok(true)
}

fn read(row: &Row) -> Result<Told, StoreError> {
    let depth: i64 = row.get("depth")?;
    Ok(Told {
        id: row.get("id")?,
        at: row.get("happened_at")?,
        project: row.get("project")?,
        r#type: row.get("type")?,
        subject: row.get("subject")?,
        content: row.json("content")?,
        depth: u8::try_from(depth).unwrap_or(u8::MAX),
    })
}
