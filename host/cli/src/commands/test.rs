//! `fn test`: a function's cases, in the real engine, on memory stores.

use anyhow::Result;
use host_core::{Name, ports::Artifacts};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    args::{TestArgs, UpArgs},
    build, cases, config,
    project::Project,
    serve::{Host, Place},
    ui::{Exit, Printer, Stop},
};

/// Builds the function, runs every case, and fails when one does.
pub(super) async fn run(args: &TestArgs, printer: &Printer) -> Result<()> {
    let project = Project::open(&args.source.source)?;
    let all = cases::read(&project.cases())?;
    let component = build::component(&project, !args.no_build, printer)?;
    let data = tempfile::tempdir()?;
    let nowhere = UpArgs { data: Some(data.path().to_owned()), ..UpArgs::default() };
    let host = Host::build(config::load(&nowhere)?, Place::Memory).await?;
    let stop = CancellationToken::new();
    let tasks = host.start(&stop).await?;
    let blob = host.artifacts.put(component.into()).await?;
    let submission = host_dispatch::release::Submission {
        project: Name::default_project(),
        component: blob.digest,
        manifest: project.manifest.clone(),
        activate: true,
        who: "fn test".to_owned(),
    };
    let released =
        host.release.deploy(submission).await.map_err(|error| {
            Stop::new(Exit::Refused, format!("could not deploy `{}`: {error}", project.manifest.name))
        })?;
    let subject =
        cases::Subject { dispatch: host.dispatcher.as_ref(), revision: &released.revision, folder: &project.cases() };
    let failed = each(&all, &subject, printer).await;
    host.drain(&stop, std::time::Duration::from_secs(1)).await;
    tasks.wait().await;
    host.close().await;
    report(&project, all.len(), failed, printer)
}

async fn each(all: &[(String, cases::Case)], subject: &cases::Subject<'_>, printer: &Printer) -> usize {
    let mut failed = 0;
    for (name, case) in all {
        let differences = case.run(subject).await;
        failed += usize::from(!differences.is_empty());
        let result = json!({ "case": name, "description": case.description, "ok": differences.is_empty(), "differences": differences });
        printer.answer(&result, || line(name, &differences));
    }
    failed
}

fn line(name: &str, differences: &[String]) -> String {
    if differences.is_empty() {
        return format!("ok      {name}");
    }
    let all: String = differences.iter().map(|it| format!("\n          {it}")).collect();
    format!("FAILED  {name}{all}")
}

fn report(project: &Project, all: usize, failed: usize, printer: &Printer) -> Result<()> {
    let name = &project.manifest.name;
    if failed > 0 {
        return Err(Stop::new(Exit::Failed, format!("{failed} of {all} cases of `{name}` failed")).into());
    }
    if all == 0 {
        printer.warn(&format!("`{name}` has no cases; put one into {}", project.cases().display()));
    }
    let cases = if all == 1 { "case" } else { "cases" };
    printer.done(&format!("{all} {cases} of `{name}` passed"));
    Ok(())
}
