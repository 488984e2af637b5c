//! `fn search`: packages by words, on every source there is.

use anyhow::Result;
use host_core::package::{PackageName, newest};
use host_wire::{Page, package::Package};
use marketplace::{
    asks::plain,
    client::{Mark, Reference, versions},
    layout::{self, annotation},
};
use semver::Version;
use serde::Serialize;

use super::mirror;
use crate::{
    args::SearchArgs,
    client::Client,
    sources::{self, Shelf},
    ui::{Printer, Stop, Table},
};

/// A package that was found.
#[derive(Debug, Serialize)]
struct Found {
    source: String,
    name: PackageName,
    version: Option<String>,
    description: String,
    categories: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deprecated: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    downloads: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<bool>,
}

/// Searches every source, or the one that is named. One that cannot be asked is told, and the others answer.
pub(super) async fn run(args: &SearchArgs, client: &Client, printer: &Printer) -> Result<()> {
    let shelves = match &args.from {
        Some(from) => vec![sources::open(from, client)?],
        None => sources::open_all(client)?,
    };
    let mut all = Vec::new();
    for shelf in &shelves {
        match search(shelf, args).await {
            Ok(found) => all.extend(found),
            Err(stop) if shelves.len() == 1 => return Err(stop.into()),
            Err(stop) => printer.warn(&format!("{} could not be asked: {stop}", shelf.name)),
        }
    }
    printer.answer(&serde_json::json!({ "items": all, "next": null }), || table(&all, shelves.len() > 1));
    match all.first() {
        Some(first) => printer.next(&format!("fn doc {}; fn pull {}", first.name, first.name)),
        None => printer.say("nothing was found; fewer words find more"),
    }
    Ok(())
}

async fn search(shelf: &Shelf, args: &SearchArgs) -> Result<Vec<Found>, Stop> {
    if let Some(client) = shelf.catalogue() {
        by_catalogue(shelf, client, args).await
    } else {
        by_reading(shelf, args).await
    }
}

async fn by_catalogue(shelf: &Shelf, client: &Client, args: &SearchArgs) -> Result<Vec<Found>, Stop> {
    let mut query = vec![("q", args.words.join(" ")), ("limit", args.limit.to_string())];
    query.extend(args.category.iter().map(|it| ("category", it.clone())));
    let page: Page<Package> = client.get("/api/v1/packages", &query).await?;
    let found = page.items.into_iter().map(|it| Found {
        source: shelf.name.clone(),
        name: it.name,
        version: it.latest,
        description: it.description,
        categories: it.categories.iter().map(ToString::to_string).collect(),
        deprecated: it.deprecated,
        downloads: Some(it.downloads),
        verified: Some(it.verified),
    });
    Ok(found.collect())
}

/// A place without a catalogue has every package's newest manifest read, which is slow where there are many.
async fn by_reading(shelf: &Shelf, args: &SearchArgs) -> Result<Vec<Found>, Stop> {
    let words: Vec<String> = args.words.iter().map(|it| it.to_lowercase()).collect();
    let mut ranked = Vec::new();
    for name in mirror::names(shelf).await? {
        let Some(found) = look(shelf, name).await? else { continue };
        let is_in = args.category.as_ref().is_none_or(|it| found.categories.contains(it));
        let rank: Option<usize> = words.iter().map(|word| rank(&found, word)).sum();
        ranked.extend(rank.filter(|_| is_in).map(|rank| (rank, found)));
    }
    ranked.sort_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
    Ok(ranked.into_iter().take(args.limit as usize).map(|(_, it)| it).collect())
}

/// How well a word fits: by name, by category, by description; the less the better.
fn rank(found: &Found, word: &str) -> Option<usize> {
    let name = found.name.to_string();
    if found.name.name.as_str() == word {
        return Some(0);
    }
    let fits = [name.contains(word), found.categories.iter().any(|it| it == word)];
    let by_name = fits.iter().position(|it| *it).map(|at| at + 1);
    by_name.or_else(|| found.description.to_lowercase().contains(word).then_some(3))
}

async fn look(shelf: &Shelf, name: PackageName) -> Result<Option<Found>, Stop> {
    let stop = |error| shelf.stop(&error);
    let all = versions(shelf.place(), &name).await.map_err(stop)?;
    let marks = shelf.place().marks(&name).await.map_err(stop)?;
    let is_offered = |it: &&Version| marks.get(&it.to_string()).is_none_or(|said| Mark::yanked(said).is_none());
    let Some(version) = newest(all.iter().filter(is_offered)) else { return Ok(None) };
    let manifest = shelf.place().manifest(&name, &Reference::Tag(version.to_string())).await.map_err(stop)?;
    // What is no package of ours lies in the same registries.
    let Some(read) = manifest.and_then(|it| layout::read_artifact(&it.bytes).ok()) else { return Ok(None) };
    let Some(_) = read.annotations.get(annotation::FUNCTION) else { return Ok(None) };
    let said = |key: &str| read.annotations.get(key).cloned().unwrap_or_default();
    let categories = said(annotation::CATEGORIES);
    Ok(Some(Found {
        source: shelf.name.clone(),
        version: Some(version.to_string()),
        description: said(annotation::DESCRIPTION),
        categories: categories.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect(),
        deprecated: marks.values().find_map(|it| Mark::deprecated(it)).map(str::to_owned),
        downloads: None,
        verified: None,
        name,
    }))
}

fn table(all: &[Found], with_source: bool) -> String {
    let head = ["package", "version", "what it does", "categories"];
    let mut table = Table::new(&if with_source { [&head[..], &["source"]].concat() } else { head.to_vec() });
    for it in all {
        let what = match &it.deprecated {
            Some(message) => format!("{} (deprecated: {message})", it.description),
            None => it.description.clone(),
        };
        let version = it.version.clone().unwrap_or_default();
        let row = [it.name.to_string(), version, what, it.categories.join(", ")].map(|it| plain(&it, &[]));
        table.row(row.into_iter().chain(with_source.then(|| it.source.clone())));
    }
    table.text()
}
