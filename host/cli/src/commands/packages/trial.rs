//! What is looked at before a package is published: what its component imports and exports, and its cases in the real engine.

use anyhow::Result;
use bytes::Bytes;
use host_core::{
    Name,
    ports::{Artifacts as _, Inspection},
};
use tokio_util::sync::CancellationToken;

use crate::{
    args::UpArgs,
    cases, config,
    project::Project,
    serve::{Host, Place},
    ui::{Exit, Printer, Stop},
};

/// Runs the cases on a host in memory; fails when one does.
pub(super) async fn run(project: &Project, component: &Bytes, printer: &Printer) -> Result<Inspection> {
    let all = cases::read(&project.cases())?;
    let data = tempfile::tempdir()?;
    let nowhere = UpArgs { data: Some(data.path().to_owned()), ..UpArgs::default() };
    let host = Host::build(config::load(&nowhere)?, Place::Memory).await?;
    let stop = CancellationToken::new();
    let tasks = host.start(&stop).await?;
    let found = attempt(&host, project, component, &all, printer).await;
    host.drain(&stop, std::time::Duration::from_secs(1)).await;
    tasks.wait().await;
    host.close().await;
    found
}

async fn attempt(
    host: &Host,
    project: &Project,
    component: &Bytes,
    all: &[(String, cases::Case)],
    printer: &Printer,
) -> Result<Inspection> {
    let name = &project.manifest.name;
    let blob = host.artifacts.put(component.clone()).await?;
    let inspection = host.invoke.inspect(&host.artifacts.hold(&blob.digest).await?).await;
    let refused =
        |what: &dyn std::fmt::Display| Stop::new(Exit::Refused, format!("could not publish `{name}`: {what}"));
    let inspection = inspection.map_err(|error| refused(&error))?;
    let submission = host_dispatch::release::Submission {
        project: Name::default_project(),
        component: blob.digest,
        manifest: project.manifest.clone(),
        activate: true,
        who: "fn publish".to_owned(),
    };
    let released = host.release.deploy(submission).await.map_err(|error| refused(&error))?;
    let folder = project.cases();
    let subject = cases::Subject { dispatch: host.dispatcher.as_ref(), revision: &released.revision, folder: &folder };
    for (case, it) in all {
        let differences = it.run(&subject).await;
        if !differences.is_empty() {
            let what = format!("case `{case}` of `{name}` failed: {}", differences.join("; "));
            return Err(Stop::new(Exit::Failed, what).hint("fn test runs them all").into());
        }
    }
    printer.say(&format!("{} cases of `{name}` pass", all.len()));
    Ok(inspection)
}
