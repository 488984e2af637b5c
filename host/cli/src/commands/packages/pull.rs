//! `fn pull`: choose, verify, ask, deploy.

use anyhow::Result;
use host_core::{Digest, Name, manifest::Manifest, package::PackageName, trust::TrustPolicy};
use host_wire::{
    function::FunctionDetail,
    revision::{Deploy, ManifestSource, Released},
    trust::{DeployPackage, Trust},
};
use marketplace::{
    client::{self, Fetched},
    sign,
};
use reqwest::{Method, StatusCode};
use semver::Version;
use serde_json::json;

use super::{Asked, consent, granted, mirror, offer::Offer};
use crate::{
    args::PullArgs,
    client::Client,
    commands::deploy,
    sources::{self, Shelf},
    ui::{Exit, Printer, Stop, bytes},
};

/// Pulls a package and deploys it, or copies it into a folder.
pub(super) async fn run(args: &PullArgs, client: &Client, printer: &Printer) -> Result<()> {
    let asked = Asked::parse(&args.name)?;
    let shelf = sources::find(&asked.name, args.from.as_deref(), client).await?;
    let version = Offer::of(&shelf, &asked).await?.choose(&asked, &shelf, printer)?;
    if let Some(folder) = &args.to {
        return mirror::one(&shelf, folder, &asked.name, &version, printer).await;
    }
    let fetched = client::fetch(shelf.place(), &asked.name, &version).await.map_err(|error| shelf.stop(&error))?;
    let id = fetched.package.id.to_string();
    let verdict = judge(client, &fetched).await?;
    if let Some(warning) = &verdict.warning {
        printer.warn(&format!("{id}: {warning}"));
    }
    let function = name(args, &asked.name)?;
    let in_force = in_force(client, &function).await?;
    check_place(args, &function, &fetched, in_force.as_ref())?;
    let before = in_force.as_ref().filter(|it| is_from(it, &asked.name)).map(|it| &it.manifest);
    let manifest = granted::with(&args.grants, &fetched.package.manifest)?;
    consent::ask(args, &id, &manifest, before, printer)?;
    let manifest = Manifest { name: function, ..manifest };
    let released = release(args, client, &shelf, &fetched, &manifest).await?;
    say(client, &fetched, &verdict, &released, printer);
    Ok(())
}

/// Whether the project takes it. The host asks itself the same again; here nothing is downloaded in vain.
pub(super) async fn judge(client: &Client, fetched: &Fetched) -> Result<sign::Verdict, Stop> {
    let trust: Trust = client.get(&client.in_project("/trust"), &[]).await?;
    let package = &fetched.package;
    let parts = (&package.id.package, &package.id.version, &package.digest);
    sign::judge(&TrustPolicy::from(trust), parts, &fetched.signatures).map_err(|refusal| {
        let stop = Stop::new(Exit::Refused, format!("{} is refused: {refusal}", package.id));
        let namespace = &package.id.package.namespace;
        match refusal {
            sign::Refusal::Unknown { .. } => {
                stop.hint(format!("if you know whose key it is: fn trust add {namespace} --key FILE"))
            }
            sign::Refusal::Unsigned => stop.hint("`fn trust set warn` takes packages that nobody signed"),
            sign::Refusal::Revoked { .. } | sign::Refusal::Broken(_) => stop,
        }
    })
}

/// The name to deploy it under.
fn name(args: &PullArgs, package: &PackageName) -> Result<Name, Stop> {
    let Some(text) = &args.rename else { return Ok(package.name.clone()) };
    text.parse().map_err(|error: host_core::name::InvalidName| Stop::new(Exit::Usage, error.to_string()))
}

/// The function in force under that name, if there is one.
async fn in_force(client: &Client, function: &Name) -> Result<Option<FunctionDetail>, Stop> {
    let path = client.in_project(&format!("/functions/{function}"));
    let answer = client.send_any(client.request(Method::GET, &path)).await?;
    if answer.status() == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    client.get(&path, &[]).await.map(Some)
}

fn is_from(detail: &FunctionDetail, package: &PackageName) -> bool {
    detail.package.as_ref().is_some_and(|it| it.name == *package)
}

/// Whether it may take the place of what is in force.
fn check_place(
    args: &PullArgs,
    function: &Name,
    fetched: &Fetched,
    in_force: Option<&FunctionDetail>,
) -> Result<(), Stop> {
    let Some(there) = in_force else { return Ok(()) };
    let id = &fetched.package.id;
    let Some(of) = there.package.as_ref().filter(|it| it.name == id.package) else {
        let of = there.package.as_ref().map_or("your own".to_owned(), |it| format!("from {}", it.name));
        return if args.replace {
            Ok(())
        } else {
            Err(Stop::new(Exit::Refused, format!("function `{function}` is in service and is {of}"))
                .hint(format!("fn pull {} --as NAME, or --replace to put this in its place", id.package)))
        };
    };
    let is_lower = of.version.parse::<Version>().is_ok_and(|it| it > id.version);
    if is_lower && !args.allow_downgrade {
        return Err(Stop::new(
            Exit::Refused,
            format!("{id} is older than {}@{}, which is in force", of.name, of.version),
        )
        .hint("--allow-downgrade takes the older one all the same"));
    }
    Ok(())
}

/// Sends the bytes if the host has not got them, and deploys them with where they come from.
async fn release(
    args: &PullArgs,
    client: &Client,
    shelf: &Shelf,
    fetched: &Fetched,
    manifest: &Manifest,
) -> Result<Released, Stop> {
    let (package, function) = (&fetched.package, &manifest.name);
    let failed = |stop: Stop| stop.during(&format!("could not deploy `{function}`"));
    let component = package.component.digest;
    let path = format!("/api/v1/components/{component}");
    if !client.exists(&path).await? {
        let found = shelf.place().blob(&package.id.package, &package.component).await;
        let bytes = found.map_err(|error| shelf.stop(&error))?;
        client.put_bytes(&path, bytes.to_vec()).await.map_err(failed)?;
    }
    let deploy = Deploy {
        component,
        manifest: ManifestSource::Json(
            serde_json::to_value(manifest).map_err(|error| Stop::new(Exit::Failed, error.to_string()))?,
        ),
        package: Some(DeployPackage {
            source: shelf.place().address(),
            manifest: String::from_utf8_lossy(&fetched.manifest.bytes).into_owned(),
            signatures: fetched.signatures.iter().map(|it| String::from_utf8_lossy(it).into_owned()).collect(),
            downgrade: args.allow_downgrade,
        }),
    };
    let path = client.in_project(&format!("/functions/{function}/revisions"));
    client.post(&path, &deploy).await.map_err(failed)
}

fn say(client: &Client, fetched: &Fetched, verdict: &sign::Verdict, released: &Released, printer: &Printer) {
    let package = &fetched.package;
    let answer = json!({
        "package": package.id.package, "version": package.id.version, "digest": package.digest,
        "signed_by": verdict.signed_by, "released": released,
    });
    printer.answer(&answer, || deploy::address(client, released));
    let signed = verdict.signed_by.as_ref().map_or_else(|| "not verified".to_owned(), signed_by);
    let (name, number) = (&released.revision.function, released.revision.number);
    let size = bytes(package.component.size);
    printer.done(&format!("{} is revision {number} of `{name}` ({size}, {signed})", package.id));
    // The host says again of a package what the project thinks of it.
    let own = format!("{}: ", package.id);
    for warning in released.warnings.iter().filter(|it| !it.starts_with(&own)) {
        printer.warn(warning);
    }
    printer.next(&format!("fn doc {name}"));
}

pub(super) fn signed_by(key: &Digest) -> String {
    format!("signed by {}", key.short())
}
