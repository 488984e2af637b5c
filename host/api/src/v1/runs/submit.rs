//! `POST /api/v1/projects/{project}/runs`: runs a pipeline or a job.

use axum::{Json, extract::State};
use host_core::{
    Name, RunId,
    pipeline::{Input, Pipeline},
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
    InBody(body): InBody<Submit>,
) -> Result<(StatusCode, Json<Run>), Problem> {
    let work = match (body.pipeline, body.function) {
        (Some(yaml), None) if body.inputs.is_empty() => {
            // What is no pipeline is told so below, with every mistake in it.
            if let Ok(pipeline) = Pipeline::parse(&yaml) {
                caller.check_role(auth::role_for(&pipeline))?;
            }
            Work::Pipeline(yaml)
        }
        (Some(_), None) => {
            return Err(Problem::unprocessable(
                "invalid-body",
                "a pipeline names its inputs itself; `inputs` is for jobs",
            ));
        }
        (None, Some(function)) => {
            Work::Job(function, body.inputs.into_iter().map(|(name, it)| (name, Input::from(it))).collect())
        }
        _ => return Err(Problem::unprocessable("invalid-body", "send either `pipeline` or `function`")),
    };
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
