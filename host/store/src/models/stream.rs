//! Model streams: which topics and queues bring models.

use async_trait::async_trait;
use host_core::{
    Name,
    ports::{ModelStream, ModelStreams, StreamError, TriggerId},
};
use serde_json::json;

use crate::{
    Store, StoreError,
    audit::Deed,
    events, projects,
    sql::{Row, args},
    text,
};

/// Who refuses a model that a stream brought.
const HOST: &str = "host";

/// The columns of a stream.
macro_rules! select_stream {
    ($rest:literal) => {
        concat!("SELECT project, name, source, alias, created_by, created_at FROM model_stream ", $rest)
    };
}

#[async_trait]
impl ModelStreams for Store {
    async fn all(&self) -> Result<Vec<ModelStream>, StreamError> {
        let rows = self.db().rows(select_stream!("ORDER BY project, name"), vec![]).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn streams(&self, project: &Name) -> Result<Vec<ModelStream>, StreamError> {
        let rows = self.db().rows(select_stream!("WHERE project = $1 ORDER BY name"), args![project]).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn add(&self, stream: ModelStream) -> Result<ModelStream, StreamError> {
        stream.check().map_err(StreamError::Invalid)?;
        add(self, stream).await
    }

    async fn remove(&self, project: &Name, name: &Name, who: &str) -> Result<(), StreamError> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        let delete = "DELETE FROM model_stream WHERE project = $1 AND name = $2";
        if tx.execute(delete, args![project, name]).await? == 0 {
            return Err(StreamError::NotFound(name.clone()));
        }
        let deed = Deed { who, action: "model-stream.removed", project, subject: name.as_str() };
        deed.record(&mut tx, now, json!({})).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn refused(&self, stream: &TriggerId, subject: &str, reason: &str) -> Result<(), StreamError> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        let (project, subject) = (&stream.project, text::clean(subject, 200));
        let details = json!({ "stream": stream.name, "reason": text::clean(reason, 4_000) });
        let deed = Deed { who: HOST, action: "model.refused", project, subject: &subject };
        deed.record(&mut tx, now, details.clone()).await?;
        events::tell(&mut tx, now, project, "model.refused", &subject, details).await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn add(store: &Store, stream: ModelStream) -> Result<ModelStream, StreamError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    let there = select_stream!("WHERE project = $1 AND name = $2");
    if let Some(row) = tx.row(there, args![&stream.project, &stream.name]).await? {
        let there = read(&row)?;
        let is_same = (&there.source, &there.alias) == (&stream.source, &stream.alias);
        return if is_same { Ok(there) } else { Err(StreamError::Exists(stream.name)) };
    }
    projects::ensure(&mut tx, &stream.project, now).await?;
    let insert = "INSERT INTO model_stream (project, name, source, alias, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    let ModelStream { project, name, source, alias, created_by: who, .. } = &stream;
    tx.execute(insert, args![project, name, text::json(source)?, alias, who.as_str(), now]).await?;
    let deed = Deed { who, action: "model-stream.added", project, subject: name.as_str() };
    deed.record(&mut tx, now, json!({ "source": source, "alias": alias })).await?;
    tx.commit().await?;
    Ok(ModelStream { created_at: now, ..stream })
}

fn read(row: &Row) -> Result<ModelStream, StoreError> {
    Ok(ModelStream {
        project: row.get("project")?,
        name: row.get("name")?,
        source: row.json("source")?,
        alias: row.get("alias")?,
        created_by: row.get("created_by")?,
        created_at: row.get("created_at")?,
    })
}

impl From<StoreError> for StreamError {
    fn from(error: StoreError) -> Self {
        Self::Storage(error.to_string())
    }
}
