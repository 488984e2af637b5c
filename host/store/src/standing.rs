//! Pipelines that are kept in their project: every version by its digest, and the one in force.

use async_trait::async_trait;
use host_core::{
    Digest, Name,
    ports::{NewStanding, StandingError, StandingPipeline, StandingPipelines},
};
use serde_json::json;

use crate::{
    Store, StoreError,
    audit::Deed,
    generation,
    occasions::{self, Of},
    projects,
    sql::{Row, Tx, args},
    text,
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT project, name, number, digest, yaml, description, triggers, created_by, since FROM standing_pipeline ",
            $rest
        )
    };
}

impl From<StoreError> for StandingError {
    fn from(error: StoreError) -> Self {
        Self::Storage(error.to_string())
    }
}

#[async_trait]
impl StandingPipelines for Store {
    async fn put_in_force(&self, new: NewStanding) -> Result<StandingPipeline, StandingError> {
        keep(self, &new).await?;
        self.pipeline(&new.project, &new.name).await
    }

    async fn pipelines(&self, project: &Name) -> Result<Vec<StandingPipeline>, StandingError> {
        let rows = self.db().rows(select!("WHERE project = $1 AND is_in_force = 1 ORDER BY name"), args![project]);
        Ok(rows.await?.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn started(&self) -> Result<Vec<StandingPipeline>, StandingError> {
        let sql = select!("WHERE is_in_force = 1 AND triggers <> '[]' ORDER BY project, name");
        let rows = self.db().rows(sql, vec![]).await?;
        // One that cannot be read must not keep the others from being started.
        let readable = rows.iter().filter_map(|row| {
            read(row).inspect_err(|error| tracing::error!(%error, "a pipeline cannot be read and is left out")).ok()
        });
        Ok(readable.collect())
    }

    async fn pipeline(&self, project: &Name, name: &Name) -> Result<StandingPipeline, StandingError> {
        let sql = select!("WHERE project = $1 AND name = $2 AND is_in_force = 1");
        let row = self.db().row(sql, args![project, name]).await?;
        Ok(read(&row.ok_or_else(|| StandingError::NotFound(name.clone()))?)?)
    }

    async fn forget(&self, project: &Name, name: &Name, who: &str) -> Result<(), StandingError> {
        if forget(self, project, name, who).await? { Ok(()) } else { Err(StandingError::NotFound(name.clone())) }
    }
}

async fn keep(store: &Store, new: &NewStanding) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    // Growing first keeps others from making the same version; and whoever follows what is deployed looks here as well.
    generation::grow(&mut tx, generation::Of::Functions).await?;
    let now = tx.now().await?;
    projects::ensure(&mut tx, &new.project, now).await?;
    let digest = Digest::of(new.yaml.as_bytes());
    let this = "SELECT number, is_in_force FROM standing_pipeline WHERE project = $1 AND name = $2 AND digest = $3";
    let there = tx.row(this, args![&new.project, &new.name, digest]).await?;
    if there.as_ref().map(|row| row.get::<bool>("is_in_force")).transpose()? == Some(true) {
        return Ok(());
    }
    out_of_force(&mut tx, &new.project, &new.name).await?;
    let stay: Vec<String> = new.triggers.iter().map(|it| it.id(&new.project, &new.name).name).collect();
    occasions::forget_others(&mut tx, Of::Pipeline, (&new.project, &new.name), &stay).await?;
    let number = match there {
        Some(row) => row.get("number")?,
        None => next_number(&mut tx, new).await?,
    };
    let upsert = "INSERT INTO standing_pipeline (project, name, number, digest, yaml, description, triggers, created_by, since, \
                  is_in_force) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1) ON CONFLICT (project, name, number) \
                  DO UPDATE SET is_in_force = 1, since = excluded.since, created_by = excluded.created_by";
    let values = args![
        &new.project,
        &new.name,
        number,
        digest,
        new.yaml.as_str(),
        new.description.as_deref(),
        text::json(&new.triggers)?,
        new.created_by.as_str(),
        now,
    ];
    tx.execute(upsert, values).await?;
    let deed =
        Deed { who: &new.created_by, action: "pipeline.deployed", project: &new.project, subject: new.name.as_str() };
    deed.record(&mut tx, now, json!({ "number": number, "digest": digest, "triggers": new.triggers.len() })).await?;
    tx.commit().await
}

async fn next_number(tx: &mut Tx, new: &NewStanding) -> Result<u64, StoreError> {
    let sql = "SELECT COALESCE(MAX(number), 0) + 1 AS next FROM standing_pipeline WHERE project = $1 AND name = $2";
    tx.row(sql, args![&new.project, &new.name]).await?.map_or(Ok(1), |row| row.get("next"))
}

/// How many were in force.
async fn out_of_force(tx: &mut Tx, project: &Name, name: &Name) -> Result<u64, StoreError> {
    let update = "UPDATE standing_pipeline SET is_in_force = 0 WHERE project = $1 AND name = $2 AND is_in_force = 1";
    tx.execute(update, args![project, name]).await
}

/// Whether there was one.
async fn forget(store: &Store, project: &Name, name: &Name, who: &str) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    generation::grow(&mut tx, generation::Of::Functions).await?;
    let now = tx.now().await?;
    if out_of_force(&mut tx, project, name).await? == 0 {
        return Ok(false);
    }
    occasions::forget(&mut tx, Of::Pipeline, project, name).await?;
    let deed = Deed { who, action: "pipeline.deleted", project, subject: name.as_str() };
    deed.record(&mut tx, now, json!({})).await?;
    tx.commit().await?;
    Ok(true)
}

fn read(row: &Row) -> Result<StandingPipeline, StoreError> {
    Ok(StandingPipeline {
        kept: NewStanding {
            project: row.get("project")?,
            name: row.get("name")?,
            description: row.get("description")?,
            yaml: row.get("yaml")?,
            triggers: row.json("triggers")?,
            created_by: row.get("created_by")?,
        },
        number: row.get("number")?,
        digest: row.get("digest")?,
        since: row.get("since")?,
    })
}
