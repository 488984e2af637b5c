//! Endpoints: models served under a name.

use host_core::{
    Name,
    model::ModelRef,
    ports::{Endpoint, ModelError},
};
use serde_json::json;

use super::version;
use crate::{
    Store, StoreError,
    audit::Deed,
    events,
    generation::{self, Of},
    projects,
    sql::{Row, args},
};

/// The model must be there: an endpoint that cannot answer is not made.
pub(super) async fn serve(store: &Store, project: &Name, endpoint: Endpoint) -> Result<(), ModelError> {
    version::resolve(store, project, &endpoint.model).await?;
    let mut tx = store.begin().await?;
    generation::grow(&mut tx, Of::Models).await?;
    let now = tx.now().await?;
    projects::ensure(&mut tx, project, now).await?;
    let upsert = "INSERT INTO endpoint (project, name, model, updated_by, updated_at) VALUES ($1, $2, $3, $4, $5) \
                  ON CONFLICT (project, name) DO UPDATE SET model = excluded.model, updated_by = excluded.updated_by, \
                  updated_at = excluded.updated_at";
    let (name, who) = (endpoint.name.as_str(), endpoint.updated_by.as_str());
    tx.execute(upsert, args![project, name, endpoint.model.to_string(), who, now]).await?;
    let details = json!({ "model": endpoint.model });
    Deed { who, action: "endpoint.served", project, subject: name }.record(&mut tx, now, details.clone()).await?;
    events::tell(&mut tx, now, project, "endpoint.served", name, details).await?;
    tx.commit().await?;
    Ok(())
}

pub(super) async fn endpoints(store: &Store, project: &Name) -> Result<Vec<Endpoint>, StoreError> {
    let sql = "SELECT name, model, updated_by, updated_at FROM endpoint WHERE project = $1 ORDER BY name";
    store.db().rows(sql, args![project]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Endpoint, StoreError> {
    let model: String = row.get("model")?;
    let model: ModelRef = model.parse().map_err(|error: host_core::name::InvalidName| StoreError::Damaged {
        column: "model".into(),
        reason: error.to_string(),
    })?;
    Ok(Endpoint {
        name: row.get("name")?,
        model,
        updated_by: row.get("updated_by")?,
        updated_at: row.get("updated_at")?,
    })
}
