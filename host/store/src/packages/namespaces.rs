//! Namespaces: whoever publishes first in one has it, and says who else may.

use host_core::{
    Name,
    package::{Namespace, Owner, OwnerRole, Publisher, RESERVED, Repository, STANDARD, Say, Standing},
    page::{Page, PageRequest},
    ports::PackageError,
};
use jiff::Timestamp;
use serde_json::json;

use crate::{
    Store, StoreError,
    audit::HostDeed,
    sql::{Row, Select, Tx, args},
};

/// How many may do something in one namespace.
const MOST_OWNERS: u32 = 100;

/// What somebody wants to do in a namespace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    needs: OwnerRole,
    what: &'static str,
}

/// Publish a version, or push anything.
pub(super) const PUBLISH: Wish = Wish { needs: OwnerRole::Publisher, what: "publish" };
/// Take something away.
pub(super) const DELETE: Wish = Wish { needs: OwnerRole::Owner, what: "delete anything" };
/// Take a version back, or say that a package is of no use any more.
pub(super) const YANK: Wish = Wish { needs: OwnerRole::Owner, what: "yank or deprecate" };
const SAY_WHO: Wish = Wish { needs: OwnerRole::Owner, what: "say who may publish" };
const VERIFY: &str = "say whether its publisher is known";
const CLAIM: &str = "begin to publish";

fn denied(namespace: &str, who: &Publisher, what: &'static str) -> PackageError {
    PackageError::Denied { who: who.name.clone(), what, namespace: namespace.to_owned() }
}

/// Whether the namespace may be had by whoever comes first.
fn may_begin(namespace: &str, who: &Publisher) -> Result<(), PackageError> {
    let is_taken = RESERVED.contains(&namespace) || (namespace == STANDARD && who.say != Say::All);
    if is_taken { Err(denied(namespace, who, CLAIM)) } else { Ok(()) }
}

pub(super) async fn may_publish(store: &Store, repository: &Repository, who: &Publisher) -> Result<(), PackageError> {
    let namespace = repository.namespace();
    let known = "SELECT name FROM namespace WHERE name = $1";
    if store.db().row(known, args![namespace]).await?.is_none() {
        return may_begin(namespace, who);
    }
    let role = "SELECT role FROM namespace_owner WHERE namespace = $1 AND owner = $2";
    let row = store.db().row(role, args![namespace, who.name.as_str()]).await?;
    judge(row.as_ref(), namespace, who, PUBLISH)
}

fn judge(row: Option<&Row>, namespace: &str, who: &Publisher, wish: Wish) -> Result<(), PackageError> {
    if who.say == Say::All {
        return Ok(());
    }
    let role: Option<OwnerRole> = row.map(|row| row.word("role")).transpose()?;
    if role.is_some_and(|it| it >= wish.needs) { Ok(()) } else { Err(denied(namespace, who, wish.what)) }
}

/// Holds everyone else who changes something in the namespace back until this transaction ends, and asks whether `who`
/// may. Makes it theirs where it is nobody's.
pub(super) async fn enter(
    tx: &mut Tx,
    namespace: &str,
    who: &Publisher,
    wish: Wish,
    now: Timestamp,
) -> Result<(), PackageError> {
    if wish.needs == OwnerRole::Publisher {
        begin(tx, namespace, who, now).await?;
    }
    // An update, so that others wait.
    let hold = "UPDATE namespace SET is_verified = is_verified WHERE name = $1";
    if tx.execute(hold, args![namespace]).await? == 0 {
        return Err(PackageError::NotFound(format!("namespace `{namespace}`")));
    }
    let role = "SELECT role FROM namespace_owner WHERE namespace = $1 AND owner = $2";
    let row = tx.row(role, args![namespace, who.name.as_str()]).await?;
    judge(row.as_ref(), namespace, who, wish)
}

/// Whether it was nobody's.
async fn begin(tx: &mut Tx, namespace: &str, who: &Publisher, now: Timestamp) -> Result<bool, PackageError> {
    let known = "SELECT name FROM namespace WHERE name = $1";
    if tx.row(known, args![namespace]).await?.is_some() {
        return Ok(false);
    }
    may_begin(namespace, who)?;
    let name = who.name.as_str();
    let insert = "INSERT INTO namespace (name, created_by, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    if tx.execute(insert, args![namespace, name, now]).await? == 0 {
        return Ok(false);
    }
    write_owner(tx, namespace, name, OwnerRole::Owner, name, now).await?;
    let deed = HostDeed { who: name, action: "namespace.claimed", subject: namespace };
    deed.record(tx, None, now, json!({ "owner": name })).await?;
    Ok(true)
}

async fn write_owner(
    tx: &mut Tx,
    namespace: &str,
    owner: &str,
    role: OwnerRole,
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let upsert = "INSERT INTO namespace_owner (namespace, owner, role, added_by, added_at) VALUES ($1, $2, $3, $4, $5) \
                  ON CONFLICT (namespace, owner) DO UPDATE SET role = excluded.role, added_by = excluded.added_by, \
                  added_at = excluded.added_at";
    tx.execute(upsert, args![namespace, owner, role.as_str(), by, now]).await.map(drop)
}

pub(super) async fn claim(store: &Store, name: &Name, who: &Publisher) -> Result<Namespace, PackageError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    begin(&mut tx, name.as_str(), who, now).await?;
    // Whoever was first meanwhile has it.
    enter(&mut tx, name.as_str(), who, SAY_WHO, now).await?;
    tx.commit().await?;
    Ok(one(store, name).await?)
}

pub(super) async fn add_owner(
    store: &Store,
    namespace: &Name,
    owner: &str,
    role: OwnerRole,
    who: &Publisher,
) -> Result<(), PackageError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    enter(&mut tx, namespace.as_str(), who, SAY_WHO, now).await?;
    let count = "SELECT COUNT(*) AS count FROM namespace_owner WHERE namespace = $1 AND owner <> $2";
    let row = tx.row(count, args![namespace, owner]).await?;
    if row.map_or(Ok(0), |row| row.get::<u32>("count"))? >= MOST_OWNERS {
        return Err(PackageError::TooMany("owners of the namespace"));
    }
    if role == OwnerRole::Publisher {
        stays_owned(&mut tx, namespace, owner).await?;
    }
    write_owner(&mut tx, namespace.as_str(), owner, role, &who.name, now).await?;
    let deed = HostDeed { who: &who.name, action: "namespace.owner-added", subject: namespace.as_str() };
    deed.record(&mut tx, None, now, json!({ "owner": owner, "role": role })).await?;
    Ok(tx.commit().await?)
}

pub(super) async fn remove_owner(
    store: &Store,
    namespace: &Name,
    owner: &str,
    who: &Publisher,
) -> Result<(), PackageError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    enter(&mut tx, namespace.as_str(), who, SAY_WHO, now).await?;
    stays_owned(&mut tx, namespace, owner).await?;
    let delete = "DELETE FROM namespace_owner WHERE namespace = $1 AND owner = $2";
    if tx.execute(delete, args![namespace, owner]).await? == 0 {
        return Err(PackageError::NotFound(format!("owner `{owner}` of the namespace `{namespace}`")));
    }
    let deed = HostDeed { who: &who.name, action: "namespace.owner-removed", subject: namespace.as_str() };
    deed.record(&mut tx, None, now, json!({ "owner": owner })).await?;
    Ok(tx.commit().await?)
}

/// Whether somebody else owns it too, where `owner` does.
async fn stays_owned(tx: &mut Tx, namespace: &Name, owner: &str) -> Result<(), PackageError> {
    let owners = "SELECT owner FROM namespace_owner WHERE namespace = $1 AND role = 'owner'";
    let rows = tx.rows(owners, args![namespace]).await?;
    let owners: Vec<String> = rows.iter().map(|row| row.get("owner")).collect::<Result<_, StoreError>>()?;
    if owners == [owner] { Err(PackageError::LastOwner(owner.to_owned())) } else { Ok(()) }
}

pub(super) async fn verify(
    store: &Store,
    namespace: &Name,
    standing: Standing,
    who: &Publisher,
) -> Result<(), PackageError> {
    if who.say != Say::All {
        return Err(denied(namespace.as_str(), who, VERIFY));
    }
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    let update = "UPDATE namespace SET is_verified = $1 WHERE name = $2";
    if tx.execute(update, args![standing == Standing::Verified, namespace]).await? == 0 {
        return Err(PackageError::NotFound(format!("namespace `{namespace}`")));
    }
    let deed = HostDeed { who: &who.name, action: "namespace.verified", subject: namespace.as_str() };
    deed.record(&mut tx, None, now, json!({ "standing": standing })).await?;
    Ok(tx.commit().await?)
}

const START: &str = "SELECT n.name, n.is_verified, n.created_by, n.created_at, (SELECT COUNT(*) FROM package p \
                     WHERE p.namespace = n.name AND p.latest IS NOT NULL) AS packages FROM namespace n WHERE 1 = 1";

pub(super) async fn page(store: &Store, page: &PageRequest) -> Result<Page<Namespace>, StoreError> {
    let select = Select::new(START, vec![]).when("n.name > ?", page.after.as_deref());
    let (sql, args) = select.end("ORDER BY n.name LIMIT ?", args![page.limit() + 1]);
    let rows = store.db().rows(sql, args).await?;
    let limit = page.limit() as usize;
    let mut items = Vec::with_capacity(rows.len().min(limit));
    for row in rows.iter().take(limit) {
        items.push(read(store, row).await?);
    }
    let next = items.last().filter(|_| rows.len() > limit).map(|it: &Namespace| it.name.to_string());
    Ok(Page { items, next })
}

pub(super) async fn one(store: &Store, name: &Name) -> Result<Namespace, StoreError> {
    let (sql, args) = Select::new(START, vec![]).and("n.name = ?", args![name]).end("", vec![]);
    let row = store.db().row(sql, args).await?;
    read(store, &row.ok_or_else(|| StoreError::NotFound(format!("namespace `{name}`")))?).await
}

async fn read(store: &Store, row: &Row) -> Result<Namespace, StoreError> {
    let name: Name = row.get("name")?;
    let owners = "SELECT owner, role, added_by, added_at FROM namespace_owner WHERE namespace = $1 ORDER BY owner";
    let owners = store.db().rows(owners, args![&name]).await?;
    let owner = |row: &Row| {
        Ok(Owner {
            name: row.get("owner")?,
            role: row.word("role")?,
            added_by: row.get("added_by")?,
            added_at: row.get("added_at")?,
        })
    };
    Ok(Namespace {
        name,
        standing: standing(row)?,
        owners: owners.iter().map(owner).collect::<Result<_, StoreError>>()?,
        packages: row.get("packages")?,
        created_by: row.get("created_by")?,
        created_at: row.get("created_at")?,
    })
}

/// Who is behind a namespace, by its row.
pub(super) fn standing(row: &Row) -> Result<Standing, StoreError> {
    Ok(if row.get("is_verified")? { Standing::Verified } else { Standing::Unverified })
}
