//! Writes what a running step tells of itself; refused once its lease is lost.

use host_core::{
    ports::{JournalError, Tracked},
    run::{MetricPoint, StepKey, float},
};
use serde_json::{Map, Value};

use super::metrics;
use crate::{
    Store, StoreError,
    sql::{Row, args},
    steps, text,
};

pub(super) async fn track(store: &Store, key: &StepKey, attempt: u32, tracked: Tracked) -> Result<(), JournalError> {
    let mut tx = store.begin().await?;
    let progress = text::json_opt(tracked.progress.as_ref())?;
    // The update comes first: it holds the row against a settlement while the rest is read and written.
    let update = "UPDATE step SET progress = COALESCE($1, progress) WHERE run = $2 AND step = $3 AND trial = $4 AND attempt = $5 \
                  AND state = 'running' RETURNING params, results";
    let args = args![progress, key.run, key.step.as_str(), steps::trial(key.trial), attempt];
    let row = tx.row(update, args).await?.ok_or_else(|| JournalError::Stale(key.label()))?;
    if !(tracked.params.is_empty() && tracked.results.is_empty() && tracked.metrics.is_empty()) {
        let before = Before::read(&row)?.with(&tracked);
        let update = "UPDATE step SET params = $1, results = $2 WHERE run = $3 AND step = $4 AND trial = $5";
        let (params, results) = (text::json(&before.params)?, text::json(&before.results)?);
        tx.execute(update, args![params, results, key.run, key.step.as_str(), steps::trial(key.trial)]).await?;
    }
    metrics::insert(&mut tx, key, attempt, &tracked.metrics).await?;
    tx.commit().await?;
    Ok(())
}

/// What a running step was given and told so far.
#[derive(Debug, Default)]
pub(super) struct Before {
    pub(super) params: Map<String, Value>,
    pub(super) results: Map<String, Value>,
}

impl Before {
    /// From a row with both columns.
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { params: row.json("params")?, results: row.json("results")? })
    }

    /// With what was tracked since; a metric stands among the results by its last value.
    pub(super) fn with(mut self, tracked: &Tracked) -> Self {
        self.params.extend(tracked.params.clone());
        self.results.extend(tracked.metrics.iter().map(|it| (it.name.clone(), value(it))));
        self.results.extend(tracked.results.clone());
        self
    }
}

/// A metric as JSON: what is no number is text.
fn value(point: &MetricPoint) -> Value {
    float::serialize(&point.value, serde_json::value::Serializer).unwrap_or(Value::Null)
}
