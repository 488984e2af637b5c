//! `GET /api/v1/projects/{project}/functions/{name}`: a function and what led to its present state.

use axum::{Json, extract::State};
use host_core::{Name, ports::Deployments};
use host_wire::function::{Activation, Function, FunctionDetail};

use crate::{AppState, extract::InPath, problem::Problem};

/// Shows a function in service.
#[utoipa::path(get, path = "/api/v1/projects/{project}/functions/{name}", tag = "functions",
    operation_id = "show_function", params(("project" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = FunctionDetail), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    InPath((project, name)): InPath<(Name, Name)>,
) -> Result<Json<FunctionDetail>, Problem> {
    let revision = state.store.revision(&project, &name.clone().into()).await?;
    let activations = state.store.activations(&project, &name).await?;
    let package = state.store.provenance(revision.id).await?;
    Ok(Json(FunctionDetail {
        function: Function::from(&*revision),
        manifest: revision.manifest.clone(),
        package: package.map(Into::into),
        activations: activations.into_iter().map(activation).collect(),
    }))
}

fn activation(activation: host_store::Activation) -> Activation {
    let host_store::Activation { number, at, who, reason, .. } = activation;
    Activation { revision: number, at, who, reason }
}
