//! The store: one handle to the database, shared by everyone who asks it something.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use host_core::clock::Clock;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    ArtifactStore, Config, OpenError, StoreError,
    directory::StoreDirectory,
    gc::{Keeper, Policy},
    idempotency, journal,
    keyring::Keyring,
    open::{self, FolderLock},
    recorder::StoreRecorder,
    retention::{self, Aged},
    sql::{Db, Tx, args},
    triggers,
};

/// What is deployed and what has run. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    directory: Arc<StoreDirectory>,
    keyring: Arc<Keyring>,
    recorder: Arc<StoreRecorder>,
    /// The bytes that belong to this database, once it has met them.
    artifacts: OnceLock<ArtifactStore>,
    policy: Policy,
    ages: retention::Ages,
    memory: journal::Memory,
    letters: Arc<triggers::Bounds>,
    tasks: parking_lot::Mutex<Vec<JoinHandle<()>>>,
    stop: CancellationToken,
    lock: parking_lot::Mutex<Option<FolderLock>>,
}

/// A dropped store stops its tasks; what the recorder still holds is only written by [`Store::close`].
impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Store {
    /// Opens the database, brings its schema up to date, and starts following it.
    ///
    /// # Errors
    /// When the folder is in use, the database does not answer, or a newer release has written to it.
    pub async fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let (db, lock) = open::open(config, clock).await?;
        Self::start(db, lock, config).await
    }

    /// A store that lives and dies with this process.
    ///
    /// # Errors
    /// When SQLite cannot be had at all.
    pub async fn memory(clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let config = Config::default();
        let db = open::memory(clock, config.patience.duration()).await?;
        Self::start(db, None, &config).await
    }

    async fn start(db: Db, lock: Option<FolderLock>, config: &Config) -> Result<Self, OpenError> {
        let stop = CancellationToken::new();
        let unusable =
            |error: StoreError| OpenError::Unreachable { database: "store".into(), reason: error.to_string() };
        if !db.is_postgres() {
            // Nobody else has this database, so whoever held a lease is gone.
            journal::expire_all(&db).await.map_err(unusable)?;
        }
        let (directory, follow) = StoreDirectory::start(db.clone(), stop.clone()).await.map_err(unusable)?;
        let (keyring, guard) = Keyring::start(db.clone(), stop.clone()).await.map_err(unusable)?;
        let (recorder, write) = StoreRecorder::start(db.clone(), config, stop.clone());
        let mut tasks = vec![follow, guard, write];
        tasks.push(idempotency::start(db.clone(), stop.clone()));
        let ages = retention::Ages::of(config);
        let letters = Arc::new(triggers::Bounds::of(config));
        tasks.push(retention::start(db.clone(), ages, Arc::clone(&letters), stop.clone()));
        let inner = Inner {
            db,
            directory,
            keyring,
            recorder,
            artifacts: OnceLock::new(),
            policy: config.gc.clone(),
            ages,
            memory: journal::Memory::default(),
            letters,
            tasks: tasks.into(),
            stop,
            lock: lock.into(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What is deployed, from memory.
    #[must_use]
    pub fn directory(&self) -> Arc<StoreDirectory> {
        Arc::clone(&self.inner.directory)
    }

    /// The tokens in use, from memory.
    #[must_use]
    pub fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.inner.keyring)
    }

    /// Where records of calls and log lines go.
    #[must_use]
    pub fn recorder(&self) -> Arc<StoreRecorder> {
        Arc::clone(&self.inner.recorder)
    }

    /// Forgets records that have grown old and adds up old totals, as the host does by itself every hour.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn age(&self) -> Result<Aged, StoreError> {
        retention::age(self.db(), self.inner.ages, &self.inner.letters, &self.inner.stop).await
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not, with the reason.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.db().row("SELECT value FROM generation WHERE name = 'functions'", vec![]).await.map(drop)
    }

    /// Makes sure that these bytes belong to this database; the first artifact store it meets is its own from then on.
    ///
    /// # Errors
    /// When the database was used with another artifact store.
    pub async fn adopt(&self, artifacts: &ArtifactStore) -> Result<(), OpenError> {
        let unusable =
            |error: StoreError| OpenError::Unreachable { database: "store".into(), reason: error.to_string() };
        let found = artifacts.id().to_string();
        let expected = self.artifact_store(&found).await.map_err(unusable)?;
        if found != expected {
            return Err(OpenError::OtherArtifacts { found, expected });
        }
        let keeper = Keeper::new(self.db().clone());
        keeper.recover().await.map_err(unusable)?;
        artifacts.kept_by(keeper);
        // The same bytes again, when it is not the first time.
        let _ = self.inner.artifacts.set(artifacts.clone());
        Ok(())
    }

    /// The bytes that belong to this database.
    pub(crate) fn artifacts_at_hand(&self) -> Option<&ArtifactStore> {
        self.inner.artifacts.get()
    }

    /// What `gc` keeps where nobody says otherwise.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.inner.policy
    }

    async fn artifact_store(&self, found: &str) -> Result<String, StoreError> {
        let mut tx = self.db().begin().await?;
        let now = tx.now().await?;
        let insert =
            "INSERT INTO installation (one, artifact_store, created_at) VALUES (1, $1, $2) ON CONFLICT DO NOTHING";
        tx.execute(insert, args![found, now]).await?;
        let row = tx.row("SELECT artifact_store FROM installation WHERE one = 1", vec![]).await?;
        tx.commit().await?;
        row.map_or_else(|| Ok(found.to_owned()), |row| row.get("artifact_store"))
    }

    /// Writes what the recorder still holds, stops, and gives the data folder free.
    pub async fn close(&self) {
        self.inner.stop.cancel();
        let tasks = std::mem::take(&mut *self.inner.tasks.lock());
        for task in tasks {
            // A task that panicked has nothing left to say.
            let _ = tokio::time::timeout(Duration::from_secs(30), task).await;
        }
        self.inner.db.close().await;
        self.inner.lock.lock().take();
    }

    /// Set once the store is closed.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.inner.stop.clone()
    }

    /// Waits for `task` when the store is closed.
    pub(crate) fn keep_task(&self, task: JoinHandle<()>) {
        self.inner.tasks.lock().push(task);
    }

    /// What is remembered of runs that change.
    pub(crate) fn remembered(&self) -> &journal::Memory {
        &self.inner.memory
    }

    /// How many dead letters are kept.
    pub(crate) fn letter_bounds(&self) -> &triggers::Bounds {
        &self.inner.letters
    }

    pub(crate) fn db(&self) -> &Db {
        &self.inner.db
    }

    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        self.db().begin().await
    }
}
