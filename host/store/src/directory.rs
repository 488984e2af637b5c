//! What is deployed, from memory: a snapshot that follows the store's generation.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use host_core::ports::{DeployError, Directory, Functions};
use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::{
    StoreError,
    functions::{self, select_revision},
    generation::{self, Of},
    sql::Db,
};

/// How often other hosts' changes are looked for.
const EVERY: Duration = Duration::from_secs(1);

/// The snapshot of what is deployed.
pub struct StoreDirectory {
    db: Db,
    snapshot: ArcSwap<Functions>,
    generation: watch::Sender<u64>,
    /// One reader at a time, so that an old answer never replaces a newer one.
    reading: Mutex<()>,
}

impl StoreDirectory {
    /// Reads what is deployed, and follows it until told to stop.
    pub(crate) async fn start(db: Db, stop: CancellationToken) -> Result<(Arc<Self>, JoinHandle<()>), StoreError> {
        let directory = Arc::new(Self {
            snapshot: ArcSwap::from_pointee(read(&db).await?),
            generation: watch::Sender::new(0),
            reading: Mutex::new(()),
            db,
        });
        directory.generation.send_replace(directory.snapshot.load().generation);
        let task = tokio::spawn(follow(Arc::clone(&directory), stop));
        Ok((directory, task))
    }

    /// Reads the store again if its generation moved.
    pub(crate) async fn follow_now(&self) -> Result<Arc<Functions>, StoreError> {
        let _turn = self.reading.lock().await;
        let seen = self.snapshot.load_full();
        if generation::now(&self.db, Of::Functions).await? == seen.generation {
            return Ok(seen);
        }
        let functions = Arc::new(read(&self.db).await?);
        self.snapshot.store(Arc::clone(&functions));
        self.generation.send_replace(functions.generation);
        Ok(functions)
    }
}

async fn follow(directory: Arc<StoreDirectory>, stop: CancellationToken) {
    let mut is_away = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        match directory.follow_now().await {
            Ok(_) => is_away = false,
            Err(error) if !is_away => {
                is_away = true;
                tracing::error!(%error, "what is deployed cannot be followed; the last known state goes on answering");
            }
            Err(_) => {}
        }
    }
}

/// The generation is read first: a change in between is seen twice rather than never.
async fn read(db: &Db) -> Result<Functions, StoreError> {
    let generation = generation::now(db, Of::Functions).await?;
    let rows = db.rows(select_revision!("JOIN function f ON f.active = r.id"), vec![]).await?;
    let mut active = HashMap::with_capacity(rows.len());
    for row in &rows {
        match functions::read(row) {
            Ok(revision) => drop(active.insert((revision.project.clone(), revision.function.clone()), revision)),
            // One that cannot be read must not take the others out of service.
            Err(error) => tracing::error!(%error, "a deployed revision cannot be read and is left out"),
        }
    }
    Ok(Functions { generation, active })
}

#[async_trait]
impl Directory for StoreDirectory {
    fn functions(&self) -> Arc<Functions> {
        self.snapshot.load_full()
    }

    fn is_current(&self, functions: &Arc<Functions>) -> bool {
        Arc::ptr_eq(&self.snapshot.load(), functions)
    }

    async fn refresh(&self) -> Result<Arc<Functions>, DeployError> {
        Ok(self.follow_now().await?)
    }

    async fn changed(&self, seen: u64) {
        // The sender lives as long as this does.
        let _ = self.generation.subscribe().wait_for(|generation| *generation > seen).await;
    }
}
