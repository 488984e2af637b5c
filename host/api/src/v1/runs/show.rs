//! `GET /api/v1/projects/{project}/runs/{id}`: a run with its steps.

use axum::{Json, extract::State};
use host_core::{Name, RunId};
use host_wire::run::RunDetail;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    extract::{InPath, InQuery},
    problem::Problem,
};

/// What is shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Whether every value of every metric is shown, too.
    #[serde(default)]
    metrics: bool,
}

/// Shows a run with its steps and trials.
#[utoipa::path(get, path = "/api/v1/projects/{project}/runs/{id}", tag = "runs", operation_id = "show_run",
    params(("project" = String, Path), ("id" = String, Path), Query),
    responses((status = 200, body = RunDetail), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    InPath((project, id)): InPath<(Name, RunId)>,
    InQuery(query): InQuery<Query>,
) -> Result<Json<RunDetail>, Problem> {
    let run = super::find(&state, &project, id).await?;
    let steps = state.runs.journal().steps(id).await?;
    let metrics = if query.metrics { Some(state.runs.journal().metrics(id).await?) } else { None };
    Ok(Json(RunDetail::new(run, steps, metrics)))
}
