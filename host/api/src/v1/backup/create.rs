//! `GET /api/v1/backup`: everything of this installation, as one file.

use axum::{extract::State, response::Response};
use host_store::Bytes;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{AppState, archive, extract::InQuery, problem::Problem};

/// What goes into the backup.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Whether the bytes of artifacts are in it; without them it is of use only beside the same object store.
    #[serde(default = "yes")]
    #[param(default = true)]
    artifacts: bool,
}

fn yes() -> bool {
    true
}

/// Gives a backup: every row of every table as they are at one moment, and the bytes of every artifact. Secrets stay
/// sealed, and the key that opens them is not in it. The stream breaks off where something is damaged.
#[utoipa::path(get, path = "/api/v1/backup", tag = "backup", operation_id = "create_backup", params(Query),
    responses((status = 200, content_type = "application/gzip", body = Vec<u8>)))]
pub(crate) async fn create(State(state): State<AppState>, InQuery(query): InQuery<Query>) -> Result<Response, Problem> {
    let bytes = if query.artifacts { Bytes::Along } else { Bytes::Stay };
    let place = archive::place(&state)?;
    let backup = state.store.backup(bytes, env!("CARGO_PKG_VERSION")).await?;
    Ok(archive::respond(place, "weft-backup.tar.gz", move |out| backup.write(out)))
}
