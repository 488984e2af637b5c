//! Makes an output a version of a model, verified by loading it and running a sample.

use host_core::{
    event::Failure,
    pipeline::{RegisterModel, render_text},
    ports::NewVersion,
    run::{StepInput, StepResult},
};
use serde_json::{Map, Value, json};

use crate::{
    executor::Attempt,
    failure::{of_artifact, of_model, of_unresolved},
    services::Services,
    view::View,
};

/// The largest model that is registered, bytes.
const MOST: u64 = 2 << 30;

/// Verifies, registers and, where asked, moves an alias.
pub(crate) async fn run(view: &View<'_>, action: &RegisterModel, services: &Services) -> Attempt {
    let output = view.output(&action.from).ok_or_else(|| missing(action))?;
    let spec = &view.claim.run;
    let bytes = services
        .artifacts
        .get(&output.digest, MOST)
        .await
        .map_err(|error| of_artifact(&action.from.to_string(), &error))?;
    let format = output.metadata.get("format").and_then(Value::as_str).unwrap_or("onnx").to_owned();
    let signature = services
        .score
        .verify(&format, bytes)
        .await
        .map_err(|error| Failure::invalid("bad-model", error.to_string()))?;
    let description = action.description.as_ref().map(|text| render_text(text, &view.scope())).transpose();
    let version = NewVersion {
        project: spec.project.clone(),
        model: action.model.clone(),
        digest: output.digest,
        format,
        signature,
        metrics: metrics(view, action),
        description: description.map_err(|error| of_unresolved("description", &error))?,
        run: Some(spec.id),
        step: Some(action.from.step.clone()),
        origin: None,
        created_by: spec.owner.clone(),
    };
    let version = services.models.register(version).await.map_err(|error| of_model(&error))?;
    let mut results = Map::from_iter([
        ("model".to_owned(), json!(action.model)),
        ("version".to_owned(), json!(version.id.number)),
        ("digest".to_owned(), json!(version.id.digest)),
    ]);
    if let Some(alias) = &action.alias {
        let moved = services.models.promote(&spec.project, &action.model, alias, version.id.number, &spec.owner);
        moved.await.map_err(|error| of_model(&error))?;
        results.insert("alias".to_owned(), json!(alias));
    }
    let input = StepInput {
        name: "model".to_owned(),
        digest: output.digest,
        kind: output.kind,
        media_type: None,
        from: action.from.to_string(),
    };
    Ok(StepResult { results, inputs: vec![input], models: vec![version.id], ..StepResult::default() })
}

/// The results of the step that measured it, as far as they are numbers.
fn metrics(view: &View<'_>, action: &RegisterModel) -> Map<String, Value> {
    let measured = action.metrics.as_deref().and_then(|step| view.results(step));
    let numbers = measured.into_iter().flatten().filter(|(_, value)| value.is_number());
    numbers.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn missing(action: &RegisterModel) -> Failure {
    Failure::invalid("missing-output", format!("`{}` left no model to register", action.from))
}
