//! A run for people: steps, trials, results, artifacts.

use host_wire::{
    run::RunDetail,
    step::{Step, StepState},
};
use serde_json::Value;

use crate::ui::{Table, bytes, duration_us};

/// The whole of it.
pub(super) fn text(detail: &RunDetail) -> String {
    let run = &detail.run;
    let state = format!("{:?}", run.state).to_lowercase();
    let mut parts = vec![format!("run {} · {} · {state} · seed {}", run.id, run.name, run.seed)];
    parts.extend(
        run.code
            .commit
            .as_ref()
            .map(|it| format!("commit {it}{}", if run.code.dirty { " (with changes)" } else { "" })),
    );
    parts.extend(run.reproduces.map(|it| format!("reproduces {it}")));
    parts.push(format!("\n{}", steps(&detail.steps)));
    parts.extend(sweeps(&detail.steps).into_iter().map(|it| format!("\n{it}")));
    parts.extend(artifacts(&detail.steps).map(|it| format!("\n{it}")));
    parts.join("\n")
}

/// `name`, or `name#3` for a trial.
pub(super) fn label(step: &Step) -> String {
    step.trial.map_or_else(|| step.step.clone(), |trial| format!("{}#{trial}", step.step))
}

/// How long the last attempt took.
pub(super) fn took_us(step: &Step) -> Option<u64> {
    u64::try_from(step.finished_at?.as_microsecond() - step.started_at?.as_microsecond()).ok()
}

/// Up to `most` results that are numbers or words.
pub(super) fn results(step: &Step, most: usize) -> String {
    let short = step.results.iter().filter_map(|(name, value)| short(value).map(|text| format!("{name}={text}")));
    short.take(most).collect::<Vec<_>>().join(" ")
}

fn short(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(digits(number)),
        Value::String(text) if text.len() <= 24 => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// Four decimals, and none where there are none.
fn digits(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(value) if value.fract() != 0.0 => format!("{value:.4}"),
        Some(value) if number.is_f64() => format!("{value:.0}"),
        _ => number.to_string(),
    }
}

fn steps(steps: &[Step]) -> String {
    let mut table = Table::new(&["step", "state", "took", "cpu", "results"]);
    for it in steps.iter().filter(|it| it.trial.is_none()) {
        let took = if it.cached_from.is_some() {
            "cached".to_owned()
        } else {
            took_us(it).map_or_else(|| "-".to_owned(), duration_us)
        };
        let cpu = it.usage.map_or_else(|| "-".to_owned(), |usage| duration_us(usage.cpu_us));
        let said = it.failure.as_ref().map_or_else(|| results(it, 4), |failure| failure.message.clone());
        table.row([it.step.clone(), format!("{:?}", it.state).to_lowercase(), took, cpu, said]);
    }
    table.text()
}

/// A table of trials per sweep, the chosen one marked.
fn sweeps(steps: &[Step]) -> Vec<String> {
    let swept = steps
        .iter()
        .filter(|it| it.trial.is_none())
        .filter(|parent| steps.iter().any(|it| it.trial.is_some() && it.step == parent.step));
    swept.map(|parent| trials(parent, steps)).collect()
}

fn trials(parent: &Step, steps: &[Step]) -> String {
    let trials: Vec<&Step> = steps.iter().filter(|it| it.step == parent.step && it.trial.is_some()).collect();
    let varied: Vec<&String> = trials
        .first()
        .map(|first| first.params.keys().filter(|key| varies(key, &trials)).collect())
        .unwrap_or_default();
    let header: Vec<String> = std::iter::once(format!("{} trial", parent.step))
        .chain(varied.iter().map(ToString::to_string))
        .chain(["state".into(), "results".into()])
        .collect();
    let mut table = Table::new(&header.iter().map(String::as_str).collect::<Vec<_>>());
    for it in &trials {
        let chosen = !parent.outputs.is_empty() && it.outputs == parent.outputs;
        let number = format!("{}{}", it.trial.unwrap_or_default(), if chosen { " ← best" } else { "" });
        let params = varied.iter().map(|key| it.params.get(*key).map(ToString::to_string).unwrap_or_default());
        let said = it.failure.as_ref().map_or_else(|| results(it, 3), |failure| failure.message.clone());
        let state =
            if it.cached_from.is_some() { "cached".to_owned() } else { format!("{:?}", it.state).to_lowercase() };
        table.row(std::iter::once(number).chain(params).chain([state, said]));
    }
    table.text()
}

/// Whether trials that say anything of `key` differ in it; one that was stopped early says little.
fn varies(key: &str, trials: &[&Step]) -> bool {
    let mut values = trials.iter().filter_map(|it| it.params.get(key));
    let first = values.next();
    values.any(|it| Some(it) != first)
}

fn artifacts(steps: &[Step]) -> Option<String> {
    let mut table = Table::new(&["artifact", "kind", "size", "digest"]);
    let done = steps.iter().filter(|it| it.trial.is_none() && it.state == StepState::Done);
    let mut any = false;
    for (step, output) in done.flat_map(|step| step.outputs.iter().map(move |output| (step, output))) {
        any = true;
        let kind = format!("{:?}", output.kind).to_lowercase();
        table.row([format!("{}.{}", step.step, output.name), kind, bytes(output.size), output.digest.to_string()]);
    }
    any.then(|| table.text())
}

/// A reproduction beside its original.
pub(super) fn comparison(comparison: &Value) -> String {
    let mut table = Table::new(&["artifact", "bytes", "before", "after"]);
    let short = |value: &Value| value.as_str().map_or_else(|| "-".to_owned(), |it| it.chars().take(19).collect());
    for it in comparison["outputs"].as_array().into_iter().flatten() {
        let same = !it["before"].is_null() && it["before"] == it["after"];
        let verdict = match (same, it["first_difference"].as_u64()) {
            (true, _) => "equal".to_owned(),
            (false, Some(at)) => format!("differ at byte {at}"),
            (false, None) => "differ".to_owned(),
        };
        let name = format!("{}.{}", it["step"].as_str().unwrap_or_default(), it["output"].as_str().unwrap_or_default());
        table.row([name, verdict, short(&it["before"]), short(&it["after"])]);
    }
    let obstacles = comparison["obstacles"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let obstacles: String = obstacles.map(|it| format!("\nnot comparable: {it}")).collect();
    format!("{}{obstacles}", table.text())
}
