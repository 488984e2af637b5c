//! `fn mirror` and `fn pull --to`: packages into a folder that any web server, or a stick, carries to sites without network.

use std::path::Path;

use anyhow::Result;
use host_core::package::PackageName;
use host_wire::{Page, package::Package};
use marketplace::client::{self, Folder, Mark, Published};
use semver::Version;
use serde_json::json;

use super::{Asked, offer::Offer};
use crate::{
    args::MirrorArgs,
    client::Client,
    sources::{self, Shelf},
    ui::{Exit, Printer, Stop},
};

/// The most pages of a catalogue that are read.
const PAGES: usize = 1_000;

/// Copies packages, with all their versions where none is named.
pub(super) async fn run(args: &MirrorArgs, client: &Client, printer: &Printer) -> Result<()> {
    let shelf = sources::open(&args.from, client)?;
    let asked = match args.names.as_slice() {
        [] => all(&shelf).await?,
        names => names.iter().map(|it| Asked::parse(it)).collect::<Result<_, _>>()?,
    };
    for asked in asked {
        let offer = Offer::of(&shelf, &asked).await?;
        let versions = match &asked.version {
            Some(_) => vec![offer.choose(&asked, &shelf, printer)?],
            None => offer.versions.clone(),
        };
        for version in versions {
            one(&shelf, &args.to, &asked.name, &version, printer).await?;
            mark(&args.to, &asked.name, &version, &offer).await.map_err(|error| shelf.stop(&error))?;
        }
    }
    printer.next(&format!("fn sources add offline {}", args.to.display()));
    Ok(())
}

/// Copies one version.
pub(super) async fn one(
    shelf: &Shelf,
    folder: &Path,
    name: &PackageName,
    version: &Version,
    printer: &Printer,
) -> Result<()> {
    let to = Folder::new(folder.to_owned());
    let copied = client::copy(shelf.place(), &to, name, version).await.map_err(|error| shelf.stop(&error))?;
    let is_new = copied == Published::New;
    printer.answer(&json!({ "package": name, "version": version, "new": is_new }), || format!("{name}@{version}"));
    let how = if is_new { "is in" } else { "was there already, in" };
    printer.done(&format!("{name}@{version} {how} {}", folder.display()));
    Ok(())
}

/// What was said of a version goes along.
async fn mark(
    folder: &Path,
    name: &PackageName,
    version: &Version,
    offer: &Offer,
) -> Result<(), marketplace::client::ClientError> {
    let yanked = offer.yanked.get(version).cloned().map(Mark::Yanked);
    let deprecated = offer.deprecated.clone().map(Mark::Deprecated);
    let marks: Vec<Mark> = yanked.into_iter().chain(deprecated).collect();
    Folder::new(folder.to_owned()).mark(name, &version.to_string(), &marks).await
}

async fn all(shelf: &Shelf) -> Result<Vec<Asked>, Stop> {
    let names = names(shelf).await?;
    Ok(names.into_iter().map(|name| Asked { name, version: None }).collect())
}

/// Every package of a source.
pub(super) async fn names(shelf: &Shelf) -> Result<Vec<PackageName>, Stop> {
    let Some(client) = shelf.catalogue() else {
        return shelf.place().packages().await.map_err(|error| shelf.stop(&error));
    };
    let (mut names, mut after) = (Vec::new(), None::<String>);
    for _ in 0..PAGES {
        let query: Vec<(&str, String)> = after.iter().map(|it| ("after", it.clone())).collect();
        let page: Page<Package> = client.get("/api/v1/packages", &query).await?;
        names.extend(page.items.into_iter().map(|it| it.name));
        after = page.next;
        if after.is_none() {
            return Ok(names);
        }
    }
    Err(Stop::new(Exit::Failed, format!("{} has more packages than are read at once", shelf.name)))
}
