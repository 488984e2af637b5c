//! Versions as they stand in their rows: resolved, listed, retired.

use host_core::{
    Name,
    model::{At, ModelRef, Origin, Version, VersionId},
    ports::ModelError,
};
use serde_json::json;

use crate::{
    Store, StoreError,
    audit::Deed,
    generation::{self, Of},
    sql::{Row, args},
};

/// The columns of a version; its table goes by `v`.
macro_rules! select_version {
    ($rest:literal) => {
        concat!(
            "SELECT v.model, v.number, v.digest, v.format, v.signature, v.metrics, v.description, v.run, v.step, v.origin, v.created_by, ",
            "v.created_at, v.retired_at FROM model_version v ",
            $rest
        )
    };
}
pub(super) use select_version;

pub(super) fn read(row: &Row) -> Result<Version, StoreError> {
    Ok(Version {
        id: VersionId { model: row.get("model")?, number: row.get("number")?, digest: row.get("digest")? },
        format: row.get("format")?,
        signature: row.json("signature")?,
        metrics: row.json("metrics")?,
        description: row.get("description")?,
        run: row.get("run")?,
        step: row.get("step")?,
        origin: origin(row)?,
        created_by: row.get("created_by")?,
        created_at: row.get("created_at")?,
        retired_at: row.get("retired_at")?,
    })
}

/// The stream that brought it, if one did.
fn origin(row: &Row) -> Result<Option<Origin>, StoreError> {
    let text: Option<String> = row.get("origin")?;
    text.map(|text| crate::text::from_json(&text, "origin")).transpose()
}

/// What `At::Default` looks at first.
const PRODUCTION: &str = "production";

pub(super) async fn resolve(store: &Store, project: &Name, reference: &ModelRef) -> Result<Version, ModelError> {
    let model = &reference.model;
    let by_alias = select_version!(
        "JOIN model_alias a ON a.project = v.project AND a.model = v.model AND a.number = v.number \
         WHERE v.project = $1 AND v.model = $2 AND a.alias = $3"
    );
    let newest = select_version!(
        "WHERE v.project = $1 AND v.model = $2 AND v.retired_at IS NULL ORDER BY v.number DESC LIMIT 1"
    );
    let by_number = select_version!("WHERE v.project = $1 AND v.model = $2 AND v.number = $3");
    let row = match &reference.at {
        At::Alias(alias) => store.db().row(by_alias, args![project, model, alias]).await?,
        At::Number(number) => store.db().row(by_number, args![project, model, *number]).await?,
        At::Default => match store.db().row(by_alias, args![project, model, PRODUCTION]).await? {
            Some(row) => Some(row),
            None => store.db().row(newest, args![project, model]).await?,
        },
    };
    let version = read(&row.ok_or_else(|| ModelError::NotFound(format!("model `{reference}`")))?)?;
    if version.retired_at.is_some() {
        return Err(ModelError::Retired { model: version.id.model, number: version.id.number });
    }
    Ok(version)
}

pub(super) async fn models(store: &Store, project: &Name) -> Result<Vec<Name>, StoreError> {
    let rows = store.db().rows("SELECT name FROM model WHERE project = $1 ORDER BY name", args![project]).await?;
    rows.iter().map(|row| row.get("name")).collect()
}

pub(super) async fn versions(store: &Store, project: &Name, model: &Name) -> Result<Vec<Version>, ModelError> {
    let sql = select_version!("WHERE v.project = $1 AND v.model = $2 ORDER BY v.number DESC");
    let rows = store.db().rows(sql, args![project, model]).await?;
    if rows.is_empty() {
        return Err(ModelError::NotFound(format!("model `{model}`")));
    }
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

impl Store {
    /// Takes a version out of service for good. One that an alias points to is refused.
    ///
    /// # Errors
    /// When there is no such version, or an alias points to it.
    pub async fn retire(&self, project: &Name, model: &Name, number: u64, who: &str) -> Result<(), ModelError> {
        let mut tx = self.begin().await?;
        generation::grow(&mut tx, Of::Models).await?;
        let now = tx.now().await?;
        let alias =
            "SELECT alias FROM model_alias WHERE project = $1 AND model = $2 AND number = $3 ORDER BY alias LIMIT 1";
        if let Some(row) = tx.row(alias, args![project, model, number]).await? {
            let alias: Name = row.get("alias")?;
            return Err(ModelError::Storage(format!(
                "alias `{alias}` points to version {number} of model `{model}`; move it first"
            )));
        }
        let update = "UPDATE model_version SET retired_at = COALESCE(retired_at, $1) WHERE project = $2 AND model = $3 AND number = $4";
        if tx.execute(update, args![now, project, model, number]).await? == 0 {
            return Err(ModelError::NotFound(format!("model `{model}@{number}`")));
        }
        let subject = format!("{model}@{number}");
        let deed = Deed { who, action: "model.retired", project, subject: &subject };
        deed.record(&mut tx, now, json!({ "model": model, "number": number })).await?;
        tx.commit().await?;
        Ok(())
    }
}
