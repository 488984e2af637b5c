//! What waits for what: every reference from one step to another, whether it leads anywhere, and whether in circles.

use indexmap::{IndexMap, IndexSet};
use serde_json::Value;

use super::{
    Action, Call, CallPayload, CallTarget, Deploy, Input, OutputRef, Pipeline, Step, Subject, VersionRef,
    problem::did_you_mean,
    reader::Reader,
    template::{self, Part},
};
use crate::{
    Name,
    model::{At, ModelRef},
};

/// A reference from one step to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link<'p> {
    /// The step it leads to.
    pub(super) to: &'p str,
    /// Which of its outputs is meant, if one is.
    pub(super) output: Option<&'p str>,
    /// Where it stands.
    pub(super) path: String,
}

/// A placeholder, or a path of a condition, and where it stands.
struct Mention {
    path: String,
    subject: Result<Subject, (String, Option<String>)>,
}

impl Pipeline {
    /// The steps that each step waits for.
    ///
    /// Beside what it names, a step that puts a model into service waits for those that move the alias it serves, and
    /// a step that calls something waits for those that deploy it, unless these wait for it in turn.
    #[must_use]
    pub fn dependencies(&self) -> IndexMap<&str, IndexSet<&str>> {
        let mut waits: IndexMap<&str, IndexSet<&str>> = IndexMap::new();
        for (name, step) in &self.steps {
            let named = links(name, step).into_iter().map(|link| link.to);
            let mentioned = mentions(name, step).into_iter().filter_map(|it| match it.subject {
                Ok(Subject::Result { step, .. }) => self.steps.get_key_value(&step).map(|(name, _)| name.as_str()),
                _ => None,
            });
            waits.insert(name, named.chain(mentioned).filter(|to| self.steps.contains_key(*to)).collect());
        }
        // Calls first: whether a promotion waits for a call decides whether a deploy may wait for the promotion.
        let is_call = |step: &Step| matches!(step.action, Action::Call(_));
        let calls = self.steps.iter().filter(|(_, step)| is_call(step));
        let deploys = self.steps.iter().filter(|(_, step)| !is_call(step));
        for (name, step) in calls.chain(deploys) {
            for (other, _) in
                self.steps.iter().filter(|(other, it)| *other != name && prepares(&it.action, &step.action))
            {
                if !leads_to(&waits, other, name)
                    && let Some(waits) = waits.get_mut(name.as_str())
                {
                    waits.insert(other);
                }
            }
        }
        waits
    }
}

/// Whether `first` puts in place what `second` uses, by name.
fn prepares(first: &Action, second: &Action) -> bool {
    match (first, second) {
        (Action::RegisterModel(register), Action::Deploy(Deploy::Endpoint { model, .. })) => {
            serves(model, &register.model, register.alias.as_ref())
        }
        (Action::PromoteModel(promote), Action::Deploy(Deploy::Endpoint { model, .. })) => {
            serves(model, &promote.model, Some(&promote.alias))
        }
        (
            Action::Deploy(Deploy::Endpoint { endpoint, .. }),
            Action::Call(Call { target: CallTarget::Endpoint(called), .. }),
        ) => endpoint == called,
        (
            Action::Deploy(Deploy::Function { function }),
            Action::Call(Call { target: CallTarget::Function(called), .. }),
        ) => function.name == called.name,
        _ => false,
    }
}

/// Whether `wanted` may be the version that `alias` of `model` was just moved to.
fn serves(wanted: &ModelRef, model: &Name, alias: Option<&Name>) -> bool {
    let by_alias = match &wanted.at {
        At::Default => alias.is_none_or(|alias| alias.as_str() == "production"),
        At::Alias(wanted) => alias == Some(wanted),
        At::Number(_) => false,
    };
    wanted.model == *model && by_alias
}

/// Whether `from` waits for `to`, directly or not.
fn leads_to(waits: &IndexMap<&str, IndexSet<&str>>, from: &str, to: &str) -> bool {
    let mut seen = IndexSet::from([from]);
    let mut at = 0;
    while let Some(step) = seen.get_index(at).copied() {
        if step == to {
            return true;
        }
        seen.extend(waits.get(step).into_iter().flatten().copied());
        at += 1;
    }
    false
}

/// Every reference of a step that names another one outright.
pub(super) fn links<'p>(name: &str, step: &'p Step) -> Vec<Link<'p>> {
    let at = |inner: &str| format!("steps.{name}.{inner}");
    let output = |reference: &'p OutputRef, inner: &str| Link {
        to: &reference.step,
        output: Some(&reference.output),
        path: at(inner),
    };
    let whole = |to: &'p str, path: String| Link { to, output: None, path };
    let mut links = Vec::new();
    for (input, source) in &step.inputs {
        if let Input::Output(reference) = source {
            links.push(output(reference, &format!("inputs.{input}")));
        }
    }
    for (index, needed) in step.needs.iter().enumerate().filter(|(_, needed)| !needed.is_empty()) {
        links.push(whole(needed, at(&format!("needs[{index}]"))));
    }
    match &step.action {
        Action::RegisterModel(register) => {
            links.push(output(&register.from, "register-model.from"));
            links.extend(register.metrics.iter().map(|to| whole(to, at("register-model.metrics"))));
        }
        Action::PromoteModel(promote) => {
            if let VersionRef::Step(to) = &promote.version {
                links.push(whole(to, at("promote-model.version")));
            }
        }
        Action::Call(Call { payload: Some(CallPayload::Sample(sample)), .. }) => {
            links.push(output(sample, "call.sample"))
        }
        Action::Function(_)
        | Action::Deploy(_)
        | Action::Call(_)
        | Action::Request(_)
        | Action::Notify(_)
        | Action::Event(_)
        | Action::Tracked(_) => {}
    }
    links
}

/// Every placeholder and every path of a condition.
fn mentions(name: &str, step: &Step) -> Vec<Mention> {
    let mut found = Vec::new();
    let at = |inner: &str| format!("steps.{name}.{inner}");
    for (input, source) in &step.inputs {
        source.text().into_iter().for_each(|text| in_text(text, &at(&format!("inputs.{input}")), &mut found));
    }
    match &step.action {
        Action::Function(action) => {
            action
                .params
                .iter()
                .for_each(|(param, value)| in_value(value, &at(&format!("params.{param}")), &mut found));
        }
        Action::RegisterModel(register) => {
            register.description.iter().for_each(|text| in_text(text, &at("register-model.description"), &mut found));
        }
        Action::Call(Call { payload: Some(CallPayload::Input(input)), .. }) => {
            in_value(input, &at("call.input"), &mut found)
        }
        Action::PromoteModel(_)
        | Action::Deploy(_)
        | Action::Call(_)
        | Action::Request(_)
        | Action::Notify(_)
        | Action::Event(_)
        | Action::Tracked(_) => {}
    }
    for (_, value, path) in step.sweep.iter().flat_map(super::Sweep::samples) {
        in_value(value, &at(&format!("sweep.{path}")), &mut found);
    }
    let inner = if matches!(step.action, Action::PromoteModel(_)) { "promote-model.when" } else { "when" };
    for text in step.when.iter().flat_map(super::Condition::paths) {
        let subject = Subject::parse_short(text).map_err(|error| (error.to_string(), Some(error.suggestion)));
        found.push(Mention { path: at(inner), subject });
    }
    for text in step.sweep.iter().filter_map(|sweep| sweep.stop_when.as_ref()).flat_map(super::Condition::paths) {
        // The other paths are results of the trial, whose names nobody declares.
        if text.starts_with("params.") {
            let subject =
                text.parse().map_err(|error: super::InvalidSubject| (error.to_string(), Some(error.suggestion)));
            found.push(Mention { path: at("sweep.stop_when"), subject });
        }
    }
    found
}

fn in_value(value: &Value, path: &str, found: &mut Vec<Mention>) {
    match value {
        Value::String(text) => in_text(text, path, found),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| in_value(item, &format!("{path}[{at}]"), found));
        }
        Value::Object(entries) => {
            entries.iter().for_each(|(key, value)| in_value(value, &format!("{path}.{key}"), found));
        }
        _ => {}
    }
}

fn in_text(text: &str, path: &str, found: &mut Vec<Mention>) {
    let mention = |subject| Mention { path: path.to_owned(), subject };
    match template::parts(text) {
        Ok(parts) => found.extend(parts.into_iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Placeholder(inside) => Some(mention(
                inside.parse().map_err(|error: super::InvalidSubject| (error.to_string(), Some(error.suggestion))),
            )),
        })),
        Err(error) => {
            let suggestion = "close it with }, or write $${ for the characters themselves".to_owned();
            found.push(mention(Err((error.to_string(), Some(suggestion)))));
        }
    }
}

/// Notes every reference that leads nowhere, and every circle. `names` are all steps, also those that could not be read.
pub(super) fn verify(pipeline: &Pipeline, names: &IndexSet<&str>, reader: &mut Reader<'_>) {
    for (name, step) in &pipeline.steps {
        if reader.is_full() {
            return;
        }
        for link in links(name, step) {
            verify_link(pipeline, names, name, &link, reader);
        }
        for mention in mentions(name, step) {
            match &mention.subject {
                Err((message, suggestion)) => reader.problem_at(&mention.path, message, suggestion.clone()),
                Ok(Subject::Result { step, .. }) => {
                    let link = Link { to: step, output: None, path: mention.path };
                    verify_link(pipeline, names, name, &link, reader);
                }
                Ok(subject) => {
                    let param = subject.param().unwrap_or_default();
                    if !pipeline.params.contains_key(param) && !reader.is_full() {
                        let suggestion = did_you_mean(param, pipeline.params.keys().map(String::as_str));
                        reader.problem_at(&mention.path, format!("there is no param `{param}`"), suggestion);
                    }
                }
            }
        }
        verify_promotion(pipeline, name, step, reader);
    }
    for circle in circles(pipeline.dependencies()) {
        let (first, path) = (circle[0], circle.join(" → "));
        let message = format!("steps wait for one another: {path} → {first}");
        reader.problem_at(&format!("steps.{first}"), message, Some("take one of these references out".into()));
    }
}

fn verify_link(pipeline: &Pipeline, names: &IndexSet<&str>, from: &str, link: &Link<'_>, reader: &mut Reader<'_>) {
    if reader.is_full() {
        return;
    }
    if link.to == from {
        reader.problem_at(&link.path, format!("step `{from}` refers to itself"), None);
        return;
    }
    if !names.contains(link.to) {
        let known = names.iter().copied().filter(|name| *name != from);
        let suggestion = did_you_mean(link.to, known);
        reader.problem_at(&link.path, format!("there is no step `{}`", link.to), suggestion);
        return;
    }
    let (Some(step), Some(output)) = (pipeline.steps.get(link.to), link.output) else { return };
    let Some(function) = step.action.function() else {
        let message = format!("step `{}` is a `{}` and has no outputs", link.to, step.action.as_str());
        reader.problem_at(&link.path, message, None);
        return;
    };
    if !step.has_outputs() {
        let message = format!("step `{}` sweeps without choosing, so it has no outputs", link.to);
        reader.problem_at(&link.path, message, Some("add `select: max.METRIC` to its sweep".into()));
    } else if !function.outputs.is_empty() && !function.outputs.iter().any(|it| it == output) {
        let suggestion = did_you_mean(output, function.outputs.iter().map(String::as_str));
        reader.problem_at(&link.path, format!("step `{}` does not list `{output}` under outputs", link.to), suggestion);
    }
}

/// A promoted version is one that a step of this pipeline registers for the same model.
fn verify_promotion(pipeline: &Pipeline, name: &str, step: &Step, reader: &mut Reader<'_>) {
    let Action::PromoteModel(promote) = &step.action else { return };
    let VersionRef::Step(from) = &promote.version else { return };
    let path = format!("steps.{name}.promote-model.version");
    match pipeline.steps.get(from).map(|step| &step.action) {
        Some(Action::RegisterModel(register)) if register.model != promote.model => {
            let message = format!("step `{from}` registers `{}`, not `{}`", register.model, promote.model);
            reader.problem_at(&path, message, None);
        }
        Some(Action::RegisterModel(_)) | None => {}
        Some(_) => reader.problem_at(&path, format!("step `{from}` registers no model"), None),
    }
}

/// Every circle once, each beginning with its first step in the order of the text.
fn circles<'p>(mut waits: IndexMap<&'p str, IndexSet<&'p str>>) -> Vec<Vec<&'p str>> {
    let order: Vec<&str> = waits.keys().copied().collect();
    let mut circles = Vec::new();
    // A step that refers to itself was told already.
    waits.iter_mut().for_each(|(name, waits)| _ = waits.shift_remove(name));
    loop {
        peel(&mut waits);
        let Some(mut at) = waits.keys().next().copied() else { return circles };
        let mut walked = IndexSet::new();
        // Everything left waits for something left, so the walk must come back to where it was.
        while walked.insert(at) {
            at = waits[at].iter().next().copied().unwrap_or(at);
        }
        let start = walked.get_index_of(at).unwrap_or(0);
        let mut circle: Vec<&str> = walked.into_iter().skip(start).collect();
        let first = circle.iter().enumerate().min_by_key(|(_, name)| order.iter().position(|it| it == *name));
        let turn = first.map_or(0, |(index, _)| index);
        circle.rotate_left(turn);
        circle.iter().for_each(|name| _ = waits.shift_remove(name));
        circles.push(circle);
    }
}

/// Takes away what waits for nothing that is left, until nothing more can go.
fn peel<'p>(waits: &mut IndexMap<&'p str, IndexSet<&'p str>>) {
    loop {
        let left: IndexSet<&str> = waits.keys().copied().collect();
        waits.values_mut().for_each(|waits| waits.retain(|it| left.contains(it)));
        waits.retain(|_, waits| !waits.is_empty());
        if waits.len() == left.len() {
            return;
        }
    }
}
