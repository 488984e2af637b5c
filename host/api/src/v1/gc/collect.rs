//! `POST /api/v1/gc`: says what a policy lets go, and takes it away when asked to.

use axum::{Json, extract::State};
use host_store::gc::{GcError, Group, Item, Policy, Report, Tally};
use host_wire::gc::{Gc, GcGroup, GcItem, GcReport, GcTally};
use http::StatusCode;

use crate::{AppState, extract::InBody, principal::Caller, problem::Problem};

impl From<GcError> for Problem {
    fn from(error: GcError) -> Self {
        match error {
            GcError::Store(error) => error.into(),
            GcError::Bytes(error) => error.into(),
            GcError::NoArtifacts => Self::new(StatusCode::CONFLICT, "no-artifact-store", error.to_string()),
        }
    }
}

/// Says what goes by a policy: runs, revisions and uploads that it lets go, and all bytes that nothing kept needs. Only
/// with `apply` does it go. The policy is the host's, but for what the body says.
#[utoipa::path(post, path = "/api/v1/gc", tag = "gc", operation_id = "collect_garbage", request_body = Gc,
    responses((status = 200, body = GcReport), (status = 409, body = host_wire::Problem)))]
pub(crate) async fn collect(
    State(state): State<AppState>,
    Caller(caller): Caller,
    InBody(asked): InBody<Gc>,
) -> Result<Json<GcReport>, Problem> {
    let policy = policy(state.store.policy(), &asked);
    // In a task of its own: it goes on to its end when whoever asked goes away.
    let collecting = tokio::spawn(async move {
        let who = caller.name.clone();
        host_store::on_behalf_of(caller, state.store.gc(&policy, asked.apply, &who)).await
    });
    let report = collecting.await.map_err(|error| Problem::storage(error.to_string()))?;
    Ok(Json(told(report?)))
}

fn policy(host: &Policy, asked: &Gc) -> Policy {
    Policy {
        keep_runs: asked.keep_runs.or(host.keep_runs),
        keep_last: asked.keep_last.or(host.keep_last),
        keep_uploads: asked.keep_uploads.or(host.keep_uploads),
        keep_revisions: asked.keep_revisions.or(host.keep_revisions),
        grace: asked.grace.unwrap_or(host.grace),
    }
}

fn told(report: Report) -> GcReport {
    GcReport {
        applied: report.applied,
        runs: group(report.runs),
        revisions: group(report.revisions),
        uploads: group(report.uploads),
        artifacts: group(report.artifacts),
        kept: tally(report.kept),
        young: tally(report.young),
    }
}

fn group(group: Group) -> GcGroup {
    let told = |it: Item| GcItem { id: it.id, what: it.what, why: it.why.to_owned(), bytes: it.bytes };
    GcGroup { count: group.count, bytes: group.bytes, first: group.first.into_iter().map(told).collect() }
}

fn tally(tally: Tally) -> GcTally {
    GcTally { count: tally.count, bytes: tally.bytes }
}
