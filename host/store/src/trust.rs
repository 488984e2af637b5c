//! Whose packages a project takes, and which package a revision was made of.

use host_core::{
    Digest, Name, RevisionId,
    trust::{Provenance, PublicKey, Signatures, TrustPolicy, TrustedKey},
};
use jiff::Timestamp;
use serde_json::json;

use crate::{
    Store, StoreError,
    audit::Deed,
    projects,
    sql::{Row, args},
};

/// The most keys of one project, revoked ones too.
const MOST: u64 = 1_000;

/// A key to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTrustedKey {
    /// The namespace whose packages it may sign.
    pub namespace: Name,
    /// The key.
    pub key: PublicKey,
    /// Whether packages it signed may keep warm instances.
    pub is_warm: bool,
}

/// Why a key was not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// A key is revoked for good.
    #[error("key {key} was revoked at {at} and stays so")]
    Revoked {
        /// Which.
        key: Digest,
        /// When.
        at: Timestamp,
    },
    /// The project has as many as it may have.
    #[error("the project has {MOST} keys, as many as it may have")]
    TooMany,
    /// The database failed, or there is no such key.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const KEYS: &str = "SELECT namespace, public_key, is_warm, added_by, added_at, revoked_by, revoked_at FROM trusted_key \
                    WHERE project = $1 ORDER BY namespace, added_at, id";

impl Store {
    /// What a project demands of packages, and the keys it knows.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn trust_policy(&self, project: &Name) -> Result<TrustPolicy, StoreError> {
        let row = self.db().row("SELECT signatures FROM trust WHERE project = $1", args![project]).await?;
        let signatures = row.map_or(Ok(Signatures::default()), |row| row.word("signatures"))?;
        let rows = self.db().rows(KEYS, args![project]).await?;
        Ok(TrustPolicy { signatures, keys: rows.iter().map(read).collect::<Result<_, _>>()? })
    }

    /// Says what the project makes of packages that nobody it trusts has signed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn demand_signatures(&self, project: &Name, signatures: Signatures, who: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        projects::ensure(&mut tx, project, now).await?;
        let upsert = "INSERT INTO trust (project, signatures, changed_by, changed_at) VALUES ($1, $2, $3, $4) \
                      ON CONFLICT (project) DO UPDATE SET signatures = excluded.signatures, \
                      changed_by = excluded.changed_by, changed_at = excluded.changed_at";
        tx.execute(upsert, args![project, signatures.as_str(), who, now]).await?;
        let deed = Deed { who, action: "trust.set", project, subject: signatures.as_str() };
        deed.record(&mut tx, now, json!({ "signatures": signatures })).await?;
        tx.commit().await
    }

    /// Trusts a key for a namespace; trusting it again changes only whether its packages may be warm.
    ///
    /// # Errors
    /// When it was revoked, or there are too many.
    pub async fn trust_key(&self, project: &Name, new: &NewTrustedKey, who: &str) -> Result<(), TrustError> {
        let id = new.key.id();
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        projects::ensure(&mut tx, project, now).await?;
        let revoked = "SELECT revoked_at FROM trusted_key WHERE project = $1 AND id = $2 AND revoked_at IS NOT NULL \
                       ORDER BY revoked_at LIMIT 1";
        if let Some(row) = tx.row(revoked, args![project, id]).await? {
            return Err(TrustError::Revoked { key: id, at: row.get("revoked_at")? });
        }
        let count = tx.row("SELECT COUNT(*) AS keys FROM trusted_key WHERE project = $1", args![project]).await?;
        if count.map_or(Ok(0), |row| row.get::<u64>("keys"))? >= MOST {
            return Err(TrustError::TooMany);
        }
        let upsert = "INSERT INTO trusted_key (project, namespace, id, public_key, is_warm, added_by, added_at) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7) \
                      ON CONFLICT (project, namespace, id) DO UPDATE SET is_warm = excluded.is_warm";
        let warm = i64::from(new.is_warm);
        tx.execute(upsert, args![project, &new.namespace, id, new.key.to_string(), warm, who, now]).await?;
        let deed = Deed { who, action: "key.trusted", project, subject: new.namespace.as_str() };
        deed.record(&mut tx, now, json!({ "key": id, "warm": new.is_warm })).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes a key for worthless from now on, in every namespace, for good.
    ///
    /// # Errors
    /// When the project never trusted it, or the database does not answer.
    pub async fn revoke_key(&self, project: &Name, id: &Digest, who: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        let known = "SELECT id FROM trusted_key WHERE project = $1 AND id = $2 LIMIT 1";
        if tx.row(known, args![project, *id]).await?.is_none() {
            return Err(StoreError::NotFound(format!("key {id}")));
        }
        let update = "UPDATE trusted_key SET revoked_by = $1, revoked_at = $2 WHERE project = $3 AND id = $4 \
                      AND revoked_at IS NULL";
        if tx.execute(update, args![who, now, project, *id]).await? > 0 {
            let deed = Deed { who, action: "key.revoked", project, subject: &id.to_string() };
            deed.record(&mut tx, now, json!({})).await?;
        }
        tx.commit().await
    }

    /// The functions in service that were made of packages this key signed, in order of name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn signed_by(&self, project: &Name, id: &Digest) -> Result<Vec<Name>, StoreError> {
        let sql = "SELECT f.name FROM function f JOIN provenance p ON p.revision = f.active \
                   WHERE f.project = $1 AND p.project = $1 AND p.signed_by = $2 ORDER BY f.name";
        self.db().rows(sql, args![project, *id]).await?.iter().map(|row| row.get("name")).collect()
    }

    /// Writes down the package that a revision was made of; what was written before goes.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn record_provenance(
        &self,
        project: &Name,
        revision: RevisionId,
        of: &Provenance,
        who: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        tx.execute("DELETE FROM provenance WHERE revision = $1", args![revision]).await?;
        let insert = "INSERT INTO provenance (revision, project, source, name, version, digest, signed_by, pulled_by, \
                      pulled_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let (name, version) = (of.name.to_string(), of.version.to_string());
        let signed_by = of.signed_by.map(|key| key.to_string());
        let args = args![revision, project, &of.source, name, version, of.digest, signed_by, who, now];
        tx.execute(insert, args).await?;
        let deed = Deed { who, action: "package.pulled", project, subject: &of.name.to_string() };
        deed.record(&mut tx, now, json!(of)).await?;
        tx.commit().await
    }

    /// The package that a revision was made of.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn provenance(&self, revision: RevisionId) -> Result<Option<Provenance>, StoreError> {
        let sql = "SELECT source, name, version, digest, signed_by FROM provenance WHERE revision = $1";
        let row = self.db().row(sql, args![revision]).await?;
        row.map(|row| {
            Ok(Provenance {
                source: row.get("source")?,
                name: row.word("name")?,
                version: row.word("version")?,
                digest: row.get("digest")?,
                signed_by: parsed(&row, "signed_by")?,
            })
        })
        .transpose()
    }
}

fn read(row: &Row) -> Result<TrustedKey, StoreError> {
    let (by, at): (Option<String>, Option<Timestamp>) = (row.get("revoked_by")?, row.get("revoked_at")?);
    Ok(TrustedKey {
        namespace: row.get("namespace")?,
        key: row.word("public_key")?,
        is_warm: row.get::<i64>("is_warm")? != 0,
        added_by: row.get("added_by")?,
        added_at: row.get("added_at")?,
        revoked: at.zip(by),
    })
}

/// A digest that may be absent.
fn parsed(row: &Row, column: &str) -> Result<Option<Digest>, StoreError> {
    let text: Option<String> = row.get(column)?;
    let damaged = |reason: host_core::digest::InvalidDigest| StoreError::Damaged {
        column: column.to_owned(),
        reason: reason.to_string(),
    };
    text.map(|it| it.parse().map_err(damaged)).transpose()
}
