//! What a step does.

use serde_json::{Map, Value};

use super::read_texts;
use crate::{
    function::FunctionRef,
    model::ModelRef,
    pipeline::{
        Action, Call, CallPayload, CallTarget, Deploy, FunctionAction, OutputRef, PromoteModel, RegisterModel,
        VersionRef,
        reader::{Reader, Spot},
    },
};

/// The keys of `register-model`.
pub(in crate::pipeline) const REGISTER_KEYS: &[&str] = &["model", "from", "metrics", "alias", "description"];
/// The keys of `promote-model`.
pub(in crate::pipeline) const PROMOTE_KEYS: &[&str] = &["model", "version", "alias", "when"];
/// The keys of `deploy`.
pub(in crate::pipeline) const DEPLOY_KEYS: &[&str] = &["endpoint", "model", "function"];
/// The keys of `call`.
pub(in crate::pipeline) const CALL_KEYS: &[&str] = &["endpoint", "function", "input", "sample", "requests", "parallel"];

/// The most requests that one `call` makes.
const MAX_REQUESTS: u32 = 100_000;
/// The most requests that one `call` has in flight.
const MAX_IN_FLIGHT: u32 = 256;

/// Reads the action under `kind`, one of the keys that say what a step does.
pub(super) fn read(reader: &mut Reader<'_>, step: &Spot<'_>, kind: &str) -> Option<Action> {
    let spot = step.get(kind)?;
    match kind {
        "function" => read_function(reader, step, &spot).map(Action::Function),
        "register-model" => read_register(reader, &spot).map(Action::RegisterModel),
        "promote-model" => read_promote(reader, &spot).map(Action::PromoteModel),
        "deploy" => read_deploy(reader, &spot).map(Action::Deploy),
        _ => read_call(reader, &spot).map(Action::Call),
    }
}

fn read_function(reader: &mut Reader<'_>, step: &Spot<'_>, spot: &Spot<'_>) -> Option<FunctionAction> {
    let params = step.get("params").map(|it| read_values(reader, &it)).unwrap_or_default();
    let outputs = step.get("outputs").map(|it| read_texts(reader, &it, "a list of outputs")).unwrap_or_default();
    let function: FunctionRef = reader.parsed(spot)?;
    Some(FunctionAction { function, params, outputs })
}

fn read_values(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Map<String, Value> {
    reader.any_mapping(spot, "params").cloned().unwrap_or_default()
}

fn read_register(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<RegisterModel> {
    reader.mapping(spot, "register-model", REGISTER_KEYS)?;
    let model = required(reader, spot, "model").and_then(|it| reader.parsed(&it));
    let from: Option<OutputRef> = required(reader, spot, "from").and_then(|it| reader.parsed(&it));
    let metrics = spot.get("metrics").and_then(|it| reader.text(&it)).map(str::to_owned);
    let alias = spot.get("alias").and_then(|it| reader.parsed(&it));
    let description = spot.get("description").and_then(|it| reader.text(&it)).map(str::to_owned);
    Some(RegisterModel { model: model?, from: from?, metrics, alias, description })
}

fn read_promote(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<PromoteModel> {
    reader.mapping(spot, "promote-model", PROMOTE_KEYS)?;
    let model = required(reader, spot, "model").and_then(|it| reader.parsed(&it));
    let alias = required(reader, spot, "alias").and_then(|it| reader.parsed(&it));
    let version = required(reader, spot, "version").and_then(|it| match it.value {
        Value::Number(_) => reader.count(&it, 1..=u64::MAX).map(VersionRef::Number),
        _ => reader.text(&it).map(|step| VersionRef::Step(step.to_owned())),
    });
    Some(PromoteModel { model: model?, version: version?, alias: alias? })
}

fn read_deploy(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<Deploy> {
    reader.mapping(spot, "deploy", DEPLOY_KEYS)?;
    let Some(function) = spot.get("function") else {
        let endpoint = required(reader, spot, "endpoint").and_then(|it| reader.parsed(&it));
        let model: Option<ModelRef> = required(reader, spot, "model").and_then(|it| reader.parsed(&it));
        return Some(Deploy::Endpoint { endpoint: endpoint?, model: model? });
    };
    for other in ["endpoint", "model"].into_iter().filter_map(|key| spot.get(key)) {
        reader.key_problem(&other, "a deploy is of a `function`, or of an `endpoint` with its `model`", None);
    }
    reader.parsed(&function).map(|function| Deploy::Function { function })
}

fn read_call(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<Call> {
    reader.mapping(spot, "call", CALL_KEYS)?;
    let target = match (spot.get("endpoint"), spot.get("function")) {
        (Some(endpoint), None) => reader.parsed(&endpoint).map(CallTarget::Endpoint),
        (None, Some(function)) => reader.parsed(&function).map(CallTarget::Function),
        _ => {
            reader.problem(spot, "expected either `endpoint` or `function`", None);
            None
        }
    };
    let payload = match (spot.get("input"), spot.get("sample")) {
        (Some(input), None) => Some(CallPayload::Input(input.value.clone())),
        (None, Some(sample)) => reader.parsed(&sample).map(CallPayload::Sample),
        (None, None) => None,
        (Some(_), Some(sample)) => {
            reader.key_problem(&sample, "a call sends `input` or `sample`, not both", None);
            None
        }
    };
    if matches!(target, Some(CallTarget::Endpoint(_))) && spot.get("input").is_none() && spot.get("sample").is_none() {
        reader.problem(
            spot,
            "an endpoint has to be sent something",
            Some("add `sample: STEP.OUTPUT` or `input: {…}`".into()),
        );
    }
    let requests = spot.get("requests").and_then(|it| reader.small_count(&it, 1..=MAX_REQUESTS)).unwrap_or(1);
    let parallel = spot.get("parallel").and_then(|it| reader.small_count(&it, 1..=MAX_IN_FLIGHT)).unwrap_or(1);
    Some(Call { target: target?, payload, requests, parallel })
}

fn required<'v>(reader: &mut Reader<'_>, spot: &Spot<'v>, key: &str) -> Option<Spot<'v>> {
    let found = spot.get(key);
    if found.is_none() {
        reader.problem(spot, format!("`{key}` is missing"), None);
    }
    found
}
