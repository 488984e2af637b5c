//! Secrets at rest: sealed values by name, opened at most once per change and host.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use host_core::{
    Name,
    ports::{NewSecret, Secret, SecretError, SecretValue, Secrets},
};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{
    Store, StoreError,
    generation::{self, Of},
    sql::{Db, Row, args},
};

mod change;
mod keys;

pub use keys::KeySource;
use keys::Keys;

/// How often other hosts' changes are looked for.
const EVERY: Duration = Duration::from_millis(500);

/// The most values kept in memory; beyond, all are read again.
const KEPT: usize = 10_000;

/// Where the key is kept, and how many secrets there may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecretsConfig {
    /// The file with the key; `secret.key` in the data folder, when absent.
    pub key_file: Option<PathBuf>,
    /// The most secrets of one project.
    pub most: u64,
}

impl Default for SecretsConfig {
    fn default() -> Self {
        Self { key_file: None, most: 1_000 }
    }
}

/// The secrets of a store.
pub struct StoreSecrets {
    store: Store,
    keys: Keys,
    most: u64,
    cache: Arc<RwLock<Cache>>,
}

/// A value in memory, and which version it is.
#[derive(Clone)]
struct Known {
    version: u64,
    value: SecretValue,
}

/// What was read since the last change.
#[derive(Default)]
struct Cache {
    /// Grows whenever everything is forgotten, so that what was read before is not kept after.
    epoch: u64,
    values: HashMap<Name, HashMap<Name, Option<Known>>>,
    count: usize,
}

impl Cache {
    fn get(&self, project: &Name, name: &Name) -> Option<&Option<Known>> {
        self.values.get(project)?.get(name)
    }

    fn keep(&mut self, epoch: u64, project: &Name, name: &Name, value: Option<Known>) {
        if epoch != self.epoch {
            return;
        }
        if self.count >= KEPT {
            self.forget();
        }
        if self.values.entry(project.clone()).or_default().insert(name.clone(), value).is_none() {
            self.count += 1;
        }
    }

    fn forget(&mut self) {
        *self = Self { epoch: self.epoch + 1, ..Self::default() };
    }
}

impl StoreSecrets {
    /// The secrets of `store`, sealed with the keys of `source`. It follows other hosts' changes until the store is
    /// closed.
    #[must_use]
    pub fn start(store: &Store, source: KeySource, config: &SecretsConfig) -> Arc<Self> {
        let cache = Arc::<RwLock<Cache>>::default();
        let stop = store.stopping();
        store.keep_task(tokio::spawn(follow(store.db().clone(), Arc::clone(&cache), stop)));
        Arc::new(Self { store: store.clone(), keys: Keys::new(source), most: config.most, cache })
    }

    /// Whether this host can read what was set, if anything was.
    ///
    /// # Errors
    /// When the key is missing, unsafe or another one, or the store does not answer.
    pub async fn check(&self) -> Result<(), SecretError> {
        let row = self.store.db().row("SELECT key_id FROM secret_key WHERE one = 1", vec![]).await?;
        let Some(row) = row else { return Ok(()) };
        self.keys.ring_with(&row.get::<String>("key_id")?).map(drop)
    }

    /// Reads a value from the database.
    async fn read(&self, project: &Name, name: &Name) -> Result<Option<Known>, SecretError> {
        let sql = "SELECT version, sealed, key_id FROM secret WHERE project = $1 AND name = $2 AND sealed IS NOT NULL";
        let Some(row) = self.store.db().row(sql, args![project, name]).await? else { return Ok(None) };
        let sealed = Sealed { version: row.get("version")?, text: row.get("sealed")?, key: row.get("key_id")? };
        let value = self.open(project, name, &sealed)?;
        Ok(Some(Known { version: sealed.version, value }))
    }

    fn open(&self, project: &Name, name: &Name, sealed: &Sealed) -> Result<SecretValue, SecretError> {
        let ring = self.keys.ring_with(&sealed.key)?;
        let damaged = || SecretError::Damaged(name.clone());
        let key = ring.get(&sealed.key).ok_or_else(damaged)?;
        let value = key.open(&sealed.text, &owner(project, name, sealed.version)).map_err(|_| damaged())?;
        SecretValue::parse(value).map_err(|_| damaged())
    }

    fn forget(&self) {
        self.cache.write().forget();
    }
}

/// A value as it lies in its row.
struct Sealed {
    version: u64,
    text: String,
    key: String,
}

/// What a value is sealed for: a row that was copied to another place does not open there.
fn owner(project: &Name, name: &Name, version: u64) -> String {
    format!("weft secret\0{project}\0{name}\0{version}")
}

/// Forgets what was read whenever somebody changed something. Where the database is away, the last known values go on.
async fn follow(db: Db, cache: Arc<RwLock<Cache>>, stop: CancellationToken) {
    let mut seen = None;
    loop {
        if let Ok(now) = generation::now(&db, Of::Secrets).await
            && seen != Some(now)
        {
            seen = Some(now);
            cache.write().forget();
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

impl From<StoreError> for SecretError {
    fn from(error: StoreError) -> Self {
        Self::Storage(error.to_string())
    }
}

/// The columns of what may be told.
const TOLD: &str = "SELECT project, name, version, created_at, updated_at, updated_by FROM secret \
                    WHERE sealed IS NOT NULL AND project = $1";

fn told(row: &Row) -> Result<Secret, StoreError> {
    Ok(Secret {
        project: row.get("project")?,
        name: row.get("name")?,
        version: row.get("version")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        updated_by: row.get("updated_by")?,
    })
}

#[async_trait]
impl Secrets for StoreSecrets {
    async fn value(&self, project: &Name, name: &Name) -> Result<SecretValue, SecretError> {
        let not_set = || SecretError::NotSet(name.clone());
        let epoch = {
            let cache = self.cache.read();
            match cache.get(project, name) {
                Some(known) => return known.as_ref().map(|it| it.value.clone()).ok_or_else(not_set),
                None => cache.epoch,
            }
        };
        let known = self.read(project, name).await?;
        let value = known.as_ref().map(|it| it.value.clone());
        self.cache.write().keep(epoch, project, name, known);
        value.ok_or_else(not_set)
    }

    async fn describe(&self, project: &Name, name: &Name) -> Result<Secret, SecretError> {
        let sql = sqlx::AssertSqlSafe(format!("{TOLD} AND name = $2"));
        let row = self.store.db().row(sql, args![project, name]).await?;
        let secret = told(&row.ok_or_else(|| SecretError::NotSet(name.clone()))?)?;
        // Who asks for the version is about to use the value: another host may just have changed it.
        let is_outdated = self
            .cache
            .read()
            .get(project, name)
            .is_some_and(|known| known.as_ref().map(|it| it.version) != Some(secret.version));
        if is_outdated {
            self.forget();
        }
        Ok(secret)
    }

    async fn list(&self, project: &Name) -> Result<Vec<Secret>, SecretError> {
        let rows = self.store.db().rows(TOLD, args![project]).await?;
        let mut all = rows.iter().map(told).collect::<Result<Vec<_>, _>>()?;
        // Databases disagree on where `-` comes in the alphabet.
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    async fn set(&self, secret: NewSecret) -> Result<Secret, SecretError> {
        let set = self.change(&secret, change::Which::Any).await;
        self.forget();
        set
    }

    async fn rotate(&self, secret: NewSecret) -> Result<Secret, SecretError> {
        let set = self.change(&secret, change::Which::Existing).await;
        self.forget();
        set
    }

    async fn delete(&self, project: &Name, name: &Name, by: &str) -> Result<(), SecretError> {
        let deleted = self.remove(project, name, by).await;
        self.forget();
        deleted
    }

    async fn rekey(&self, by: &str) -> Result<u64, SecretError> {
        self.reseal(by).await
    }
}
