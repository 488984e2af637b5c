//! Versions of packages: known from their push, offered once they were looked at, taken back, never changed.

use host_core::{
    Digest,
    package::{About, PackageId, PackageName, PackageVersion, Publisher, Repository, State, Yank, newest},
    ports::{NewManifest, NewPackage, PackageError, Pulls, Verdict},
};
use jiff::Timestamp;
use semver::Version;
use serde_json::json;

use super::namespaces::{YANK, enter};
use crate::{
    Store, StoreError,
    audit::HostDeed,
    sql::{Row, Tx, args},
    text,
};

/// How many versions one package has.
const MOST_VERSIONS: u32 = 1_000;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT namespace, name, version, digest, component, size, about, docs, state, reason, yanked_by, yanked_at, \
             yank_reason, downloads, published_by, published_at FROM package_version ",
            $rest
        )
    };
}

/// Whether the tag that a manifest wants is no version that is something else already.
pub(super) async fn check_free(tx: &mut Tx, new: &NewManifest) -> Result<(), PackageError> {
    let (Some(tag), Some(package)) = (&new.tag, new.repository.package()) else { return Ok(()) };
    let there = "SELECT digest FROM package_version WHERE namespace = $1 AND name = $2 AND version = $3";
    let row = tx.row(there, args![&package.namespace, &package.name, tag.as_str()]).await?;
    match row.map(|row| row.get::<Digest>("digest")).transpose()? {
        Some(there) if there != new.digest => Err(PackageError::Immutable { id: format!("{package}@{tag}"), there }),
        _ => Ok(()),
    }
}

/// Makes a version known that is not yet.
pub(super) async fn insert(
    tx: &mut Tx,
    new: &NewManifest,
    package: &NewPackage,
    who: &Publisher,
    now: Timestamp,
) -> Result<(), PackageError> {
    let Some(name) = new.repository.package() else { return Ok(()) };
    let version = package.version.to_string();
    // One that was refused is looked at once more when it is pushed once more: hosts change.
    let again = "UPDATE package_version SET state = CASE WHEN state = 'refused' THEN 'pending' ELSE state END \
                 WHERE namespace = $1 AND name = $2 AND version = $3";
    if tx.execute(again, args![&name.namespace, &name.name, version.as_str()]).await? > 0 {
        return Ok(());
    }
    let count = "SELECT COUNT(*) AS count FROM package_version WHERE namespace = $1 AND name = $2";
    let row = tx.row(count, args![&name.namespace, &name.name]).await?;
    if row.map_or(Ok(0), |row| row.get::<u32>("count"))? >= MOST_VERSIONS {
        return Err(PackageError::TooMany("versions of this package"));
    }
    let ensure =
        "INSERT INTO package (namespace, name, created_at, updated_at) VALUES ($1, $2, $3, $3) ON CONFLICT DO NOTHING";
    tx.execute(ensure, args![&name.namespace, &name.name, now]).await?;
    let insert = "INSERT INTO package_version (namespace, name, version, digest, component, size, about, state, reason, \
                  published_by, published_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let values = args![
        &name.namespace,
        &name.name,
        version.as_str(),
        new.digest,
        package.component,
        package.size,
        text::json(&package.about)?,
        State::Pending.as_str(),
        package.reason.as_str(),
        who.name.as_str(),
        now,
    ];
    tx.execute(insert, values).await?;
    let subject = format!("{name}@{version}");
    let deed = HostDeed { who: &who.name, action: "package.published", subject: &subject };
    Ok(deed.record(tx, None, now, json!({ "digest": new.digest, "component": package.component })).await?)
}

/// Forgets versions that are not offered, of a manifest or one tag of it.
pub(super) async fn forget(
    tx: &mut Tx,
    repository: &Repository,
    digest: &Digest,
    tag: Option<&str>,
) -> Result<(), PackageError> {
    let Some(name) = repository.package() else { return Ok(()) };
    let of = "SELECT version, state FROM package_version WHERE namespace = $1 AND name = $2 AND digest = $3";
    for row in tx.rows(of, args![&name.namespace, &name.name, digest]).await? {
        let version: String = row.get("version")?;
        if tag.is_some_and(|tag| tag != version) {
            continue;
        }
        if row.word::<State>("state")? == State::Listed {
            return Err(PackageError::Offered(format!("{name}@{version}")));
        }
        let delete = "DELETE FROM package_version WHERE namespace = $1 AND name = $2 AND version = $3";
        tx.execute(delete, args![&name.namespace, &name.name, version.as_str()]).await?;
    }
    let empty = "DELETE FROM package WHERE namespace = $1 AND name = $2 AND NOT EXISTS \
                 (SELECT 1 FROM package_version v WHERE v.namespace = $1 AND v.name = $2)";
    tx.execute(empty, args![&name.namespace, &name.name]).await?;
    Ok(())
}

/// Whether a manifest is the documentation of nothing that is offered.
pub(super) async fn keeps_docs(tx: &mut Tx, repository: &Repository, digest: &Digest) -> Result<(), PackageError> {
    let Some(name) = repository.package() else { return Ok(()) };
    let of =
        "SELECT version FROM package_version WHERE namespace = $1 AND name = $2 AND docs = $3 AND state = 'listed'";
    match tx.row(of, args![&name.namespace, &name.name, digest]).await? {
        Some(row) => Err(PackageError::Offered(format!("{name}@{}", row.get::<String>("version")?))),
        None => Ok(()),
    }
}

pub(super) async fn all(store: &Store, name: &PackageName) -> Result<Vec<PackageVersion>, StoreError> {
    let sql = select!("WHERE namespace = $1 AND name = $2");
    let rows = store.db().rows(sql, args![&name.namespace, &name.name]).await?;
    if rows.is_empty() {
        return Err(StoreError::NotFound(format!("package `{name}`")));
    }
    let mut versions: Vec<PackageVersion> = rows.iter().map(read).collect::<Result<_, _>>()?;
    versions.sort_by(|a, b| b.id.version.cmp(&a.id.version));
    Ok(versions)
}

pub(super) async fn one(store: &Store, id: &PackageId) -> Result<PackageVersion, StoreError> {
    let sql = select!("WHERE namespace = $1 AND name = $2 AND version = $3");
    let name = &id.package;
    let row = store.db().row(sql, args![&name.namespace, &name.name, id.version.to_string()]).await?;
    read(&row.ok_or_else(|| StoreError::NotFound(format!("`{id}`")))?)
}

pub(super) async fn of_digest(
    store: &Store,
    name: &PackageName,
    digest: &Digest,
) -> Result<Option<PackageVersion>, StoreError> {
    let sql = select!("WHERE namespace = $1 AND name = $2 AND digest = $3 ORDER BY published_at LIMIT 1");
    store.db().row(sql, args![&name.namespace, &name.name, digest]).await?.as_ref().map(read).transpose()
}

pub(super) async fn pending(store: &Store) -> Result<Vec<PackageVersion>, StoreError> {
    let sql = select!("WHERE state = 'pending' ORDER BY published_at LIMIT 10000");
    store.db().rows(sql, vec![]).await?.iter().map(read).collect()
}

pub(super) async fn judge(store: &Store, id: &PackageId, verdict: &Verdict) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    let (name, version) = (&id.package, id.version.to_string());
    let update = "UPDATE package_version SET state = $1, reason = $2, docs = COALESCE($3, docs) \
                  WHERE namespace = $4 AND name = $5 AND version = $6 AND state <> 'listed'";
    let values = args![
        verdict.state.as_str(),
        verdict.reason.as_deref(),
        verdict.docs,
        &name.namespace,
        &name.name,
        version.as_str()
    ];
    if tx.execute(update, values).await? == 0 {
        return Ok(());
    }
    refresh(&mut tx, name, now).await?;
    if verdict.state != State::Pending {
        let action = if verdict.state == State::Listed { "package.listed" } else { "package.refused" };
        let subject = id.to_string();
        let deed = HostDeed { who: "weft", action, subject: &subject };
        deed.record(&mut tx, None, now, json!({ "reason": verdict.reason })).await?;
    }
    tx.commit().await
}

pub(super) async fn yank(
    store: &Store,
    id: &PackageId,
    reason: Option<&str>,
    who: &Publisher,
) -> Result<(), PackageError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    let (name, version) = (&id.package, id.version.to_string());
    enter(&mut tx, name.namespace.as_str(), who, YANK, now).await?;
    let update = "UPDATE package_version SET yank_reason = $1, yanked_by = $2, yanked_at = $3 \
                  WHERE namespace = $4 AND name = $5 AND version = $6";
    let (by, at) = (reason.map(|_| who.name.as_str()), reason.map(|_| now));
    let values = args![reason, by, at, &name.namespace, &name.name, version.as_str()];
    if tx.execute(update, values).await? == 0 {
        return Err(PackageError::NotFound(format!("`{id}`")));
    }
    refresh(&mut tx, name, now).await?;
    let action = if reason.is_some() { "package.yanked" } else { "package.unyanked" };
    let subject = id.to_string();
    let deed = HostDeed { who: &who.name, action, subject: &subject };
    deed.record(&mut tx, None, now, json!({ "reason": reason })).await?;
    Ok(tx.commit().await?)
}

pub(super) async fn deprecate(
    store: &Store,
    name: &PackageName,
    message: Option<&str>,
    who: &Publisher,
) -> Result<(), PackageError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    enter(&mut tx, name.namespace.as_str(), who, YANK, now).await?;
    let update = "UPDATE package SET deprecated = $1, updated_at = $2 WHERE namespace = $3 AND name = $4";
    if tx.execute(update, args![message, now, &name.namespace, &name.name]).await? == 0 {
        return Err(PackageError::NotFound(format!("package `{name}`")));
    }
    let action = if message.is_some() { "package.deprecated" } else { "package.undeprecated" };
    let subject = name.to_string();
    let deed = HostDeed { who: &who.name, action, subject: &subject };
    deed.record(&mut tx, None, now, json!({ "message": message })).await?;
    Ok(tx.commit().await?)
}

/// Makes the package say what its newest version does, of those that are offered and not yanked.
async fn refresh(tx: &mut Tx, name: &PackageName, now: Timestamp) -> Result<(), StoreError> {
    let sql = "SELECT version FROM package_version WHERE namespace = $1 AND name = $2 AND state = 'listed' AND yanked_at IS NULL";
    let rows = tx.rows(sql, args![&name.namespace, &name.name]).await?;
    let versions: Vec<Version> = rows.iter().map(version).collect::<Result<_, _>>()?;
    let Some(latest) = newest(&versions) else {
        let update = "UPDATE package SET latest = NULL, updated_at = $1 WHERE namespace = $2 AND name = $3";
        return tx.execute(update, args![now, &name.namespace, &name.name]).await.map(drop);
    };
    let latest = latest.to_string();
    let sql = "SELECT about FROM package_version WHERE namespace = $1 AND name = $2 AND version = $3";
    let row = tx.row(sql, args![&name.namespace, &name.name, latest.as_str()]).await?;
    let about: About = row.ok_or_else(|| StoreError::NotFound(format!("`{name}@{latest}`")))?.json("about")?;
    let update = "UPDATE package SET latest = $1, description = $2, licenses = $3, categories = $4, language = $5, words = $6, \
                  prose = $7, updated_at = $8 WHERE namespace = $9 AND name = $10";
    let words: Vec<&str> = about.categories.iter().map(AsRef::as_ref).chain(about.language.as_deref()).collect();
    let values = args![
        latest.as_str(),
        about.description.as_str(),
        about.licenses.as_str(),
        text::json(&about.categories)?,
        about.language.as_deref(),
        format!(" {} ", words.join(" ").to_lowercase()),
        about.description.to_lowercase(),
        now,
        &name.namespace,
        &name.name,
    ];
    tx.execute(update, values).await.map(drop)
}

pub(super) async fn count(store: &Store, pulls: &[Pulls]) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    for pull in pulls {
        let Some(name) = pull.repository.package() else { continue };
        // The newest of those that share a component: which of them was meant, a blob does not say.
        let version = "UPDATE package_version SET downloads = downloads + $1 WHERE namespace = $2 AND name = $3 AND version = \
                       (SELECT v.version FROM package_version v WHERE v.namespace = $2 AND v.name = $3 AND v.component = $4 \
                       ORDER BY v.published_at DESC, v.version DESC LIMIT 1)";
        let values = args![pull.count, &name.namespace, &name.name, pull.component];
        if tx.execute(version, values).await? > 0 {
            let package = "UPDATE package SET downloads = downloads + $1 WHERE namespace = $2 AND name = $3";
            tx.execute(package, args![pull.count, &name.namespace, &name.name]).await?;
        }
    }
    tx.commit().await
}

/// The version of a row.
pub(super) fn version(row: &Row) -> Result<Version, StoreError> {
    let text: String = row.get("version")?;
    text.parse()
        .map_err(|error: semver::Error| StoreError::Damaged { column: "version".into(), reason: error.to_string() })
}

fn read(row: &Row) -> Result<PackageVersion, StoreError> {
    let package = PackageName { namespace: row.get("namespace")?, name: row.get("name")? };
    let yanked = match (row.get::<Option<Timestamp>>("yanked_at")?, row.get("yanked_by")?, row.get("yank_reason")?) {
        (Some(at), Some(by), Some(reason)) => Some(Yank { reason, by, at }),
        _ => None,
    };
    Ok(PackageVersion {
        id: PackageId { package, version: version(row)? },
        digest: row.get("digest")?,
        component: row.get("component")?,
        size: row.get("size")?,
        about: row.json("about")?,
        docs: row.get("docs")?,
        state: row.word("state")?,
        reason: row.get("reason")?,
        yanked,
        downloads: row.get("downloads")?,
        published_by: row.get("published_by")?,
        published_at: row.get("published_at")?,
    })
}
