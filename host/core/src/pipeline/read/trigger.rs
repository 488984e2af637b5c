//! What starts a pipeline, from the text: `schedule` or `event`, each as in a function's manifest, and params.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::super::{
    ParamSpec, PipelineTrigger, bind_params,
    reader::{Reader, Spot},
    trigger::MAX_TRIGGERS,
};
use crate::manifest::{EventTrigger, ScheduleTrigger, Trigger};

/// The keys of a trigger.
pub(in super::super) const TRIGGER_KEYS: &[&str] = &["schedule", "event", "params"];
/// The keys of a schedule.
pub(in super::super) const SCHEDULE_KEYS: &[&str] = &["name", "cron", "zone", "missed", "grace", "overlap", "jitter"];
/// The keys of an event.
pub(in super::super) const EVENT_KEYS: &[&str] = &["name", "types", "subjects"];

/// Reads a list of triggers.
pub(super) fn read(
    reader: &mut Reader<'_>,
    spot: &Spot<'_>,
    declared: &IndexMap<String, ParamSpec>,
) -> Vec<PipelineTrigger> {
    let Some(items) = reader.list(spot, "a list of triggers") else { return Vec::new() };
    if items.len() > MAX_TRIGGERS {
        reader.problem(spot, format!("there are {} triggers, more than {MAX_TRIGGERS}", items.len()), None);
    }
    let mut names = HashSet::new();
    let mut triggers = Vec::new();
    for item in spot.items().take(MAX_TRIGGERS) {
        let Some(trigger) = one(reader, &item, declared) else { continue };
        if !names.insert(trigger.name().to_owned()) {
            let message = format!("two triggers are called `{}`", trigger.name());
            reader.problem(&item, message, Some("give one of them another `name`".into()));
        }
        triggers.push(trigger);
    }
    triggers
}

fn one(reader: &mut Reader<'_>, spot: &Spot<'_>, declared: &IndexMap<String, ParamSpec>) -> Option<PipelineTrigger> {
    reader.mapping(spot, "a trigger", TRIGGER_KEYS)?;
    let trigger = match (spot.get("schedule"), spot.get("event")) {
        (Some(it), None) => schedule(reader, &it),
        (None, Some(it)) => event(reader, &it),
        _ => {
            let suggestion = "write `schedule: { cron: \"0 2 * * *\" }` or `event: { types: [run.finished] }`";
            reader.problem(spot, "it does not say what starts the pipeline", Some(suggestion.into()));
            None
        }
    };
    let params = spot.get("params").map(|it| params(reader, &it)).unwrap_or_default();
    if let Err(problems) = bind_params(declared, &params) {
        for problem in problems {
            reader.problem_at(&spot.inner(&problem.path), problem.message, problem.suggestion);
        }
    }
    Some(PipelineTrigger { trigger: trigger?, params })
}

fn params(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Map<String, Value> {
    reader.any_mapping(spot, "params").cloned().unwrap_or_default()
}

fn schedule(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<Trigger> {
    reader.mapping(spot, "a schedule", SCHEDULE_KEYS)?;
    if spot.get("cron").is_none() {
        reader.problem(spot, "`cron` is missing", Some("add `cron: \"0 2 * * *\"`".into()));
        return None;
    }
    let trigger = typed::<ScheduleTrigger>(reader, spot)?;
    let path = if crate::schedule::check(&trigger.cron, "UTC").is_err() { "cron" } else { "zone" };
    if let Err(message) = trigger.check() {
        reader.problem_at(&spot.inner(path), message, None);
        return None;
    }
    Some(Trigger::Schedule(trigger))
}

fn event(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<Trigger> {
    reader.mapping(spot, "an event", EVENT_KEYS)?;
    if spot.get("types").is_none() {
        reader.problem(spot, "`types` is missing", Some("add `types: [run.finished]`".into()));
        return None;
    }
    let trigger = typed::<EventTrigger>(reader, spot)?;
    if let Err(message) = trigger.check() {
        reader.problem(spot, message, None);
        return None;
    }
    Some(Trigger::Event(trigger))
}

/// The whole as the manifest has it; where it does not fit, the first key alone that does not is at fault.
fn typed<T: serde::de::DeserializeOwned>(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<T> {
    let error = match serde_json::from_value(spot.value.clone()) {
        Ok(read) => return Some(read),
        Err(error) => error,
    };
    let entries = spot.value.as_object().cloned().unwrap_or_default();
    let without = |key: &str| {
        let mut rest = entries.clone();
        rest.remove(key);
        serde_json::from_value::<T>(Value::Object(rest)).is_ok()
    };
    match entries.keys().find(|key| without(key)) {
        Some(key) => reader.problem_at(&spot.inner(key), error.to_string(), None),
        None => reader.problem(spot, error.to_string(), None),
    }
    None
}
