//! Manifests, tags and blobs of repositories.

pub(super) mod remove;

use host_core::{
    Digest,
    package::{Publisher, Repository},
    ports::{KeptManifest, NewManifest, PackageError, Reference},
};
use jiff::Timestamp;
use serde_json::json;

use super::{
    namespaces::{DELETE, PUBLISH, enter},
    versions,
};
use crate::{
    Store, StoreError,
    audit::HostDeed,
    gc,
    sql::{Row, Tx, args},
    text,
};

/// How many manifests may say something about one.
const MOST_REFERRERS: u32 = 1_000;
/// How many names one repository holds.
const MOST_TAGS: u32 = 10_000;

pub(super) async fn add_blob(
    store: &Store,
    repository: &Repository,
    digest: &Digest,
    size: u64,
    who: &Publisher,
) -> Result<(), PackageError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    enter(&mut tx, repository.namespace(), who, PUBLISH, now).await?;
    gc::mention(&mut tx, &[*digest]).await?;
    let insert = "INSERT INTO registry_blob (repository, digest, size, created_at) VALUES ($1, $2, $3, $4) \
                  ON CONFLICT (repository, digest) DO UPDATE SET created_at = excluded.created_at";
    tx.execute(insert, args![repository.as_str(), digest, size, now]).await?;
    Ok(tx.commit().await?)
}

pub(super) async fn blob(store: &Store, repository: &Repository, digest: &Digest) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT size FROM registry_blob WHERE repository = $1 AND digest = $2";
    store.db().row(sql, args![repository.as_str(), digest]).await?.map(|row| row.get("size")).transpose()
}

pub(super) async fn remove_blob(
    store: &Store,
    repository: &Repository,
    digest: &Digest,
    who: &Publisher,
) -> Result<(), PackageError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    enter(&mut tx, repository.namespace(), who, DELETE, now).await?;
    not_a_part(&mut tx, repository, digest).await?;
    let delete = "DELETE FROM registry_blob WHERE repository = $1 AND digest = $2";
    if tx.execute(delete, args![repository.as_str(), digest]).await? == 0 {
        return Err(PackageError::NotFound(format!("blob {digest}")));
    }
    note(&mut tx, "blob.deleted", repository, digest, who, now).await?;
    Ok(tx.commit().await?)
}

async fn not_a_part(tx: &mut Tx, repository: &Repository, digest: &Digest) -> Result<(), PackageError> {
    let used = "SELECT manifest FROM registry_part WHERE repository = $1 AND part = $2 LIMIT 1";
    match tx.row(used, args![repository.as_str(), digest]).await? {
        Some(_) => Err(PackageError::InUse(*digest)),
        None => Ok(()),
    }
}

async fn note(
    tx: &mut Tx,
    action: &'static str,
    repository: &Repository,
    digest: &Digest,
    who: &Publisher,
    now: Timestamp,
) -> Result<(), StoreError> {
    let deed = HostDeed { who: &who.name, action, subject: repository.as_str() };
    deed.record(tx, None, now, json!({ "digest": digest })).await
}

pub(super) async fn add(store: &Store, new: &NewManifest, who: &Publisher) -> Result<(), PackageError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    enter(&mut tx, new.repository.namespace(), who, PUBLISH, now).await?;
    versions::check_free(&mut tx, new).await?;
    // Before its parts are looked for: whoever forgets blobs that nothing names waits from here on.
    gc::mention(&mut tx, &[new.digest]).await?;
    present(&mut tx, new).await?;
    let is_new = insert(&mut tx, new, who, now).await?;
    let has_moved = match &new.tag {
        Some(tag) => point(&mut tx, new, tag, who, now).await?,
        None => false,
    };
    if let Some(package) = &new.package {
        versions::insert(&mut tx, new, package, who, now).await?;
    }
    if is_new || has_moved {
        let details =
            json!({ "digest": new.digest, "tag": new.tag, "media_type": new.media_type, "subject": new.subject });
        let deed = HostDeed { who: &who.name, action: "manifest.pushed", subject: new.repository.as_str() };
        deed.record(&mut tx, None, now, details).await?;
    }
    Ok(tx.commit().await?)
}

/// Whether everything it consists of is in the repository.
async fn present(tx: &mut Tx, new: &NewManifest) -> Result<(), PackageError> {
    let blob = "SELECT size FROM registry_blob WHERE repository = $1 AND digest = $2";
    let manifest = "SELECT size FROM registry_manifest WHERE repository = $1 AND digest = $2";
    let parts = new.blobs.iter().map(|it| (blob, it)).chain(new.manifests.iter().map(|it| (manifest, it)));
    for (sql, digest) in parts {
        if tx.row(sql, args![new.repository.as_str(), digest]).await?.is_none() {
            return Err(PackageError::Missing(*digest));
        }
    }
    Ok(())
}

/// Whether it was not there.
async fn insert(tx: &mut Tx, new: &NewManifest, who: &Publisher, now: Timestamp) -> Result<bool, PackageError> {
    let repository = new.repository.as_str();
    let there = "SELECT digest FROM registry_manifest WHERE repository = $1 AND digest = $2";
    if tx.row(there, args![repository, new.digest]).await?.is_some() {
        return Ok(false);
    }
    if let Some(subject) = &new.subject {
        let count = "SELECT COUNT(*) AS count FROM registry_manifest WHERE repository = $1 AND subject = $2";
        at_most(tx.row(count, args![repository, subject]).await?, MOST_REFERRERS, "referrers of this manifest")?;
    }
    let insert = "INSERT INTO registry_manifest (repository, digest, media_type, artifact_type, subject, size, annotations, \
                  created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let values = args![
        repository,
        new.digest,
        new.media_type.as_str(),
        new.artifact_type.as_deref(),
        new.subject,
        new.size,
        text::json(&new.annotations)?,
        who.name.as_str(),
        now,
    ];
    tx.execute(insert, values).await?;
    for part in new.blobs.iter().chain(&new.manifests) {
        let insert =
            "INSERT INTO registry_part (repository, manifest, part) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        tx.execute(insert, args![repository, new.digest, part]).await?;
    }
    Ok(true)
}

fn at_most(row: Option<Row>, most: u32, what: &'static str) -> Result<(), PackageError> {
    let count: u32 = row.map_or(Ok(0), |row| row.get("count"))?;
    if count >= most { Err(PackageError::TooMany(what)) } else { Ok(()) }
}

/// Whether the tag did not point there.
async fn point(
    tx: &mut Tx,
    new: &NewManifest,
    tag: &str,
    who: &Publisher,
    now: Timestamp,
) -> Result<bool, PackageError> {
    let repository = new.repository.as_str();
    let there = "SELECT digest FROM registry_tag WHERE repository = $1 AND tag = $2";
    match tx.row(there, args![repository, tag]).await? {
        Some(row) if row.get::<Digest>("digest")? == new.digest => return Ok(false),
        Some(_) => {}
        None => {
            let count = "SELECT COUNT(*) AS count FROM registry_tag WHERE repository = $1";
            at_most(tx.row(count, args![repository]).await?, MOST_TAGS, "tags in this repository")?;
        }
    }
    let upsert = "INSERT INTO registry_tag (repository, tag, digest, updated_by, updated_at) VALUES ($1, $2, $3, $4, $5) \
                  ON CONFLICT (repository, tag) DO UPDATE SET digest = excluded.digest, updated_by = excluded.updated_by, \
                  updated_at = excluded.updated_at";
    tx.execute(upsert, args![repository, tag, new.digest, who.name.as_str(), now]).await?;
    Ok(true)
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT m.digest, m.media_type, m.artifact_type, m.size, m.annotations, m.created_at FROM registry_manifest m ",
            $rest
        )
    };
}

pub(super) async fn find(
    store: &Store,
    repository: &Repository,
    reference: &Reference,
) -> Result<Option<KeptManifest>, StoreError> {
    let row = match reference {
        Reference::Digest(digest) => {
            let sql = select!("WHERE m.repository = $1 AND m.digest = $2");
            store.db().row(sql, args![repository.as_str(), digest]).await?
        }
        Reference::Tag(tag) => {
            let sql = select!(
                "JOIN registry_tag t ON t.repository = m.repository AND t.digest = m.digest \
                 WHERE t.repository = $1 AND t.tag = $2"
            );
            store.db().row(sql, args![repository.as_str(), tag.as_str()]).await?
        }
    };
    row.as_ref().map(read).transpose()
}

pub(super) async fn referrers(
    store: &Store,
    repository: &Repository,
    subject: &Digest,
) -> Result<Vec<KeptManifest>, StoreError> {
    let sql = select!("WHERE m.repository = $1 AND m.subject = $2 ORDER BY m.created_at, m.digest LIMIT 1000");
    store.db().rows(sql, args![repository.as_str(), subject]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<KeptManifest, StoreError> {
    Ok(KeptManifest {
        digest: row.get("digest")?,
        media_type: row.get("media_type")?,
        artifact_type: row.get("artifact_type")?,
        size: row.get("size")?,
        annotations: row.json("annotations")?,
        created_at: row.get("created_at")?,
    })
}

pub(super) async fn tags(
    store: &Store,
    repository: &Repository,
    after: Option<&str>,
    limit: u32,
) -> Result<Option<Vec<String>>, StoreError> {
    let sql = "SELECT tag FROM registry_tag WHERE repository = $1 AND tag > $2 ORDER BY tag LIMIT $3";
    let rows = store.db().rows(sql, args![repository.as_str(), after.unwrap_or_default(), limit]).await?;
    let tags: Vec<String> = rows.iter().map(|row| row.get("tag")).collect::<Result<_, _>>()?;
    let known = "SELECT digest FROM registry_manifest WHERE repository = $1 LIMIT 1";
    if tags.is_empty() && store.db().row(known, args![repository.as_str()]).await?.is_none() {
        return Ok(None);
    }
    Ok(Some(tags))
}
