//! Changes of secrets: each one transaction, with its audit event and a new generation.

use host_core::{
    Name,
    ports::{NewSecret, Secret, SecretError},
};
use jiff::Timestamp;
use serde_json::json;

use super::{Sealed, StoreSecrets, keys::Ring, owner};
use crate::{
    StoreError,
    audit::Deed,
    generation::{self, Of},
    projects,
    seal::Key,
    sql::{Tx, args},
};

/// Which secrets may be given a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Any, whether or not it has one.
    Any,
    /// One that has a value.
    Existing,
}

/// What is known of the secret about to change.
struct Before {
    version: u64,
    /// When it was first set; `None` once it was deleted.
    created_at: Option<Timestamp>,
}

impl StoreSecrets {
    /// Gives a secret another value.
    pub(super) async fn change(&self, new: &NewSecret, which: Which) -> Result<Secret, SecretError> {
        let NewSecret { project, name, value, by } = new;
        let mut tx = self.store.begin().await?;
        generation::grow(&mut tx, Of::Secrets).await?;
        let now = tx.now().await?;
        projects::ensure(&mut tx, project, now).await?;
        let before = before(&mut tx, project, name).await?;
        let created_at = before.as_ref().and_then(|it| it.created_at);
        match (created_at, which) {
            (None, Which::Existing) => return Err(SecretError::NotSet(name.clone())),
            (None, Which::Any) => self.check_room(&mut tx, project).await?,
            (Some(_), _) => {}
        }
        let version = before.map_or(1, |it| it.version + 1);
        let (ring, id) = self.sealing(&mut tx, now).await?;
        let sealed = seal(sealing_key(&ring, &id)?, project, name, version, value.reveal())?;
        let created_at = created_at.unwrap_or(now);
        let upsert = "INSERT INTO secret (project, name, version, sealed, key_id, created_at, updated_at, updated_by) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (project, name) DO UPDATE SET \
                      version = excluded.version, sealed = excluded.sealed, key_id = excluded.key_id, \
                      created_at = excluded.created_at, updated_at = excluded.updated_at, updated_by = excluded.updated_by";
        let row = args![project, name, version, sealed, id, created_at, now, by.as_str()];
        tx.execute(upsert, row).await?;
        let action = if version == 1 || which == Which::Any { "secret.set" } else { "secret.rotated" };
        let deed = Deed { who: by, action, project, subject: name.as_str() };
        deed.record(&mut tx, now, json!({ "version": version })).await?;
        tx.commit().await?;
        let (project, name) = (project.clone(), name.clone());
        Ok(Secret { project, name, version, created_at, updated_at: now, updated_by: by.clone() })
    }

    /// Forgets a value. The version stays, so that none is used twice.
    pub(super) async fn remove(&self, project: &Name, name: &Name, by: &str) -> Result<(), SecretError> {
        let mut tx = self.store.begin().await?;
        generation::grow(&mut tx, Of::Secrets).await?;
        let now = tx.now().await?;
        let sql = "UPDATE secret SET sealed = NULL, key_id = NULL, updated_at = $3, updated_by = $4 \
                   WHERE project = $1 AND name = $2 AND sealed IS NOT NULL";
        if tx.execute(sql, args![project, name, now, by]).await? == 0 {
            return Err(SecretError::NotSet(name.clone()));
        }
        let deed = Deed { who: by, action: "secret.deleted", project, subject: name.as_str() };
        deed.record(&mut tx, now, json!({})).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Seals everything again with a new key. The key file holds both keys until it is done, so that a host that dies
    /// meanwhile can read everything whichever side of the commit it was on.
    pub(super) async fn reseal(&self, by: &str) -> Result<u64, SecretError> {
        let mut tx = self.store.begin().await?;
        generation::grow(&mut tx, Of::Secrets).await?;
        let now = tx.now().await?;
        let Some(in_use) = key_in_use(&mut tx).await? else { return Ok(0) };
        let ring = self.keys.renew(&in_use)?;
        let new = ring.first().ok_or_else(|| SecretError::Key("there is no key to seal with".to_owned()))?;
        let sql = "SELECT project, name, version, sealed, key_id FROM secret WHERE sealed IS NOT NULL";
        let rows = tx.rows(sql, vec![]).await?;
        for row in &rows {
            let (project, name): (Name, Name) = (row.get("project")?, row.get("name")?);
            let old = Sealed { version: row.get("version")?, text: row.get("sealed")?, key: row.get("key_id")? };
            let value = self.open(&project, &name, &old)?;
            let sealed = seal(new, &project, &name, old.version, value.reveal())?;
            let update = "UPDATE secret SET sealed = $3, key_id = $4 WHERE project = $1 AND name = $2";
            tx.execute(update, args![&project, &name, sealed, new.id()]).await?;
        }
        tx.execute("UPDATE secret_key SET key_id = $1, created_at = $2 WHERE one = 1", args![new.id(), now]).await?;
        let project = Name::default_project();
        let deed = Deed { who: by, action: "secrets.rekeyed", project: &project, subject: "secrets" };
        deed.record(&mut tx, now, json!({ "key": new.id(), "before": in_use, "secrets": rows.len() })).await?;
        tx.commit().await?;
        self.keys.retire()?;
        Ok(rows.len() as u64)
    }

    async fn check_room(&self, tx: &mut Tx, project: &Name) -> Result<(), SecretError> {
        let sql = "SELECT COUNT(*) AS count FROM secret WHERE project = $1 AND sealed IS NOT NULL";
        let row = tx.row(sql, args![project]).await?;
        let count = row.map_or(Ok(0), |row| row.get::<u64>("count"))?;
        if count < self.most { Ok(()) } else { Err(SecretError::TooMany(self.most)) }
    }

    /// The keys, and which of them seals: the database says so, once there is one.
    async fn sealing(&self, tx: &mut Tx, now: Timestamp) -> Result<(std::sync::Arc<Ring>, String), SecretError> {
        if let Some(id) = key_in_use(tx).await? {
            return Ok((self.keys.ring_with(&id)?, id));
        }
        let ring = self.keys.ring_or_new()?;
        let id = ring.first().map(|key| key.id().to_owned()).unwrap_or_default();
        let insert = "INSERT INTO secret_key (one, key_id, created_at) VALUES (1, $1, $2)";
        tx.execute(insert, args![id.as_str(), now]).await?;
        Ok((ring, id))
    }
}

fn sealing_key<'a>(ring: &'a Ring, id: &str) -> Result<&'a Key, SecretError> {
    ring.get(id).ok_or_else(|| SecretError::Key("there is no key to seal with".to_owned()))
}

fn seal(key: &Key, project: &Name, name: &Name, version: u64, value: &str) -> Result<String, SecretError> {
    let sealed = key.seal(value, &owner(project, name, version));
    sealed.map_err(|_| SecretError::Key("the value could not be sealed".to_owned()))
}

async fn key_in_use(tx: &mut Tx) -> Result<Option<String>, StoreError> {
    let row = tx.row("SELECT key_id FROM secret_key WHERE one = 1", vec![]).await?;
    row.map(|row| row.get("key_id")).transpose()
}

async fn before(tx: &mut Tx, project: &Name, name: &Name) -> Result<Option<Before>, StoreError> {
    let sql = "SELECT version, created_at, sealed FROM secret WHERE project = $1 AND name = $2";
    let Some(row) = tx.row(sql, args![project, name]).await? else { return Ok(None) };
    let is_there = row.get::<Option<String>>("sealed")?.is_some();
    let created_at = is_there.then(|| row.get("created_at")).transpose()?;
    Ok(Some(Before { version: row.get("version")?, created_at }))
}
