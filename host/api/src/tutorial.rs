//! The shapes of the model-serving tutorial: `/models`, `/processors` and `/state/{type}`, for the project `default`.
//!
//! They are answered where `api.tutorial` says so, for programs that were written for the tutorial's own server.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use host_core::{
    Name,
    model::{At, ModelRef, VersionStats},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{AppState, problem::Problem};

/// A model and how it is doing, by the tutorial's names.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelToServeStats {
    name: String,
    description: String,
    model_type: i32,
    since: i64,
    usage: u64,
    duration: f64,
    min: i64,
    max: i64,
}

/// What the tutorial says of a data type that no model scores.
const UNKNOWN: ModelToServeStats = ModelToServeStats {
    name: String::new(),
    description: String::new(),
    model_type: 2,
    since: 0,
    usage: 0,
    duration: 0.0,
    min: i64::MAX,
    max: i64::MIN,
};

/// The number that the tutorial's descriptors, with the types that were appended, have for ONNX.
const ONNX: i32 = 3;

/// The routes.
pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/models", get(models)).route("/processors", get(processors)).route("/state/{type}", get(show))
}

/// The data types that models are there for.
async fn models(State(state): State<AppState>) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "models": data_types(&state).await? })))
}

/// The same, under the name that the tutorial's code has for it.
async fn processors(State(state): State<AppState>) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "processors": data_types(&state).await? })))
}

async fn data_types(state: &AppState) -> Result<Vec<Name>, Problem> {
    Ok(state.models.models(&Name::default_project()).await?)
}

/// How the model of a data type is doing.
async fn show(State(state): State<AppState>, Path(data_type): Path<String>) -> Result<Json<Value>, Problem> {
    let stats = stats(&state, &data_type).await.unwrap_or(UNKNOWN);
    Ok(Json(serde_json::to_value(stats).map_err(|error| Problem::storage(error.to_string()))?))
}

async fn stats(state: &AppState, data_type: &str) -> Option<ModelToServeStats> {
    let (project, model) = (Name::default_project(), data_type.parse::<Name>().ok()?);
    let asked = ModelRef { model: model.clone(), at: At::Default };
    let version = state.models.resolve(&project, &asked).await.ok()?;
    let counted = state.score.stats(&project, &model).and_then(|it| it.in_force);
    // What is counted of the version before is not told of the one that is in force by now.
    let counted = counted.filter(|it| it.version == version.id);
    let name = version.origin.as_ref().map_or_else(|| model.to_string(), |it| it.name.clone());
    let known = ModelToServeStats {
        name,
        description: version.description.unwrap_or_default(),
        model_type: ONNX,
        since: version.created_at.as_millisecond(),
        ..UNKNOWN
    };
    Some(match counted {
        Some(counted) if counted.counts.usage > 0 => with_counts(known, &counted),
        Some(counted) => ModelToServeStats { since: counted.since.as_millisecond(), ..known },
        None => known,
    })
}

fn with_counts(known: ModelToServeStats, counted: &VersionStats) -> ModelToServeStats {
    let counts = &counted.counts;
    ModelToServeStats {
        since: counted.since.as_millisecond(),
        usage: counts.usage,
        duration: counts.total_ms,
        min: whole(counts.min_ms),
        max: whole(counts.max_ms),
        ..known
    }
}

/// The tutorial counts whole milliseconds.
#[expect(clippy::cast_possible_truncation, reason = "a duration in milliseconds is far below the bound")]
fn whole(milliseconds: f64) -> i64 {
    milliseconds.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_spelled_as_the_tutorial_spells_them() {
        let text = serde_json::to_string(&UNKNOWN).unwrap();
        let expected = r#"{"name":"","description":"","modelType":2,"since":0,"usage":0,"duration":0.0,"min":9223372036854775807,"max":-9223372036854775808}"#;
        assert_eq!(text, expected);
    }
}
