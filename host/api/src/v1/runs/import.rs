//! `POST /api/v1/projects/{project}/runs/import`: takes in a run that happened outside of any host.

use std::{collections::HashSet, time::Duration};

use axum::{Json, extract::State};
use host_core::{
    Name,
    pipeline::Pipeline,
    run::{self, NewRun, Pins, RunKind, StepOutput, TrackedRun},
};
use host_store::StoreError;
use host_wire::{
    imported::{ImportRun, ImportedOutput, MOST_METRICS},
    run::{Run, RunState},
};
use http::StatusCode;
use jiff::Timestamp;

use crate::{
    AppState,
    extract::{InBody, InPath},
    principal::Principal,
    problem::Problem,
};

/// The most inputs or outputs.
const MOST_FILES: usize = 500;
/// The most params, results, labels or packages.
const MOST_ENTRIES: usize = 5_000;
/// The longest name of any of them, or value of a label.
const LONGEST_NAME: usize = 200;
/// How far ahead the clock of whoever tracked a run may be.
const SKEW: Duration = Duration::from_secs(3_600);

/// Takes in a run that happened elsewhere and is over; it is durable when this answers. The bytes of its outputs are
/// uploaded as artifacts first. Importing the same `id` again changes nothing and answers 200.
#[utoipa::path(post, path = "/api/v1/projects/{project}/runs/import", tag = "runs", operation_id = "import_run",
    params(("project" = String, Path)), request_body = ImportRun,
    responses((status = 201, body = Run), (status = 200, body = Run), (status = 409, body = host_wire::Problem),
        (status = 422, body = host_wire::Problem)))]
pub(crate) async fn import(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath(project): InPath<Name>,
    InBody(body): InBody<ImportRun>,
) -> Result<(StatusCode, Json<Run>), Problem> {
    check(&body, state.clock.now())?;
    let outputs = stored(&state, &project, &body.outputs).await?;
    let run = tracked(project.clone(), body, outputs, who);
    let (there, is_new) = state.store.import_run(&run).await?;
    if there.spec.project != project || there.spec.kind != RunKind::Tracked {
        let detail = format!("the id {} is that of another run", run.spec.id);
        return Err(Problem::new(StatusCode::CONFLICT, "id-taken", detail).hint("give the run an id of its own"));
    }
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(there.into())))
}

/// What can be told from the run alone.
fn check(run: &ImportRun, now: Timestamp) -> Result<(), Problem> {
    let wrong = |code: &str, detail: String| Err(Problem::unprocessable(code, detail));
    if run.state == RunState::Running {
        return wrong("not-over", "the run is still running; import it once it is over".into());
    }
    if run.finished_at < run.started_at || run.finished_at > now.checked_add(SKEW).unwrap_or(Timestamp::MAX) {
        let detail = format!("a run cannot last from {} to {} when it is {now}", run.started_at, run.finished_at);
        return wrong("invalid-time", detail);
    }
    let counts = [
        ("metrics", run.metrics.len(), MOST_METRICS),
        ("inputs", run.inputs.len(), MOST_FILES),
        ("outputs", run.outputs.len(), MOST_FILES),
        ("params", run.params.len(), MOST_ENTRIES),
        ("results", run.results.len(), MOST_ENTRIES),
        ("labels", run.labels.len(), MOST_ENTRIES),
        ("packages", run.program.packages.len(), MOST_ENTRIES),
    ];
    if let Some((what, count, most)) = counts.into_iter().find(|(_, count, most)| count > most) {
        return wrong("too-many", format!("the run has {count} {what}, and at most {most} are taken"));
    }
    if let Some(name) = names(run).find(|it| it.is_empty() || it.len() > LONGEST_NAME || it.contains(char::is_control))
    {
        let start: String = name.chars().take(40).collect();
        return wrong("invalid-name", format!("`{}` is no name: 1 to {LONGEST_NAME} characters", start.escape_debug()));
    }
    let mut seen = HashSet::new();
    match run.outputs.iter().find(|it| !seen.insert(it.name.as_str())) {
        Some(twice) => wrong("two-outputs", format!("the run has two outputs named `{}`", twice.name)),
        None => Ok(()),
    }
}

/// Every name that is looked up or shown in a list.
fn names(run: &ImportRun) -> impl Iterator<Item = &str> {
    let files = run.inputs.iter().map(|it| &it.name).chain(run.outputs.iter().map(|it| &it.name));
    let entries = run.params.keys().chain(run.results.keys()).chain(run.labels.keys());
    let values = run.labels.values().filter(|it| !it.is_empty());
    files.chain(entries).chain(values).chain(run.metrics.iter().map(|it| &it.name)).map(String::as_str)
}

/// The outputs, each with its size. Only bytes of this project count as stored: a digest alone opens no other's.
async fn stored(state: &AppState, project: &Name, outputs: &[ImportedOutput]) -> Result<Vec<StepOutput>, Problem> {
    let mut stored = Vec::with_capacity(outputs.len());
    for output in outputs {
        let size = match state.store.artifact(project, &output.digest).await {
            Ok(artifact) => artifact.size,
            Err(StoreError::NotFound(_)) => {
                let detail =
                    format!("the bytes of output `{}`, {}, are not in the project", output.name, output.digest);
                let problem = Problem::unprocessable("not-uploaded", detail);
                return Err(problem.hint("upload them with POST /api/v1/projects/{project}/artifacts first"));
            }
            Err(error) => return Err(error.into()),
        };
        stored.push(output.clone().sized(size));
    }
    Ok(stored)
}

fn tracked(project: Name, body: ImportRun, outputs: Vec<StepOutput>, owner: String) -> TrackedRun {
    let id = body.id;
    let platform = body.program.platform();
    let spec = NewRun {
        id,
        project,
        kind: RunKind::Tracked,
        pipeline: Pipeline::of_tracked(body.name, body.program.into()),
        params: body.params,
        seed: body.seed,
        as_of: body.started_at,
        pins: Pins::default(),
        owner,
        labels: body.labels,
        source: body.code.into(),
        platform,
        reproduces: None,
        depth: 0,
    };
    TrackedRun {
        spec,
        state: run::RunState::from(body.state),
        failure: body.failure.map(Into::into),
        inputs: body.inputs.into_iter().map(Into::into).collect(),
        outputs,
        results: body.results,
        metrics: body.metrics.into_iter().map(|it| it.of(id)).collect(),
        started_at: body.started_at,
        finished_at: body.finished_at,
    }
}
