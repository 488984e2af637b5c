//! Puts a model or a function into service.

use host_core::{
    call::InferCall, event::Failure, model::ScoreError, pipeline::Deploy, ports::Endpoint, run::StepResult,
};
use serde_json::{Map, json};

use crate::{
    executor::Attempt,
    failure::{of_deployment, of_model},
    services::Services,
    view::View,
};

/// Serves an endpoint, or activates a revision.
pub(crate) async fn run(view: &View<'_>, action: &Deploy, services: &Services) -> Attempt {
    let results = match action {
        Deploy::Endpoint { endpoint, model } => serve(view, endpoint, model, services).await?,
        Deploy::Function { function } => activate(view, function, services).await?,
    };
    Ok(StepResult { results, ..StepResult::default() })
}

type Results = Map<String, serde_json::Value>;

async fn serve(
    view: &View<'_>,
    endpoint: &host_core::Name,
    model: &host_core::model::ModelRef,
    services: &Services,
) -> Result<Results, Failure> {
    let spec = &view.claim.run;
    let version = services.models.resolve(&spec.project, model).await.map_err(|error| of_model(&error))?;
    load(services, &version.id).await?;
    let served = Endpoint {
        name: endpoint.clone(),
        model: model.clone(),
        updated_by: spec.owner.clone(),
        updated_at: services.clock.now(),
    };
    services.models.serve(&spec.project, served).await.map_err(|error| of_model(&error))?;
    Ok(Map::from_iter([
        ("endpoint".to_owned(), json!(endpoint)),
        ("model".to_owned(), json!(model.to_string())),
        ("version".to_owned(), json!(version.id.number)),
        ("path".to_owned(), json!(format!("/v2/models/{endpoint}/infer"))),
    ]))
}

/// Loads the version before anybody waits for it. Asking with no tensors is refused only after it is loaded.
async fn load(services: &Services, version: &host_core::model::VersionId) -> Result<(), Failure> {
    let nothing = InferCall { inputs: Vec::new(), outputs: Vec::new() };
    match services.score.infer_version(version, nothing, None).await {
        Ok(_) | Err(ScoreError::Invalid(_)) => Ok(()),
        Err(ScoreError::Busy | ScoreError::Deadline) => {
            Err(Failure::transient("busy", "the model could not be loaded now"))
        }
        Err(error) => Err(Failure::invalid("bad-model", error.to_string())),
    }
}

async fn activate(
    view: &View<'_>,
    function: &host_core::function::FunctionRef,
    services: &Services,
) -> Result<Results, Failure> {
    let spec = &view.claim.run;
    let revision =
        services.deployments.revision(&spec.project, function).await.map_err(|error| of_deployment(&error))?;
    let reason = format!("run {} step {}", spec.id, view.claim.key.step);
    services.deployments.activate(&revision, &spec.owner, &reason).await.map_err(|error| of_deployment(&error))?;
    services.directory.refresh().await.map_err(|error| of_deployment(&error))?;
    Ok(Map::from_iter([
        ("function".to_owned(), json!(revision.function)),
        ("revision".to_owned(), json!(revision.number)),
        ("path".to_owned(), json!(format!("/fn/{}", revision.function))),
    ]))
}
