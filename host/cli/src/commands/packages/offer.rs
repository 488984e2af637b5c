//! Which versions of a package a source offers, and which of them were taken back.

use std::collections::BTreeMap;

use host_wire::{
    Page,
    package::{Package, PackageVersion, State},
};
use marketplace::{
    asks::plain,
    client::{self, Mark},
};
use semver::Version;

use super::Asked;
use crate::{
    sources::Shelf,
    ui::{Exit, Printer, Stop},
};

/// What a source offers of a package.
#[derive(Debug, Default)]
pub(super) struct Offer {
    /// Lowest first.
    pub(super) versions: Vec<Version>,
    /// Why those were taken back that were.
    pub(super) yanked: BTreeMap<Version, String>,
    /// What to use in its place.
    pub(super) deprecated: Option<String>,
}

impl Offer {
    /// Asks the source.
    pub(super) async fn of(shelf: &Shelf, asked: &Asked) -> Result<Self, Stop> {
        if shelf.catalogue().is_some() { Self::of_host(shelf, asked).await } else { Self::of_place(shelf, asked).await }
    }

    /// A host knows more than its registry says: which versions hold what they promise, and which were taken back.
    async fn of_host(shelf: &Shelf, asked: &Asked) -> Result<Self, Stop> {
        let Some(client) = shelf.catalogue() else { return Ok(Self::default()) };
        let path = format!("/api/v1/packages/{}", asked.name);
        let package: Package = client.get(&path, &[]).await?;
        let page: Page<PackageVersion> = client.get(&format!("{path}/versions"), &[]).await?;
        let mut offer = Self { deprecated: package.deprecated, ..Self::default() };
        for it in page.items.into_iter().filter(|it| it.state == State::Listed) {
            let Ok(version) = it.version.parse::<Version>() else { continue };
            if let Some(yank) = it.yanked {
                offer.yanked.insert(version.clone(), yank.reason);
            }
            offer.versions.push(version);
        }
        offer.versions.sort();
        Ok(offer)
    }

    async fn of_place(shelf: &Shelf, asked: &Asked) -> Result<Self, Stop> {
        let place = shelf.place();
        let versions = client::versions(place, &asked.name).await.map_err(|error| shelf.stop(&error))?;
        let marks = place.marks(&asked.name).await.map_err(|error| shelf.stop(&error))?;
        let mut offer = Self { versions, ..Self::default() };
        for (tag, marks) in marks {
            let Ok(version) = tag.parse::<Version>() else { continue };
            for mark in marks {
                match mark {
                    Mark::Yanked(why) => drop(offer.yanked.insert(version.clone(), why)),
                    Mark::Deprecated(message) => offer.deprecated = Some(message),
                }
            }
        }
        Ok(offer)
    }

    /// The version to take.
    pub(super) fn choose(&self, asked: &Asked, shelf: &Shelf, printer: &Printer) -> Result<Version, Stop> {
        let wanted = asked.version.as_deref();
        let chosen = client::choose(&self.versions, wanted, |it| self.yanked.contains_key(it)).cloned();
        let chosen = chosen.ok_or_else(|| self.nothing(asked, shelf))?;
        if let Some(why) = self.yanked.get(&chosen) {
            printer.warn(&format!("{}@{chosen} was taken back: {}", asked.name, plain(why, &[])));
        }
        if let Some(message) = &self.deprecated {
            printer.warn(&format!("{} should not be used any more: {}", asked.name, plain(message, &[])));
        }
        Ok(chosen)
    }

    fn nothing(&self, asked: &Asked, shelf: &Shelf) -> Stop {
        let there: Vec<String> = self.versions.iter().rev().take(10).map(ToString::to_string).collect();
        let wanted = asked.version.as_deref().unwrap_or("any");
        let what = match there.as_slice() {
            [] => format!("{} offers no version of {}", shelf.name, asked.name),
            there => format!(
                "{} has no version of {} that fits `{wanted}` and was not taken back; there are {}",
                shelf.name,
                asked.name,
                there.join(", ")
            ),
        };
        Stop::new(Exit::NotFound, what)
    }
}
