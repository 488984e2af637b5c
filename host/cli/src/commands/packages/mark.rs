//! `fn yank` and `fn deprecate`: what is said of packages after they were published.

use anyhow::Result;
use host_core::package::PackageName;
use host_wire::package::{Deprecate, Package, PackageVersion, YankVersion};
use marketplace::client::{Mark, Place as _, versions};
use reqwest::Method;
use serde_json::json;

use super::Asked;
use crate::{
    args::{DeprecateArgs, YankArgs},
    client::Client,
    sources::{self, Shelf},
    ui::{Exit, Printer, Stop},
};

/// Takes a version back, or offers it again.
pub(super) async fn yank(args: &YankArgs, client: &Client, printer: &Printer) -> Result<()> {
    let asked = Asked::parse(&args.name)?;
    let version = asked.exact()?;
    let shelf = sources::open(&args.from, client)?;
    let reason = args.reason.clone().filter(|_| !args.undo);
    if let Some(client) = shelf.catalogue() {
        let path = format!("/api/v1/packages/{}/versions/{version}/yank", asked.name);
        let _: PackageVersion = match &reason {
            Some(reason) => client.put(&path, &YankVersion { reason: reason.clone() }).await?,
            None => client.read(client.send(client.request(Method::DELETE, &path)).await?).await?,
        };
    } else {
        let is_yank = |it: &Mark| matches!(it, Mark::Yanked(_));
        remark(&shelf, &asked.name, &version.to_string(), is_yank, reason.clone().map(Mark::Yanked)).await?;
    }
    printer.answer(&json!({ "package": asked.name, "version": version, "yanked": reason }), String::new);
    match reason {
        Some(_) => printer.done(&format!(
            "{}@{version} was taken back: nobody begins to use it, and where it is in use it stays",
            asked.name
        )),
        None => printer.done(&format!("{}@{version} is offered again", asked.name)),
    }
    Ok(())
}

/// Says what to use in a package's place.
pub(super) async fn deprecate(args: &DeprecateArgs, client: &Client, printer: &Printer) -> Result<()> {
    let asked = Asked::parse(&args.name)?;
    let shelf = sources::open(&args.from, client)?;
    let message = args.message.clone().filter(|_| !args.undo);
    if let Some(client) = shelf.catalogue() {
        let path = format!("/api/v1/packages/{}/deprecation", asked.name);
        let _: Package = client.put(&path, &Deprecate { message: message.clone() }).await?;
    } else {
        let all = versions(shelf.place(), &asked.name).await.map_err(|error| shelf.stop(&error))?;
        let is_one = |it: &Mark| matches!(it, Mark::Deprecated(_));
        for version in all {
            remark(&shelf, &asked.name, &version.to_string(), is_one, message.clone().map(Mark::Deprecated)).await?;
        }
    }
    printer.answer(&json!({ "package": asked.name, "deprecated": message }), String::new);
    match message {
        Some(_) => printer.done(&format!("{} is deprecated", asked.name)),
        None => printer.done(&format!("{} may be used again", asked.name)),
    }
    Ok(())
}

/// Puts a mark in the place of those of its kind. Only a folder can bear them: a plain registry keeps what was pushed.
async fn remark(
    shelf: &Shelf,
    name: &PackageName,
    tag: &str,
    is_one: impl Fn(&Mark) -> bool,
    mark: Option<Mark>,
) -> Result<(), Stop> {
    let Some(folder) = shelf.folder() else {
        return Err(Stop::new(Exit::Refused, format!("{} is a plain registry, which keeps no such marks", shelf.name))
            .hint("delete the tag there, or publish a version that says so"));
    };
    let stop = |error| shelf.stop(&error);
    let mut marks = folder.marks(name).await.map_err(stop)?.remove(tag).unwrap_or_default();
    marks.retain(|it| !is_one(it));
    marks.extend(mark);
    folder.mark(name, tag, &marks).await.map_err(stop)
}
