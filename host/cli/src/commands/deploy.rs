//! `fn deploy`: from source to the revision that answers.

use anyhow::Result;
use host_core::{Digest, Name, manifest::Manifest};
use host_wire::revision::{Deploy, ManifestSource, Released};

use crate::{
    args::DeployArgs,
    build,
    client::Client,
    project::Project,
    ui::{Exit, Printer, Stop, bytes},
};

/// Builds, sends the bytes if the host has not got them, and activates.
pub(super) async fn run(args: &DeployArgs, client: &Client, printer: &Printer) -> Result<()> {
    let (released, size) = quietly(args, client, printer).await?;
    printer.answer(&released, || address(client, &released));
    say(&released, size, printer);
    Ok(())
}

/// The same without a word about the result.
pub(super) async fn quietly(args: &DeployArgs, client: &Client, printer: &Printer) -> Result<(Released, u64)> {
    let mut project = Project::open(&args.source.source)?;
    if let Some(name) = &args.name {
        project.manifest.name = name.parse::<Name>().map_err(|error| Stop::new(Exit::Usage, error.to_string()))?;
    }
    let component = build::component(&project, !args.no_build, printer)?;
    let digest = Digest::of(&component);
    let size = component.len() as u64;
    let failed = |stop: Stop| stop.during(&format!("could not deploy `{}`", project.manifest.name));
    upload(client, &digest, component).await.map_err(failed)?;
    let released = release(client, &project.manifest, digest, !args.no_activate).await;
    Ok((released.map_err(failed)?, size))
}

/// Sends the bytes only if the digest is new.
async fn upload(client: &Client, digest: &Digest, component: Vec<u8>) -> Result<(), Stop> {
    let path = format!("/api/v1/components/{digest}");
    if client.exists(&path).await? {
        return Ok(());
    }
    client.put_bytes(&path, component).await
}

async fn release(client: &Client, manifest: &Manifest, component: Digest, activate: bool) -> Result<Released, Stop> {
    let json = serde_json::to_value(manifest).map_err(|error| Stop::new(Exit::Failed, error.to_string()))?;
    let deploy = Deploy { component, manifest: ManifestSource::Json(json), package: None };
    let path = client.in_project(&format!("/functions/{}/revisions?activate={activate}", manifest.name));
    client.post(&path, &deploy).await
}

/// The URL of the function, or its revision where it has none.
pub(super) fn address(client: &Client, released: &Released) -> String {
    match &released.path {
        Some(path) => format!("{}{path}", client.base()),
        None => format!("{}@{}", released.revision.function, released.revision.number),
    }
}

fn say(released: &Released, size: u64, printer: &Printer) {
    let revision = &released.revision;
    let (name, number) = (&revision.function, revision.number);
    let state = if released.is_active { "is active" } else { "is stored, not active" };
    printer.done(&format!("revision {number} of `{name}` {state} ({}, {})", bytes(size), revision.component.short()));
    for route in &released.routes {
        let methods = if route.methods.is_empty() { "any method".to_owned() } else { route.methods.join(", ") };
        printer.say(&format!("  {}{} ({methods})", route.host.as_deref().unwrap_or_default(), route.path));
    }
    for trigger in &revision.manifest.triggers {
        if let Some(name) = trigger.name() {
            printer.say(&format!("  {name} ({}) reads {}", trigger.kind(), trigger.reads()));
        }
    }
    for warning in &released.warnings {
        printer.warn(warning);
    }
    match released.path {
        Some(_) => printer.next(&format!("fn invoke {name} --data '{{}}'")),
        None => printer.next(&format!("fn run {name}")),
    }
}
