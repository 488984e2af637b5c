//! Moves an alias to a version.

use host_core::{
    event::Failure,
    pipeline::{PromoteModel, VersionRef},
    run::StepResult,
};
use serde_json::{Map, Value, json};

use crate::{executor::Attempt, failure::of_model, services::Services, view::View};

/// Moves the alias; the results say where it pointed before.
pub(crate) async fn run(view: &View<'_>, action: &PromoteModel, services: &Services) -> Attempt {
    let number = match &action.version {
        VersionRef::Number(number) => *number,
        VersionRef::Step(step) => registered(view, step)?,
    };
    let spec = &view.claim.run;
    let moved = services.models.promote(&spec.project, &action.model, &action.alias, number, &spec.owner);
    let before = moved.await.map_err(|error| of_model(&error))?;
    let results = Map::from_iter([
        ("model".to_owned(), json!(action.model)),
        ("alias".to_owned(), json!(action.alias)),
        ("version".to_owned(), json!(number)),
        ("before".to_owned(), json!(before)),
    ]);
    Ok(StepResult { results, ..StepResult::default() })
}

fn registered(view: &View<'_>, step: &str) -> Result<u64, Failure> {
    let version = view.results(step).and_then(|it| it.get("version")).and_then(Value::as_u64);
    version.ok_or_else(|| Failure::invalid("no-version", format!("step `{step}` registered no version")))
}
