//! `GET /api/v1/projects/{project}/runs/{id}/comparison`: a reproduction beside its original.

use axum::{Json, extract::State};
use host_core::{Name, RunId};
use host_wire::run::{Compared, Comparison, Sameness};

use crate::{AppState, extract::InPath, problem::Problem};

/// Compares a reproduction with the run it does again, artifact by artifact.
#[utoipa::path(get, path = "/api/v1/projects/{project}/runs/{id}/comparison", tag = "runs",
    operation_id = "compare_run", params(("project" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = Comparison), (status = 404, body = host_wire::Problem),
        (status = 409, body = host_wire::Problem)))]
pub(crate) async fn compare(
    State(state): State<AppState>,
    InPath((project, id)): InPath<(Name, RunId)>,
) -> Result<Json<Comparison>, Problem> {
    super::find(&state, &project, id).await?;
    Ok(Json(comparison(state.runs.compare(id).await?)))
}

fn comparison(comparison: host_pipelines::Comparison) -> Comparison {
    let verdict = match comparison.verdict {
        host_pipelines::Verdict::Identical => Sameness::Identical,
        host_pipelines::Verdict::Different => Sameness::Different,
        host_pipelines::Verdict::NotComparable => Sameness::NotComparable,
        host_pipelines::Verdict::Unfinished => Sameness::Unfinished,
    };
    Comparison {
        original: comparison.original,
        reproduction: comparison.reproduction,
        verdict,
        obstacles: comparison.obstacles,
        outputs: comparison.outputs.into_iter().map(compared).collect(),
    }
}

fn compared(compared: host_pipelines::Compared) -> Compared {
    let host_pipelines::Compared { step, output, before, after, first_difference } = compared;
    Compared { step, output, before, after, first_difference }
}
