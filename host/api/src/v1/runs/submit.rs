//! `POST /api/v1/projects/{project}/runs`: runs a pipeline or a job.

use axum::{Json, extract::State};
use host_core::{
    Name, RunId, identity,
    pipeline::{Input, Pipeline},
    ports::StandingPipelines as _,
};
use host_pipelines::{Submission, Work};
use host_wire::run::{Run, Submit};
use http::StatusCode;

use crate::{
    AppState, auth,
    extract::{InBody, InPath},
    principal::Caller,
    problem::Problem,
};

/// Submits a run; it is durable when this answers. With the client's own `id`, submitting again changes nothing.
#[utoipa::path(post, path = "/api/v1/projects/{project}/runs", tag = "runs", operation_id = "submit_run",
    params(("project" = String, Path)), request_body = Submit,
    responses((status = 201, body = Run), (status = 422, body = host_wire::Problem)))]
pub(crate) async fn submit(
    State(state): State<AppState>,
    Caller(caller): Caller,
    InPath(project): InPath<Name>,
    InBody(mut body): InBody<Submit>,
) -> Result<(StatusCode, Json<Run>), Problem> {
    let work = work(&state, &caller, &project, &mut body).await?;
    let submission = Submission {
        id: body.id.unwrap_or_else(RunId::next),
        project,
        work,
        params: body.params,
        seed: body.seed,
        as_of: body.as_of,
        labels: body.labels,
        owner: caller.name,
        source: body.code.into(),
    };
    let run = state.runs.submit(submission).await?;
    Ok((StatusCode::CREATED, Json(run.into())))
}

/// What is to be run: a pipeline as text or by name, or a job.
async fn work(
    state: &AppState,
    caller: &identity::Principal,
    project: &Name,
    body: &mut Submit,
) -> Result<Work, Problem> {
    if body.function.is_none() && !body.inputs.is_empty() {
        let detail = "a pipeline names its inputs itself; `inputs` is for jobs";
        return Err(Problem::unprocessable("invalid-body", detail));
    }
    let yaml = match (body.pipeline.take(), body.standing.take(), body.function.take()) {
        (Some(yaml), None, None) => yaml,
        (None, Some(name), None) => state.store.pipeline(project, &name).await?.kept.yaml,
        (None, None, Some(function)) => {
            let inputs = std::mem::take(&mut body.inputs);
            return Ok(Work::Job(function, inputs.into_iter().map(|(name, it)| (name, Input::from(it))).collect()));
        }
        _ => return Err(Problem::unprocessable("invalid-body", "send one of `pipeline`, `standing` and `function`")),
    };
    // What is no pipeline is told so later, with every mistake in it.
    if let Ok(pipeline) = Pipeline::parse(&yaml) {
        caller.check_role(auth::role_for(&pipeline))?;
    }
    Ok(Work::Pipeline(yaml))
}
