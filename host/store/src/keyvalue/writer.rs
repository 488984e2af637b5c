//! SQLite's one writer of keyed state. Changes that come while a transaction is being written share the next one: each
//! costs a write to the disk, however many changes it holds.

use std::time::Duration;

use host_core::ports::{Bucket, KeyValueError};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::change::{Change, Changed, Refused};
use crate::{Store, StoreError, sql::Db};

/// How many changes may wait. Whoever finds no room waits for it.
const QUEUE: usize = 1_024;
/// How many changes share a transaction at most.
const BATCH: usize = 256;

/// A change, and who waits for it.
struct Asked {
    bucket: Bucket,
    change: Change,
    answer: oneshot::Sender<Result<Changed, KeyValueError>>,
}

/// Where changes are handed in.
pub(super) struct Writer {
    queue: mpsc::Sender<Asked>,
    patience: Duration,
}

impl Writer {
    /// Starts the task that writes; it ends with the store.
    pub(super) fn start(store: &Store) -> Self {
        let (queue, asked) = mpsc::channel(QUEUE);
        let patience = store.db().patience;
        store.keep_task(tokio::spawn(run(store.db().clone(), asked, store.stopping())));
        Self { queue, patience }
    }

    /// Has a change written, and says what came of it.
    pub(super) async fn change(&self, bucket: Bucket, change: Change) -> Result<Changed, KeyValueError> {
        let (answer, answered) = oneshot::channel();
        let asked = Asked { bucket, change, answer };
        let closed = || KeyValueError::Unavailable("the store is being closed".into());
        match timeout(self.patience, self.queue.send(asked)).await {
            Ok(Ok(())) => answered.await.unwrap_or_else(|_| Err(closed())),
            Ok(Err(_)) => Err(closed()),
            Err(_) => Err(StoreError::Timeout(self.patience).into()),
        }
    }
}

async fn run(db: Db, mut queue: mpsc::Receiver<Asked>, stop: CancellationToken) {
    loop {
        let first = tokio::select! {
            biased;
            first = queue.recv() => first,
            () = stop.cancelled() => break,
        };
        let Some(first) = first else { return };
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Ok(next) = queue.try_recv()
        {
            batch.push(next);
        }
        write(&db, batch).await;
    }
    // Whoever asked already is answered.
    queue.close();
    while let Some(asked) = queue.recv().await {
        write(&db, vec![asked]).await;
    }
}

/// Writes a batch in one transaction; or, where one of its changes is refused, each in its own, so that none is lost for
/// another. A database that is away is away for all of them.
async fn write(db: &Db, batch: Vec<Asked>) {
    match together(db, &batch).await {
        Ok(results) => {
            for (asked, result) in batch.into_iter().zip(results) {
                // Whoever asked may have gone.
                let _ = asked.answer.send(result);
            }
        }
        Err(error) => {
            let is_for_all = batch.len() == 1 || error.is_passing();
            for asked in batch {
                let result = if is_for_all { Err(error.clone()) } else { alone(db, &asked).await };
                // Whoever asked may have gone.
                let _ = asked.answer.send(result.map_err(Into::into).and_then(|it| it));
            }
        }
    }
}

/// What came of each change of a transaction.
type Results = Vec<Result<Changed, KeyValueError>>;

async fn together(db: &Db, batch: &[Asked]) -> Result<Results, StoreError> {
    let mut tx = db.begin().await?;
    let mut results = Vec::with_capacity(batch.len());
    for Asked { bucket, change, .. } in batch {
        results.push(match change.clone().apply(&mut tx, bucket).await {
            Ok(changed) => Ok(changed),
            Err(Refused::Invalid(error)) => Err(error),
            Err(Refused::Store(error)) => return Err(error),
        });
    }
    tx.commit().await?;
    Ok(results)
}

async fn alone(db: &Db, asked: &Asked) -> Result<Result<Changed, KeyValueError>, StoreError> {
    let mut results = together(db, std::slice::from_ref(asked)).await?;
    Ok(results.pop().unwrap_or_else(|| Err(KeyValueError::Unavailable("nothing was written".into()))))
}
