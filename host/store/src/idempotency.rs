//! Keys of requests: begun once, answered alike, forgotten after a day.

use std::time::Duration;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use host_core::{
    Digest,
    ports::{Begun, Idempotency, KeptResponse, KeyError, KeyScope, Turn},
};
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Store, StoreError,
    sql::{Arg, Db, Row, Tx, args},
    text,
};

/// How often keys that are too old are forgotten.
const EVERY: Duration = Duration::from_secs(600);
/// How many rows go in one transaction, so that nobody waits long for the writer.
const AT_ONCE: i64 = 1_000;

const THIS: &str = "project = $1 AND subject = $2 AND principal = $3 AND key = $4";

fn key(scope: &KeyScope) -> Vec<Arg> {
    args![&scope.project, scope.subject.as_str(), scope.principal.as_str(), scope.key.as_str()]
}

fn with(scope: &KeyScope, more: Vec<Arg>) -> Vec<Arg> {
    key(scope).into_iter().chain(more).collect()
}

/// A statement about one key.
macro_rules! this {
    ($start:literal) => {
        concat!($start, " WHERE project = $1 AND subject = $2 AND principal = $3 AND key = $4")
    };
    ($start:literal, $end:literal) => {
        concat!($start, " WHERE project = $1 AND subject = $2 AND principal = $3 AND key = $4 ", $end)
    };
}

#[async_trait]
impl Idempotency for Store {
    async fn begin(
        &self,
        scope: &KeyScope,
        fingerprint: Digest,
        lease: Duration,
        keep: Duration,
    ) -> Result<Begun, KeyError> {
        begin(self, scope, fingerprint, lease, keep).await.map_err(|error| KeyError(error.to_string()))
    }

    async fn finish(&self, scope: &KeyScope, turn: Turn, response: &KeptResponse) -> Result<bool, KeyError> {
        finish(self, scope, turn, response).await.map_err(|error| KeyError(error.to_string()))
    }

    async fn release(&self, scope: &KeyScope, turn: Turn) -> Result<(), KeyError> {
        release(self, scope, turn).await.map_err(|error| KeyError(error.to_string()))
    }
}

async fn begin(
    store: &Store,
    scope: &KeyScope,
    fingerprint: Digest,
    lease: Duration,
    keep: Duration,
) -> Result<Begun, StoreError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    tx.execute(this!("DELETE FROM idempotency", "AND expires_at <= $5"), with(scope, args![now])).await?;
    let turn = Turn { id: Uuid::now_v7(), attempt: 1 };
    let begun = match insert(&mut tx, scope, fingerprint, turn, (now, lease, keep)).await? {
        true => Begun::Mine(turn),
        false => again(&mut tx, scope, fingerprint, now, lease).await?,
    };
    tx.commit().await?;
    Ok(begun)
}

/// Whether the key was not there yet.
async fn insert(
    tx: &mut Tx,
    scope: &KeyScope,
    fingerprint: Digest,
    turn: Turn,
    (now, lease, keep): (Timestamp, Duration, Duration),
) -> Result<bool, StoreError> {
    let insert = "INSERT INTO idempotency (project, subject, principal, key, id, fingerprint, attempt, lease_until, \
                  created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";
    let values = args![turn.id.to_string(), fingerprint, turn.attempt, after(now, lease), now, after(now, keep)];
    Ok(tx.execute(insert, with(scope, values)).await? == 1)
}

/// What to do with a key that is there.
async fn again(
    tx: &mut Tx,
    scope: &KeyScope,
    fingerprint: Digest,
    now: Timestamp,
    lease: Duration,
) -> Result<Begun, StoreError> {
    let columns = "SELECT id, fingerprint, attempt, lease_until, status, headers, body FROM idempotency";
    let lock = if tx.is_postgres() { " FOR UPDATE" } else { "" };
    let sql = sqlx::AssertSqlSafe(format!("{columns} WHERE {THIS}{lock}"));
    let Some(row) = tx.row(sql, key(scope)).await? else {
        return Err(StoreError::Busy("the key was taken away meanwhile".to_owned()));
    };
    if row.get::<Digest>("fingerprint")? != fingerprint {
        return Ok(Begun::Other);
    }
    if let Some(response) = response(&row)? {
        return Ok(Begun::Done(response));
    }
    let until: Option<Timestamp> = row.get("lease_until")?;
    if let Some(left) = until.and_then(|it| Duration::try_from(it.duration_since(now)).ok()).filter(|it| !it.is_zero())
    {
        return Ok(Begun::Running(left));
    }
    let id: String = row.get("id")?;
    let id = id.parse().map_err(|_| StoreError::Damaged { column: "id".into(), reason: "no UUID".into() })?;
    let turn = Turn { id, attempt: row.get::<u32>("attempt")?.saturating_add(1) };
    let update = this!("UPDATE idempotency SET attempt = $5, lease_until = $6");
    tx.execute(update, with(scope, args![turn.attempt, after(now, lease)])).await?;
    Ok(Begun::Mine(turn))
}

/// What was answered, if it was.
fn response(row: &Row) -> Result<Option<KeptResponse>, StoreError> {
    let Some(status) = row.get::<Option<i64>>("status")? else { return Ok(None) };
    let damaged = |column: &str, reason: String| StoreError::Damaged { column: column.to_owned(), reason };
    let status = u16::try_from(status).map_err(|error| damaged("status", error.to_string()))?;
    let body: Option<String> = row.get("body")?;
    let body = body.map(|it| STANDARD.decode(it)).transpose().map_err(|error| damaged("body", error.to_string()))?;
    let headers = row.json_opt("headers")?.unwrap_or_default();
    Ok(Some(KeptResponse { status, headers, body: body.map(Into::into) }))
}

async fn finish(store: &Store, scope: &KeyScope, turn: Turn, response: &KeptResponse) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    let update = this!(
        "UPDATE idempotency SET lease_until = NULL, status = $5, headers = $6, body = $7",
        "AND id = $8 AND attempt = $9 AND status IS NULL"
    );
    let body = response.body.as_ref().map(|it| STANDARD.encode(it));
    let headers = text::json(&response.headers)?;
    let values = args![i64::from(response.status), headers, body, turn.id.to_string(), turn.attempt];
    let kept = tx.execute(update, with(scope, values)).await? == 1;
    tx.commit().await?;
    Ok(kept)
}

async fn release(store: &Store, scope: &KeyScope, turn: Turn) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    let delete = this!("DELETE FROM idempotency", "AND id = $5 AND attempt = $6 AND status IS NULL");
    tx.execute(delete, with(scope, args![turn.id.to_string(), turn.attempt])).await?;
    tx.commit().await
}

fn after(now: Timestamp, span: Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    now.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// Starts the task that forgets old keys.
pub(crate) fn start(db: Db, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Err(error) = forget(&db, &stop).await {
                tracing::warn!(%error, "old keys of requests could not be deleted; trying again in a while");
            }
        }
    })
}

async fn forget(db: &Db, stop: &CancellationToken) -> Result<u64, StoreError> {
    let delete = "DELETE FROM idempotency WHERE (project, subject, principal, key) IN \
                  (SELECT project, subject, principal, key FROM idempotency WHERE expires_at <= $1 LIMIT $2)";
    let mut gone = 0;
    loop {
        let mut tx = db.begin().await?;
        let now = tx.now().await?;
        let rows = tx.execute(delete, args![now, AT_ONCE]).await?;
        tx.commit().await?;
        gone += rows;
        if rows < AT_ONCE.unsigned_abs() || stop.is_cancelled() {
            return Ok(gone);
        }
    }
}

impl Store {
    /// Forgets the keys of requests whose time is over; how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_keys(&self) -> Result<u64, StoreError> {
        forget(self.db(), &CancellationToken::new()).await
    }
}
