//! A pipeline against the functions there are: params, inputs and outputs must be those of the manifests.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    Action, Call, CallPayload, CallTarget, Deploy, FunctionAction, Input, OutputRef, ParamSpec, ParamType, Pipeline,
    Step, Subject, problem::did_you_mean, reader::Reader, template,
};
use crate::{
    artifact::Kind,
    function::{Entries, FunctionRef, Revision},
    manifest::Manifest,
};

/// The functions there are.
pub trait Catalogue {
    /// A function, if it is there.
    fn function(&self, reference: &FunctionRef) -> Option<Known<'_>>;

    /// The names of all functions, for suggestions.
    fn names(&self) -> Vec<String>;
}

/// What is known of a function.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// What its component can be.
    pub entries: Entries,
}

impl<'a> From<&'a Revision> for Known<'a> {
    fn from(revision: &'a Revision) -> Self {
        Self { manifest: &revision.manifest, entries: revision.entries }
    }
}

/// Notes everything that does not fit. Steps in `unread` have no function worth looking at.
pub(super) fn verify(
    pipeline: &Pipeline,
    unread: &HashSet<String>,
    catalogue: &dyn Catalogue,
    reader: &mut Reader<'_>,
) {
    let mut check = Check { pipeline, unread, catalogue, reader };
    for (name, step) in pipeline.steps.iter().filter(|(name, _)| !unread.contains(*name)) {
        check.step(name, step);
    }
}

struct Check<'c, 'p> {
    pipeline: &'c Pipeline,
    unread: &'c HashSet<String>,
    catalogue: &'c dyn Catalogue,
    reader: &'c mut Reader<'p>,
}

impl<'c> Check<'c, '_> {
    fn step(&mut self, name: &str, step: &Step) {
        let path = |inner: &str| format!("steps.{name}.{inner}");
        match &step.action {
            Action::Function(action) => {
                let Some(known) = self.known(&action.function, &path("function")) else { return };
                if !known.entries.job {
                    let message = format!("`{}` is not a job, and only a job can be a step", action.function);
                    let suggestion = "a job exports wasi:cli/run; to send requests to a function, use `call`";
                    self.reader.problem_at(&path("function"), message, Some(suggestion.into()));
                    return;
                }
                if known.manifest.declares_nothing() {
                    return;
                }
                self.params(name, step, action, known.manifest);
                self.inputs(name, step, known.manifest);
                self.outputs(name, action, known.manifest);
            }
            Action::RegisterModel(register) => {
                self.link(&register.from, Some(Kind::Model), &path("register-model.from"))
            }
            Action::Deploy(Deploy::Function { function }) => _ = self.known(function, &path("deploy.function")),
            Action::Call(call) => self.call(name, call),
            Action::PromoteModel(_)
            | Action::Deploy(_)
            | Action::Request(_)
            | Action::Notify(_)
            | Action::Event(_)
            | Action::Tracked(_) => {}
        }
    }

    fn known(&mut self, function: &FunctionRef, path: &str) -> Option<Known<'c>> {
        if let Some(known) = self.catalogue.function(function) {
            return Some(known);
        }
        let names = self.catalogue.names();
        let suggestion = if names.iter().any(|name| *name == function.name.as_str()) {
            Some(format!("`{}` exists, but not that revision", function.name))
        } else {
            did_you_mean(function.name.as_str(), names.iter().map(String::as_str))
                .or_else(|| Some("no function is deployed yet; try `fn deploy`".into()))
        };
        self.reader.problem_at(path, format!("there is no function `{function}`"), suggestion);
        None
    }

    fn params(&mut self, name: &str, step: &Step, action: &FunctionAction, manifest: &Manifest) {
        let swept = step.sweep.as_ref().map(super::Sweep::names).unwrap_or_default();
        let samples = step.sweep.as_ref().map(super::Sweep::samples).unwrap_or_default();
        let fixed =
            action.params.iter().map(|(param, value)| (param.as_str(), value, format!("steps.{name}.params.{param}")));
        let tried =
            samples.into_iter().map(|(param, value, path)| (param, value, format!("steps.{name}.sweep.{path}")));
        let mut unknown = HashSet::new();
        for (param, value, path) in fixed.chain(tried) {
            if self.reader.is_full() {
                return;
            }
            match manifest.params.get(param) {
                Some(spec) => self.param_value(param, spec, value, &path),
                None if unknown.insert(param.to_owned()) => self.unknown_param(param, &path, manifest),
                None => {}
            }
        }
        for param in swept.iter().filter(|param| !manifest.params.contains_key(**param) && !unknown.contains(**param)) {
            self.unknown_param(param, &format!("steps.{name}.sweep"), manifest);
        }
        let is_set = |param: &str| action.params.contains_key(param) || swept.contains(&param);
        for (param, spec) in manifest.params.iter().filter(|(param, spec)| spec.is_required() && !is_set(param)) {
            let kind = spec.r#type.to_string();
            let article = if kind.starts_with(['a', 'i', 'o']) { "an" } else { "a" };
            let suggestion = Some(format!("add `{param}: …`, {article} {kind}, under params"));
            self.reader.problem_at(
                &format!("steps.{name}"),
                format!("the required param `{param}` is missing"),
                suggestion,
            );
        }
    }

    fn unknown_param(&mut self, param: &str, path: &str, manifest: &Manifest) {
        let suggestion = did_you_mean(param, manifest.params.keys().map(String::as_str));
        self.reader.problem_at(path, format!("function `{}` has no param `{param}`", manifest.name), suggestion);
    }

    fn param_value(&mut self, param: &str, spec: &ParamSpec, value: &Value, path: &str) {
        let text = value.as_str().filter(|text| template::has_placeholder(text));
        let fault = match text.map(template::only_subject) {
            None => spec.refuses(value),
            // A text with placeholders among other characters is a text.
            Some(None) => (spec.r#type != ParamType::String).then(|| format!("expected {}, found a text", spec.r#type)),
            Some(Some(subject)) => self.subject_misfit(&subject, spec.r#type),
        };
        if let Some(fault) = fault {
            self.reader.problem_at(path, format!("the param `{param}` does not fit: {fault}"), None);
        }
    }

    /// A param of the pipeline in the place of a param of a function: the types must agree.
    fn subject_misfit(&self, subject: &Subject, expected: ParamType) -> Option<String> {
        let Subject::Param(path) = subject else { return None };
        let given = self.pipeline.params.get(path)?.r#type;
        (!expected.accepts(given)).then(|| format!("expected {expected}, and params.{path} is a {given}"))
    }

    fn inputs(&mut self, name: &str, step: &Step, manifest: &Manifest) {
        for (input, source) in &step.inputs {
            let path = format!("steps.{name}.inputs.{input}");
            let Some(spec) = manifest.inputs.get(input) else {
                let suggestion = did_you_mean(input, manifest.inputs.keys().map(String::as_str))
                    .or_else(|| Some(format!("`{}` takes no inputs", manifest.name)));
                self.reader.problem_at(
                    &path,
                    format!("function `{}` has no input `{input}`", manifest.name),
                    suggestion,
                );
                continue;
            };
            match source {
                Input::Output(reference) => self.link(reference, Some(spec.kind), &path),
                Input::Model(_) if !fits(Kind::Model, spec.kind) => {
                    self.mismatch(Kind::Model, spec.kind, "this", &path)
                }
                Input::Model(_) | Input::Artifact(_) | Input::Url(_) => {}
            }
        }
        let is_missing = |input: &str| !step.inputs.contains_key(input);
        for (input, spec) in manifest.inputs.iter().filter(|(input, spec)| !spec.optional && is_missing(input)) {
            let suggestion = Some(format!("add `{input}: STEP.OUTPUT`, a {}, under inputs", spec.kind.as_str()));
            self.reader.problem_at(
                &format!("steps.{name}"),
                format!("the required input `{input}` is missing"),
                suggestion,
            );
        }
    }

    fn outputs(&mut self, name: &str, action: &FunctionAction, manifest: &Manifest) {
        for (at, output) in action.outputs.iter().enumerate().filter(|(_, it)| !manifest.outputs.contains_key(*it)) {
            let suggestion = did_you_mean(output, manifest.outputs.keys().map(String::as_str));
            let path = format!("steps.{name}.outputs[{at}]");
            self.reader.problem_at(&path, format!("function `{}` has no output `{output}`", manifest.name), suggestion);
        }
    }

    /// An output that is used somewhere: it must exist and be of the kind that is expected.
    fn link(&mut self, reference: &OutputRef, expected: Option<Kind>, path: &str) {
        let Some(step) = self.pipeline.steps.get(&reference.step).filter(|_| !self.unread.contains(&reference.step))
        else {
            return;
        };
        let Some(known) = step.action.function().and_then(|action| self.catalogue.function(&action.function)) else {
            return;
        };
        if known.manifest.declares_nothing() {
            return;
        }
        let Some(spec) = known.manifest.outputs.get(&reference.output) else {
            let suggestion = did_you_mean(&reference.output, known.manifest.outputs.keys().map(String::as_str))
                .or_else(|| Some(format!("`{}` declares no outputs", known.manifest.name)));
            let message = format!("step `{}` has no output `{}`", reference.step, reference.output);
            self.reader.problem_at(path, message, suggestion);
            return;
        };
        if let Some(expected) = expected.filter(|expected| !fits(spec.kind, *expected)) {
            self.mismatch(spec.kind, expected, &format!("`{reference}`"), path);
        }
    }

    fn mismatch(&mut self, given: Kind, expected: Kind, what: &str, path: &str) {
        self.reader.problem_at(
            path,
            format!("expected a {}, and {what} is a {}", expected.as_str(), given.as_str()),
            None,
        );
    }

    fn call(&mut self, name: &str, call: &Call) {
        if let Some(CallPayload::Sample(sample)) = &call.payload {
            self.link(sample, Some(Kind::Dataset), &format!("steps.{name}.call.sample"));
        }
        let CallTarget::Function(function) = &call.target else { return };
        let path = format!("steps.{name}.call.function");
        if self.known(function, &path).is_some_and(|known| !known.entries.http && !known.entries.handler) {
            let suggestion = Some("write `function:` on the step itself to run a job".to_owned());
            self.reader.problem_at(&path, format!("`{function}` answers no requests"), suggestion);
        }
    }
}

/// A file is bytes of any kind.
fn fits(given: Kind, expected: Kind) -> bool {
    given == expected || given == Kind::File || expected == Kind::File
}
