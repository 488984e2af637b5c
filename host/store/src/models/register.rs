//! Registers a version: the next number, or the version that the same run and step made of the same bytes.

use host_core::{
    model::{Origin, Version, VersionId},
    ports::NewVersion,
};
use jiff::Timestamp;
use serde_json::json;

use super::version::{self, select_version};
use crate::{
    Store, StoreError,
    audit::Deed,
    events, gc,
    generation::{self, Of},
    projects,
    sql::{Tx, args},
    text,
};

pub(super) async fn register(store: &Store, new: NewVersion) -> Result<Version, StoreError> {
    let mut tx = store.begin().await?;
    // Growing first makes others wait: two hosts never give out the same number.
    generation::grow(&mut tx, Of::Models).await?;
    let now = tx.now().await?;
    if let Some(there) = same(&mut tx, &new).await? {
        return Ok(there);
    }
    projects::ensure(&mut tx, &new.project, now).await?;
    gc::mention(&mut tx, &[new.digest]).await?;
    let ensure = "INSERT INTO model (project, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    tx.execute(ensure, args![&new.project, &new.model, now]).await?;
    let number = next_number(&mut tx, &new).await?;
    insert(&mut tx, &new, number, now).await?;
    let subject = format!("{}@{number}", new.model);
    let details = json!({ "model": new.model, "number": number, "digest": new.digest, "run": new.run, "step": new.step, "origin": new.origin });
    let deed = Deed { who: &new.created_by, action: "model.registered", project: &new.project, subject: &subject };
    deed.record(&mut tx, now, details.clone()).await?;
    events::tell(&mut tx, now, &new.project, "model.registered", &subject, details).await?;
    tx.commit().await?;
    Ok(made(new, number, now))
}

async fn same(tx: &mut Tx, new: &NewVersion) -> Result<Option<Version>, StoreError> {
    if let Some(origin) = &new.origin {
        let sql = select_version!("WHERE v.project = $1 AND v.model = $2 AND v.origin_id = $3 AND v.digest = $4");
        let row = tx.row(sql, args![&new.project, &new.model, origin_id(origin), new.digest]).await?;
        return row.as_ref().map(version::read).transpose();
    }
    if new.run.is_none() {
        return Ok(None);
    }
    let sql = select_version!(
        "WHERE v.project = $1 AND v.model = $2 AND v.run = $3 AND COALESCE(v.step, '') = COALESCE($4, '') AND v.digest = $5"
    );
    let row = tx.row(sql, args![&new.project, &new.model, new.run, new.step.as_deref(), new.digest]).await?;
    row.as_ref().map(version::read).transpose()
}

/// The event that brought a version: the same however often it is read.
fn origin_id(origin: &Origin) -> String {
    text::without_nul(format!("{}\n{}\n{}", origin.stream, origin.source, origin.id))
}

async fn next_number(tx: &mut Tx, new: &NewVersion) -> Result<u64, StoreError> {
    let last = "SELECT COALESCE(MAX(number), 0) AS number FROM model_version WHERE project = $1 AND model = $2";
    let row = tx.row(last, args![&new.project, &new.model]).await?;
    Ok(row.map_or(Ok(0), |row| row.get::<u64>("number"))? + 1)
}

async fn insert(tx: &mut Tx, new: &NewVersion, number: u64, now: Timestamp) -> Result<(), StoreError> {
    let insert = "INSERT INTO model_version (project, model, number, digest, format, signature, metrics, description, run, step, \
                  origin, origin_id, created_by, created_at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    let args = args![
        &new.project,
        &new.model,
        number,
        new.digest,
        new.format.as_str(),
        text::json(&new.signature)?,
        text::json(&new.metrics)?,
        new.description.as_deref(),
        new.run,
        new.step.as_deref(),
        text::json_opt(new.origin.as_ref())?,
        new.origin.as_ref().map(origin_id),
        new.created_by.as_str(),
        now,
    ];
    tx.execute(insert, args).await.map(drop)
}

fn made(new: NewVersion, number: u64, now: Timestamp) -> Version {
    Version {
        id: VersionId { model: new.model, number, digest: new.digest },
        format: new.format,
        signature: new.signature,
        metrics: new.metrics,
        description: new.description,
        run: new.run,
        step: new.step,
        origin: new.origin,
        created_by: new.created_by,
        created_at: now,
        retired_at: None,
    }
}
