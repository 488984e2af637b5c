//! What all hosts know of triggers: which are paused and why, and what was told of those that cannot read.

use async_trait::async_trait;
use host_core::ports::{Seek, SourceError, TriggerId, TriggerMemory};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    Store, StoreError,
    audit::Deed,
    events,
    sql::{Arg, Row, Tx, args},
    text,
};

mod bound;
mod letters;

pub(crate) use bound::{Bounds, forget};

/// The longest reason or cause that is kept, bytes.
const LONGEST: usize = 4_096;

#[async_trait]
impl TriggerMemory for Store {
    async fn paused(&self) -> Result<Vec<(TriggerId, String)>, SourceError> {
        let sql = "SELECT project, function, name, paused FROM trigger_state WHERE paused IS NOT NULL";
        let rows = self.db().rows(sql, vec![]).await?;
        let read = |row: &Row| Ok((id(row)?, row.get("paused")?));
        Ok(rows.iter().map(read).collect::<Result<_, StoreError>>()?)
    }

    async fn set_paused(&self, id: &TriggerId, reason: Option<&str>, who: &str) -> Result<(), SourceError> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        let (is_news, action) = match reason {
            Some(reason) => (pause(&mut tx, id, reason, now).await?, "trigger.paused"),
            None => (resume(&mut tx, id, now).await?, "trigger.resumed"),
        };
        if is_news {
            audit(&mut tx, (id, who, action), now, json!({ "reason": reason })).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn halt(&self, id: &TriggerId, reason: &str) -> Result<(), SourceError> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        // Several hosts may run into the same failure.
        if pause(&mut tx, id, reason, now).await? {
            tell(&mut tx, id, reason, true, now).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn unhealthy(&self, id: &TriggerId, cause: &str) -> Result<(), SourceError> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        let note = "INSERT INTO trigger_state (project, function, name, unhealthy, changed_at) \
                    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (project, function, name) DO UPDATE \
                    SET unhealthy = $4, changed_at = $5 \
                    WHERE trigger_state.unhealthy IS NULL OR trigger_state.unhealthy <> $4";
        let cause = text::clean(cause, LONGEST);
        if tx.execute(note, with(id, args![&*cause, now])).await? > 0 {
            tell(&mut tx, id, &cause, false, now).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn healthy(&self, id: &TriggerId) -> Result<(), SourceError> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        let note = "UPDATE trigger_state SET unhealthy = NULL, changed_at = $4 \
                    WHERE project = $1 AND function = $2 AND name = $3 AND unhealthy IS NOT NULL";
        tx.execute(note, with(id, args![now])).await?;
        Ok(tx.commit().await?)
    }

    async fn moved(&self, id: &TriggerId, to: &Seek, who: &str) -> Result<(), SourceError> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        audit(&mut tx, (id, who, "trigger.moved"), now, json!({ "to": to })).await?;
        Ok(tx.commit().await?)
    }
}

/// Whether it was not paused yet. A reason that is there stays: the first one says what happened.
async fn pause(tx: &mut Tx, id: &TriggerId, reason: &str, now: Timestamp) -> Result<bool, StoreError> {
    let note = "INSERT INTO trigger_state (project, function, name, paused, changed_at) VALUES ($1, $2, $3, $4, $5) \
                ON CONFLICT (project, function, name) DO UPDATE SET paused = $4, changed_at = $5 \
                WHERE trigger_state.paused IS NULL";
    Ok(tx.execute(note, with(id, args![&*text::clean(reason, LONGEST), now])).await? > 0)
}

/// Whether it was paused.
async fn resume(tx: &mut Tx, id: &TriggerId, now: Timestamp) -> Result<bool, StoreError> {
    let note = "UPDATE trigger_state SET paused = NULL, changed_at = $4 \
                WHERE project = $1 AND function = $2 AND name = $3 AND paused IS NOT NULL";
    Ok(tx.execute(note, with(id, args![now])).await? > 0)
}

async fn audit(
    tx: &mut Tx,
    (id, who, action): (&TriggerId, &str, &'static str),
    now: Timestamp,
    details: Value,
) -> Result<(), StoreError> {
    let deed = Deed { who, action, project: &id.project, subject: &id.to_string() };
    deed.record(tx, now, details).await
}

/// Tells that a trigger does not read.
async fn tell(tx: &mut Tx, id: &TriggerId, cause: &str, is_paused: bool, now: Timestamp) -> Result<(), StoreError> {
    let content = json!({ "function": id.function, "trigger": id.name, "cause": cause, "paused": is_paused });
    events::tell(tx, now, &id.project, "trigger.unhealthy", &id.to_string(), content).await
}

fn with(id: &TriggerId, more: Vec<Arg>) -> Vec<Arg> {
    args![&id.project, &id.function, id.name.as_str()].into_iter().chain(more).collect()
}

fn id(row: &Row) -> Result<TriggerId, StoreError> {
    Ok(TriggerId { project: row.get("project")?, function: row.get("function")?, name: row.get("name")? })
}

impl From<StoreError> for SourceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Cursor(_) => Self::Unsupported(error.to_string()),
            other => Self::Failed(other.to_string()),
        }
    }
}
