//! From YAML to a pipeline, noting every mistake on the way.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::Value;

use super::{
    Action, Catalogue, Condition, FunctionAction, Input, ParamSpec, Pipeline, Places, Problem, Step, check, links,
    problem::did_you_mean,
    reader::{Reader, Spot},
    yaml,
};
use crate::{Name, event::FailureKind, function::FunctionRef, retry, retry::Retry, size::Millis};

pub(super) mod action;
pub(super) mod sweep;
pub(super) mod trigger;

/// The most steps a pipeline may have.
pub const MAX_STEPS: usize = 1_000;

/// The keys of a pipeline.
pub(super) const PIPELINE_KEYS: &[&str] = &["pipeline", "description", "params", "triggers", "steps"];
/// The keys that say what a step does.
pub(super) const ACTION_KEYS: &[&str] = &["function", "register-model", "promote-model", "deploy", "call"];
/// The keys of every step.
pub(super) const STEP_KEYS: &[&str] = &["description", "needs", "when", "retry", "timeout"];
/// The keys that only a step with a function has.
pub(super) const FUNCTION_KEYS: &[&str] = &["params", "inputs", "outputs", "sweep", "cache"];
/// The keys of an input that is no output of a step.
pub(super) const INPUT_KEYS: &[&str] = &["artifact", "url", "model"];
/// The keys of a retry rule.
pub(super) const RETRY_KEYS: &[&str] = &["attempts", "on", "backoff", "factor", "max_backoff"];

/// Names that begin a path and so cannot be a step's.
const RESERVED: &[&str] = &["params", "steps"];

/// A pipeline and where in the text each part of it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// Where its parts stand.
    pub places: Places,
}

impl Parsed {
    /// Reads a pipeline, and checks it against the functions there are when they are known.
    ///
    /// # Errors
    /// Every mistake, each with its place.
    pub fn read(yaml: &str, catalogue: Option<&dyn Catalogue>) -> Result<Self, Vec<Problem>> {
        let document = yaml::read(yaml);
        let mut problems = document.problems;
        let places = document.places;
        if document.is_broken {
            return Err(problems);
        }
        let mut reader = Reader::new(&places);
        let draft = Draft::read(&mut reader, &Spot::root(&document.value));
        if let Some(draft) = &draft {
            let steps = document.value["steps"].as_object().into_iter().flatten();
            let names = steps.map(|(name, _)| name.as_str()).collect();
            links::verify(&draft.pipeline, &names, &mut reader);
            if let Some(catalogue) = catalogue {
                check::verify(&draft.pipeline, &draft.unread, catalogue, &mut reader);
            }
        }
        problems.extend(reader.into_problems());
        problems.sort_by_key(|problem| (problem.line, problem.column));
        match draft {
            Some(draft) if problems.is_empty() => Ok(Self { pipeline: draft.pipeline, places }),
            _ => Err(problems),
        }
    }

    /// Every function that a text speaks of, as far as the text can be read: what a catalogue has to know.
    #[must_use]
    pub fn functions(yaml: &str) -> Vec<FunctionRef> {
        let document = yaml::read(yaml);
        let mut reader = Reader::new(&document.places);
        let draft = Draft::read(&mut reader, &Spot::root(&document.value));
        draft.map(|draft| draft.pipeline.functions()).unwrap_or_default()
    }

    /// What is wrong in view of the functions there are.
    #[must_use]
    pub fn check(&self, catalogue: &dyn Catalogue) -> Vec<Problem> {
        let mut reader = Reader::new(&self.places);
        check::verify(&self.pipeline, &HashSet::new(), catalogue, &mut reader);
        reader.into_problems()
    }
}

/// As much of a pipeline as could be read.
struct Draft {
    pipeline: Pipeline,
    /// Steps whose action could not be read; something stands in for it, so that the rest is checked too.
    unread: HashSet<String>,
}

impl Draft {
    fn read(reader: &mut Reader<'_>, root: &Spot<'_>) -> Option<Self> {
        if root.value.is_null() {
            reader.problem(root, "the text is empty", Some("begin with `pipeline: NAME`".into()));
            return None;
        }
        reader.mapping(root, "a pipeline", PIPELINE_KEYS)?;
        let name = match root.get("pipeline") {
            Some(spot) => reader.parsed(&spot),
            None => {
                reader.problem(root, "`pipeline` is missing", Some("add `pipeline: NAME`".into()));
                None
            }
        };
        let description = root.get("description").and_then(|it| reader.text(&it)).map(str::to_owned);
        let params = root.get("params").map(|it| read_params(reader, &it)).unwrap_or_default();
        let mut unread = HashSet::new();
        let steps = read_steps(reader, root, &mut unread);
        let triggers = root.get("triggers").map(|it| trigger::read(reader, &it, &params)).unwrap_or_default();
        let name = name.unwrap_or_else(Name::default_project);
        Some(Self { pipeline: Pipeline { name, description, params, triggers, steps }, unread })
    }
}

fn read_params(reader: &mut Reader<'_>, spot: &Spot<'_>) -> IndexMap<String, ParamSpec> {
    if spot.value.is_null() || reader.any_mapping(spot, "params").is_none() {
        return IndexMap::new();
    }
    let mut params = IndexMap::new();
    for (name, declared) in spot.entries() {
        check_param_name(reader, name, &declared);
        let spec = ParamSpec::read(reader, &declared);
        // A declaration that makes no sense still declares: references to it are no mistakes of their own.
        let spec =
            spec.unwrap_or_else(|| ParamSpec { optional: true, ..ParamSpec::required(super::ParamType::Object) });
        params.insert(name.to_owned(), spec);
    }
    params
}

fn check_param_name(reader: &mut Reader<'_>, name: &str, spot: &Spot<'_>) {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || name.len() > 100 || name.starts_with('-') || !name.chars().all(plain) {
        reader.key_problem(spot, format!("`{name}` cannot name a param: use letters, digits, _ and -"), None);
    }
}

fn read_steps(reader: &mut Reader<'_>, root: &Spot<'_>, unread: &mut HashSet<String>) -> IndexMap<String, Step> {
    let hint = || Some("add a step under `steps:`".to_owned());
    let Some(spot) = root.get("steps").filter(|it| !it.value.is_null()) else {
        reader.problem_at(&root.inner("steps"), "there are no steps", hint());
        return IndexMap::new();
    };
    let Some(entries) = reader.any_mapping(&spot, "steps") else { return IndexMap::new() };
    if entries.is_empty() {
        reader.problem(&spot, "there are no steps", hint());
    }
    if entries.len() > MAX_STEPS {
        reader.problem(&spot, format!("there are {} steps, more than {MAX_STEPS}", entries.len()), None);
    }
    let mut steps = IndexMap::new();
    for (name, step) in spot.entries().take(MAX_STEPS) {
        check_step_name(reader, name, &step);
        if let Some((step, is_whole)) = read_step(reader, &step) {
            if !is_whole {
                unread.insert(name.to_owned());
            }
            steps.insert(name.to_owned(), step);
        }
    }
    steps
}

fn check_step_name(reader: &mut Reader<'_>, name: &str, spot: &Spot<'_>) {
    if RESERVED.contains(&name) {
        reader.key_problem(spot, format!("a step cannot be called `{name}`, which begins a path"), None);
    } else if let Err(error) = name.parse::<Name>() {
        reader.key_problem(spot, error.to_string(), None);
    }
}

/// A step, and whether its action could be read.
fn read_step(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<(Step, bool)> {
    let keys: Vec<&str> = [ACTION_KEYS, STEP_KEYS, FUNCTION_KEYS].concat();
    reader.mapping(spot, "a step", &keys)?;
    let kind = action_kind(reader, spot);
    let action = kind.and_then(|kind| action::read(reader, spot, kind));
    let is_whole = action.is_some();
    if let Some(kind) = kind.filter(|kind| *kind != "function") {
        for key in FUNCTION_KEYS.iter().filter_map(|key| spot.get(key).map(|it| (key, it))) {
            reader.key_problem(&key.1, format!("`{}` is for steps with a `function`, not for `{kind}`", key.0), None);
        }
    }
    let stand_in = || FunctionAction {
        function: FunctionRef::from(Name::default_project()),
        params: spot.get("params").and_then(|it| it.value.as_object().cloned()).unwrap_or_default(),
        outputs: Vec::new(),
    };
    let mut step = Step::new(action.unwrap_or_else(|| Action::Function(stand_in())));
    step.description = spot.get("description").and_then(|it| reader.text(&it)).map(str::to_owned);
    step.inputs = spot.get("inputs").map(|it| read_inputs(reader, &it)).unwrap_or_default();
    step.needs = spot.get("needs").map(|it| read_texts(reader, &it, "a list of steps")).unwrap_or_default();
    step.retry = spot.get("retry").map(|it| read_retry(reader, &it)).unwrap_or_default();
    step.timeout = spot.get("timeout").and_then(|it| read_duration(reader, &it));
    step.cache = spot.get("cache").and_then(|it| reader.boolean(&it));
    step.sweep = spot.get("sweep").and_then(|it| sweep::read(reader, &it));
    step.when = read_when(reader, spot);
    Some((step, is_whole))
}

/// The one key that says what a step does.
fn action_kind(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<&'static str> {
    let given: Vec<&'static str> = ACTION_KEYS.iter().copied().filter(|key| spot.get(key).is_some()).collect();
    match given.as_slice() {
        [] => {
            let suggestion = format!("add one of: {}", ACTION_KEYS.join(", "));
            reader.problem(spot, "it does not say what the step does", Some(suggestion));
            None
        }
        [one] => Some(one),
        [first, rest @ ..] => {
            for (key, extra) in rest.iter().filter_map(|key| spot.get(key).map(|it| (key, it))) {
                let suggestion = Some("make it a step of its own".to_owned());
                reader.key_problem(&extra, format!("a step does one thing: `{first}` or `{key}`"), suggestion);
            }
            Some(first)
        }
    }
}

fn read_inputs(reader: &mut Reader<'_>, spot: &Spot<'_>) -> IndexMap<String, Input> {
    if reader.any_mapping(spot, "inputs").is_none() {
        return IndexMap::new();
    }
    spot.entries().filter_map(|(name, input)| Some((name.to_owned(), read_input(reader, &input)?))).collect()
}

fn read_input(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<Input> {
    let input = match spot.value {
        Value::String(text) if text.starts_with("sha256:") => Input::Artifact(text.clone()),
        Value::String(text) if text.contains("://") => Input::Url(text.clone()),
        Value::String(_) => Input::Output(reader.parsed(spot)?),
        Value::Object(_) => {
            let entries = reader.mapping(spot, "an input", INPUT_KEYS)?;
            let given: Vec<_> = INPUT_KEYS.iter().filter(|key| entries.contains_key(**key)).collect();
            let [key] = given.as_slice() else {
                reader.problem(spot, format!("expected one of {}", INPUT_KEYS.join(", ")), None);
                return None;
            };
            let text = spot.get(key).and_then(|it| reader.text(&it))?.to_owned();
            match **key {
                "artifact" => Input::Artifact(text),
                "url" => Input::Url(text),
                _ => Input::Model(text),
            }
        }
        _ => {
            let suggestion =
                Some("write STEP.OUTPUT, { artifact: sha256:… }, { url: https://… } or { model: NAME }".into());
            reader.problem(spot, "this is no input", suggestion);
            return None;
        }
    };
    if let Some(fault) = input.fault() {
        reader.problem(spot, fault, None);
    }
    Some(input)
}

/// A list of texts.
fn read_texts(reader: &mut Reader<'_>, spot: &Spot<'_>, what: &str) -> Vec<String> {
    if reader.list(spot, what).is_none() {
        return Vec::new();
    }
    // A text that is none stays as an empty one: what follows keeps its index.
    spot.items().map(|item| reader.text(&item).unwrap_or_default().to_owned()).collect()
}

fn read_retry(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Retry {
    let mut rule = Retry::default();
    if reader.mapping(spot, "retry", RETRY_KEYS).is_none() {
        return rule;
    }
    match spot.get("attempts") {
        Some(it) => rule.attempts = reader.small_count(&it, 1..=retry::MAX_ATTEMPTS).unwrap_or(1),
        None => reader.problem(spot, "`attempts` is missing", Some("add `attempts: 3`".into())),
    }
    if let Some(it) = spot.get("on") {
        rule.on = read_failures(reader, &it);
    }
    rule.backoff = spot.get("backoff").and_then(|it| read_duration(reader, &it)).unwrap_or(rule.backoff);
    rule.max_backoff = spot.get("max_backoff").and_then(|it| read_duration(reader, &it)).unwrap_or(rule.max_backoff);
    if let Some(it) = spot.get("factor") {
        match reader.number(&it) {
            Some(factor) if factor >= 1.0 => rule.factor = factor,
            Some(factor) => reader.problem(&it, format!("{factor} would shorten the waits; use 1 or more"), None),
            None => {}
        }
    }
    rule
}

fn read_failures(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Vec<FailureKind> {
    const KINDS: [FailureKind; 3] = [FailureKind::Invalid, FailureKind::Transient, FailureKind::Fatal];
    let mut failures = Vec::new();
    for (word, item) in read_texts(reader, spot, "a list of failures").iter().zip(spot.items()) {
        match KINDS.into_iter().find(|kind| kind.as_str() == word) {
            Some(kind) => failures.push(kind),
            None if word.is_empty() => {}
            None => {
                let suggestion = did_you_mean(word, KINDS.map(FailureKind::as_str));
                reader.problem(&item, format!("`{word}` is not a kind of failure"), suggestion);
            }
        }
    }
    failures
}

fn read_duration(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<Millis> {
    if let Value::Number(number) = spot.value {
        reader.problem(spot, format!("`{number}` has no unit"), Some(format!("did you mean `{number}s`?")));
        return None;
    }
    let duration = reader.parsed::<Millis>(spot)?;
    if duration.0 == 0 {
        reader.problem(spot, "must be longer than 0", None);
    }
    Some(duration)
}

/// The condition of a step; a promotion may hold it inside.
fn read_when(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<Condition> {
    let inside = spot.get("promote-model").and_then(|promote| promote.get("when"));
    if let (Some(_), Some(inside)) = (spot.get("when"), &inside) {
        reader.key_problem(inside, "`when` is here twice, for the step and inside of it", None);
    }
    let spot = spot.get("when").or(inside)?;
    reader.parsed(&spot)
}
