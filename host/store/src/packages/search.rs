//! Finding packages: by name, then by category, then by description; the more pulled first where that is equal.

use std::collections::BTreeMap;

use host_core::{
    Name,
    package::{Package, PackageName},
    page::{Page, PageRequest},
    ports::{Category, Search},
};

use super::namespaces::standing;
use crate::{
    Store, StoreError,
    sql::{Arg, Row, Select, args},
};

const START: &str = "SELECT f.namespace, f.name, f.latest, f.description, f.licenses, f.categories, f.language, f.deprecated, \
                     f.downloads, f.created_at, f.updated_at, f.fit, n.is_verified FROM (SELECT p.namespace, p.name, p.latest, \
                     p.description, p.licenses, p.categories, p.language, p.deprecated, p.downloads, p.created_at, p.updated_at, \
                     CAST((CASE WHEN p.deprecated IS NULL THEN 10000 ELSE 0 END)";

/// How well one word fits: whole, beginning or part of a name; a category; the beginning of one or of the namespace; prose.
const FIT: &str = " + (CASE WHEN p.name = ? OR p.namespace || '/' || p.name = ? THEN 100 WHEN p.name LIKE ? ESCAPE '\\' THEN 60 \
                   WHEN p.name LIKE ? ESCAPE '\\' THEN 40 WHEN p.words LIKE ? ESCAPE '\\' THEN 25 \
                   WHEN p.words LIKE ? ESCAPE '\\' OR p.namespace LIKE ? ESCAPE '\\' THEN 20 ELSE 5 END)";

const FOUND: &str =
    "(p.namespace || '/' || p.name LIKE ? ESCAPE '\\' OR p.words LIKE ? ESCAPE '\\' OR p.prose LIKE ? ESCAPE '\\')";

const ORDER: &str = "ORDER BY f.fit DESC, f.downloads DESC, f.namespace, f.name LIMIT ?";

/// Where a page ends.
struct Place {
    fit: i64,
    downloads: i64,
    name: PackageName,
}

impl Place {
    fn parse(text: &str) -> Result<Self, StoreError> {
        let mut parts = text.splitn(3, '_');
        let mut next = || parts.next();
        let place = (|| {
            Some(Self { fit: next()?.parse().ok()?, downloads: next()?.parse().ok()?, name: next()?.parse().ok()? })
        })();
        place.ok_or_else(|| StoreError::Cursor(text.to_owned()))
    }

    fn args(&self) -> Vec<Arg> {
        let Self { fit, downloads, name } = self;
        args![*fit, *fit, *downloads, *downloads, &name.namespace, &name.name]
    }
}

pub(super) async fn search(store: &Store, search: &Search, page: &PageRequest) -> Result<Page<Package>, StoreError> {
    let mut select = Select::new(START, vec![]);
    for word in &search.words {
        select = select.then(FIT, fit(word));
    }
    select = select.then(" AS BIGINT) AS fit FROM package p WHERE p.latest IS NOT NULL", vec![]);
    for word in &search.words {
        let part = format!("%{}%", escaped(word));
        select = select.and(FOUND, args![part.as_str(), part.as_str(), part.as_str()]);
    }
    // As it stands in the JSON list; a name has nothing to escape.
    let category = search.category.as_ref().map(|it| format!("%\"{it}\"%"));
    select = select.when("p.categories LIKE ?", category).when("p.namespace = ?", search.namespace.clone());
    select = select.then(") AS f JOIN namespace n ON n.name = f.namespace WHERE 1 = 1", vec![]);
    if let Some(after) = &page.after {
        let beyond =
            "(f.fit < ? OR (f.fit = ? AND (f.downloads < ? OR (f.downloads = ? AND (f.namespace, f.name) > (?, ?)))))";
        select = select.and(beyond, Place::parse(after)?.args());
    }
    let (sql, args) = select.end(ORDER, args![page.limit() + 1]);
    let rows = store.db().rows(sql, args).await?;
    let limit = page.limit() as usize;
    let items: Vec<Package> = rows.iter().take(limit).map(read).collect::<Result<_, _>>()?;
    let last = rows.get(limit.saturating_sub(1)).filter(|_| rows.len() > limit);
    let next = last.map(|row| {
        Ok::<_, StoreError>(format!("{}_{}_{}", row.get::<i64>("fit")?, row.get::<i64>("downloads")?, name(row)?))
    });
    Ok(Page { items, next: next.transpose()? })
}

/// The values of [`FIT`].
fn fit(word: &str) -> Vec<Arg> {
    let plain = escaped(word);
    args![
        word,
        word,
        format!("{plain}%"),
        format!("%{plain}%"),
        format!("% {plain} %"),
        format!("% {plain}%"),
        format!("{plain}%"),
    ]
}

/// A word in which nothing stands for anything else.
fn escaped(word: &str) -> String {
    word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

pub(super) async fn package(store: &Store, name: &PackageName) -> Result<Package, StoreError> {
    let sql = "SELECT p.namespace, p.name, p.latest, p.description, p.licenses, p.categories, p.language, p.deprecated, p.downloads, \
               p.created_at, p.updated_at, n.is_verified FROM package p JOIN namespace n ON n.name = p.namespace \
               WHERE p.namespace = $1 AND p.name = $2";
    let row = store.db().row(sql, args![&name.namespace, &name.name]).await?;
    read(&row.ok_or_else(|| StoreError::NotFound(format!("package `{name}`")))?)
}

pub(super) async fn categories(store: &Store) -> Result<Vec<Category>, StoreError> {
    let rows = store.db().rows("SELECT categories FROM package WHERE latest IS NOT NULL", vec![]).await?;
    let mut counts: BTreeMap<Name, u64> = BTreeMap::new();
    for row in &rows {
        for category in row.json::<Vec<Name>>("categories")? {
            *counts.entry(category).or_default() += 1;
        }
    }
    Ok(counts.into_iter().map(|(name, packages)| Category { name, packages }).collect())
}

fn name(row: &Row) -> Result<PackageName, StoreError> {
    Ok(PackageName { namespace: row.get("namespace")?, name: row.get("name")? })
}

fn read(row: &Row) -> Result<Package, StoreError> {
    let latest: Option<String> = row.get("latest")?;
    Ok(Package {
        name: name(row)?,
        // Written by us from a version.
        latest: latest.and_then(|it| it.parse().ok()),
        description: row.get("description")?,
        licenses: row.get("licenses")?,
        categories: row.json("categories")?,
        language: row.get("language")?,
        deprecated: row.get("deprecated")?,
        standing: standing(row)?,
        downloads: row.get("downloads")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
