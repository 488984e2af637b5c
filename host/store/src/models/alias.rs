//! Aliases: moved, moved back, and where they have pointed.

use host_core::{Name, model::Alias, ports::ModelError};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::{
    Store, StoreError,
    audit::Deed,
    events,
    generation::{self, Of},
    sql::{Row, Tx, args},
};

/// Which alias of which model.
pub(super) struct At<'a> {
    pub(super) project: &'a Name,
    pub(super) model: &'a Name,
    pub(super) alias: &'a Name,
}

/// A move of an alias.
struct Move {
    from: Option<u64>,
    to: u64,
}

pub(super) async fn promote(store: &Store, at: &At<'_>, number: u64, who: &str) -> Result<Option<u64>, ModelError> {
    let mut tx = store.begin().await?;
    generation::grow(&mut tx, Of::Models).await?;
    let now = tx.now().await?;
    check(&mut tx, at, number).await?;
    let from = current(&mut tx, at).await?;
    if from == Some(number) {
        // Moving it to where it is would lose the way back.
        return Ok(from);
    }
    go(&mut tx, at, &Move { from, to: number }, who, now).await?;
    tx.commit().await?;
    Ok(from)
}

pub(super) async fn rollback(store: &Store, at: &At<'_>, who: &str) -> Result<u64, ModelError> {
    let mut tx = store.begin().await?;
    generation::grow(&mut tx, Of::Models).await?;
    let now = tx.now().await?;
    let from = current(&mut tx, at).await?;
    if from.is_none() {
        return Err(ModelError::NotFound(format!("alias `{}` of model `{}`", at.alias, at.model)));
    }
    let sql = "SELECT previous FROM alias_move WHERE project = $1 AND model = $2 AND alias = $3 ORDER BY moved_at DESC, id DESC LIMIT 1";
    let row = tx.row(sql, args![at.project, at.model, at.alias]).await?;
    let previous =
        row.map_or(Ok(None), |row| row.get::<Option<i64>>("previous"))?.and_then(|it| u64::try_from(it).ok());
    let to = previous.ok_or_else(|| ModelError::NoEarlier { model: at.model.clone(), alias: at.alias.clone() })?;
    check(&mut tx, at, to).await?;
    go(&mut tx, at, &Move { from, to }, who, now).await?;
    tx.commit().await?;
    Ok(to)
}

/// Whether the version can be pointed to.
async fn check(tx: &mut Tx, at: &At<'_>, number: u64) -> Result<(), ModelError> {
    let sql = "SELECT retired_at FROM model_version WHERE project = $1 AND model = $2 AND number = $3";
    let row = tx.row(sql, args![at.project, at.model, number]).await?;
    let row = row.ok_or_else(|| ModelError::NotFound(format!("model `{}@{number}`", at.model)))?;
    match row.get::<Option<Timestamp>>("retired_at")? {
        Some(_) => Err(ModelError::Retired { model: at.model.clone(), number }),
        None => Ok(()),
    }
}

async fn current(tx: &mut Tx, at: &At<'_>) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT number FROM model_alias WHERE project = $1 AND model = $2 AND alias = $3";
    tx.row(sql, args![at.project, at.model, at.alias]).await?.map(|row| row.get("number")).transpose()
}

async fn go(tx: &mut Tx, at: &At<'_>, go: &Move, who: &str, now: Timestamp) -> Result<(), StoreError> {
    let upsert = "INSERT INTO model_alias (project, model, alias, number, moved_at, moved_by) VALUES ($1, $2, $3, $4, $5, $6) \
                  ON CONFLICT (project, model, alias) DO UPDATE SET number = excluded.number, moved_at = excluded.moved_at, \
                  moved_by = excluded.moved_by";
    tx.execute(upsert, args![at.project, at.model, at.alias, go.to, now, who]).await?;
    let insert = "INSERT INTO alias_move (id, project, model, alias, number, previous, moved_at, moved_by) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let from = go.from.map(|it| i64::try_from(it).unwrap_or(i64::MAX));
    tx.execute(insert, args![Uuid::now_v7().to_string(), at.project, at.model, at.alias, go.to, from, now, who])
        .await?;
    let subject = format!("{}@{}", at.model, at.alias);
    let details = json!({ "model": at.model, "alias": at.alias, "from": go.from, "to": go.to });
    Deed { who, action: "alias.moved", project: at.project, subject: &subject }
        .record(tx, now, details.clone())
        .await?;
    events::tell(tx, now, at.project, "model.promoted", &subject, details).await
}

pub(super) async fn aliases(store: &Store, project: &Name, model: &Name) -> Result<Vec<Alias>, StoreError> {
    let sql = "SELECT model, alias, number, moved_at, moved_by FROM model_alias WHERE project = $1 AND model = $2 ORDER BY alias";
    store.db().rows(sql, args![project, model]).await?.iter().map(read).collect()
}

pub(super) async fn history(store: &Store, project: &Name, model: &Name) -> Result<Vec<Alias>, StoreError> {
    let sql = "SELECT model, alias, number, moved_at, moved_by FROM alias_move WHERE project = $1 AND model = $2 \
               ORDER BY moved_at DESC, id DESC LIMIT 10000";
    store.db().rows(sql, args![project, model]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Alias, StoreError> {
    Ok(Alias {
        model: row.get("model")?,
        alias: row.get("alias")?,
        number: row.get("number")?,
        moved_at: row.get("moved_at")?,
        moved_by: row.get("moved_by")?,
    })
}
