//! `function.toml`: what a function is called, what it may do, what wakes it, what it takes and gives.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{
    Name,
    artifact::Kind,
    grant::{Grants, Right},
    pipeline::ParamSpec,
    size::{ByteSize, Millis},
};

mod trigger;

pub use trigger::{
    Amqp, AmqpTrigger, Auth, Batch, Binding, Cors, Delivery, EventTrigger, HttpTrigger, Kafka, KafkaTrigger, Missed,
    Order, Overlap, QueueType, Sasl, ScheduleTrigger, Start, StreamRetry, Tls, Trigger,
};

/// The manifest of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The function's name within its project.
    pub name: Name,
    /// One sentence on what it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The version of its source, semver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The SPDX expression of its licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Where its source is kept, a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Words to find it by, such as `training`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<Name>,
    /// Its picture, an SVG file relative to the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// What `fn build` compiles it with; absent for a component that is built already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// What `fn build` makes it for, where its language leaves a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// The built component, relative to the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Bounds on every call.
    #[serde(default)]
    pub limits: Limits,
    /// Rights; denied by default.
    #[serde(default)]
    pub grants: Grants,
    /// What wakes it, beside `/fn/<name>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// How its calls are recorded.
    #[serde(default)]
    pub record: RecordPolicy,
    /// Where a job's clock starts.
    #[serde(default)]
    pub time: Time,
    /// The parameters of a job.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub params: IndexMap<String, ParamSpec>,
    /// The inputs of a job, as files under `/in`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub inputs: IndexMap<String, InputSpec>,
    /// The outputs of a job, as files under `/out`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub outputs: IndexMap<String, OutputSpec>,
}

/// A language that `fn build` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Cargo and the wasm32-wasip2 target.
    Rust,
    /// jco, from the project's npm packages.
    JavaScript,
    /// The same as JavaScript, its types taken away.
    TypeScript,
    /// componentize-py, which puts CPython beside the program.
    Python,
}

/// What a component is made for, where its language leaves a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// JavaScript on QuickJS: a tenth of the size, for functions that handle events and little else.
    Small,
}

/// Bounds on every call of a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How long a call may take; a job's default is an hour.
    pub timeout: Option<Millis>,
    /// How much linear memory an instance may hold; a job's default is 1 GiB.
    pub memory: Option<ByteSize>,
    /// The largest request body or event batch.
    pub max_body: ByteSize,
    /// How many calls may be inside at once.
    pub concurrency: u32,
    /// Whether instances are kept between calls.
    pub isolation: Isolation,
    /// The most a job may write under `/out`.
    pub output: ByteSize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: None,
            memory: None,
            max_body: ByteSize(8 << 20),
            concurrency: 128,
            isolation: Isolation::Warm,
            output: ByteSize(4 << 30),
        }
    }
}

impl Limits {
    /// How long one call may take.
    #[must_use]
    pub fn call_timeout(&self) -> Millis {
        self.timeout.unwrap_or(Millis(30_000))
    }

    /// How long one job may take.
    #[must_use]
    pub fn job_timeout(&self) -> Millis {
        self.timeout.unwrap_or(Millis(3_600_000))
    }

    /// How much memory one instance may hold while it serves calls.
    #[must_use]
    pub fn call_memory(&self) -> ByteSize {
        self.memory.unwrap_or(ByteSize(128 << 20))
    }

    /// How much memory a job may hold.
    #[must_use]
    pub fn job_memory(&self) -> ByteSize {
        self.memory.unwrap_or(ByteSize(1 << 30))
    }
}

/// Whether instances are kept between calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// Kept for the next call of the same function.
    #[default]
    Warm,
    /// A new instance for every call.
    Fresh,
}

/// Which calls leave a record of their own. Totals are exact whatever the policy.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RecordPolicy {
    /// Every call.
    All,
    /// Failures, slow calls and 1% of the rest.
    #[default]
    Failures,
    /// Failures, slow calls and this percentage of the rest.
    Percent(f64),
}

impl TryFrom<String> for RecordPolicy {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let percent = |text: &str| text.strip_suffix('%')?.trim().parse::<f64>().ok();
        match text.as_str() {
            "all" => Ok(Self::All),
            "failures" => Ok(Self::Failures),
            other => percent(other).filter(|share| (0.0..=100.0).contains(share)).map(Self::Percent).ok_or_else(|| {
                format!("`{other}` is not a record policy: use \"all\", \"failures\" or a share such as \"5%\"")
            }),
        }
    }
}

impl From<RecordPolicy> for String {
    fn from(policy: RecordPolicy) -> Self {
        match policy {
            RecordPolicy::All => "all".into(),
            RecordPolicy::Failures => "failures".into(),
            RecordPolicy::Percent(share) => format!("{share}%"),
        }
    }
}

/// Where a job's clock starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Time {
    /// At 2000-01-01T00:00:00Z, so that the time is no input.
    #[default]
    Constant,
    /// At the run's `as_of`, which is part of the cache key.
    AsOf,
    /// The real time: the job is no longer reproducible.
    Real,
}

/// One input of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// What is expected.
    #[serde(default)]
    pub kind: Kind,
    /// One sentence on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether a step may leave it out.
    #[serde(default)]
    pub optional: bool,
}

/// One output of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputSpec {
    /// What it is for.
    #[serde(default)]
    pub kind: Kind,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// One sentence on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether the job may leave it out.
    #[serde(default)]
    pub optional: bool,
}

/// Why a text is not a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidManifest {
    /// What is wrong.
    pub message: String,
    /// The line, counted from 1, where known.
    pub line: Option<usize>,
    /// The column, counted from 1, where known.
    pub column: Option<usize>,
}

impl Manifest {
    /// The manifest of a component that came without one.
    #[must_use]
    pub fn bare(name: Name) -> Self {
        Self {
            name,
            description: None,
            version: None,
            license: None,
            authors: Vec::new(),
            source: None,
            categories: Vec::new(),
            icon: None,
            language: None,
            profile: None,
            component: None,
            limits: Limits::default(),
            grants: Grants::default(),
            triggers: Vec::new(),
            record: RecordPolicy::default(),
            time: Time::default(),
            params: IndexMap::new(),
            inputs: IndexMap::new(),
            outputs: IndexMap::new(),
        }
    }

    /// Whether it says nothing of params, inputs and outputs, as a program does that came without a manifest: it may
    /// be given any, and what it leaves is taken as it is.
    #[must_use]
    pub fn declares_nothing(&self) -> bool {
        self.params.is_empty() && self.inputs.is_empty() && self.outputs.is_empty()
    }

    /// Whether the function has `right`: by a grant, or because whoever runs it hands it a model as an input.
    #[must_use]
    pub fn allows(&self, right: Right) -> bool {
        let given_a_model = || self.inputs.values().any(|input| input.kind == Kind::Model);
        self.grants.allows(right) || (right == Right::Model && given_a_model())
    }

    /// Reads `function.toml`.
    ///
    /// # Errors
    /// When the text is not TOML or not a manifest; the place is named where it is known.
    pub fn parse(text: &str) -> Result<Self, InvalidManifest> {
        let manifest: Self = toml::from_str(text).map_err(|error| {
            let (line, column) = error.span().map(|span| place(text, span.start)).unzip();
            InvalidManifest { message: error.message().to_owned(), line, column }
        })?;
        manifest.check().map_err(|message| InvalidManifest { message, line: None, column: None })?;
        Ok(manifest)
    }

    /// What the types cannot say. [`Manifest::parse`] has asked already; ask again where a manifest came as JSON.
    ///
    /// # Errors
    /// When a limit is zero, a name could leave its folder, or a trigger cannot be routed.
    pub fn check(&self) -> Result<(), String> {
        if self.limits.concurrency == 0 {
            return Err("limits.concurrency must be at least 1".into());
        }
        if self.limits.call_timeout().0 == 0 {
            return Err("limits.timeout must be longer than 0".into());
        }
        let is_javascript = |it| matches!(it, Language::JavaScript | Language::TypeScript);
        if self.profile.is_some() && self.language.is_some_and(|it| !is_javascript(it)) {
            return Err("profile is for `language = \"javascript\"` or `\"typescript\"`".into());
        }
        let named = self.inputs.keys().chain(self.outputs.keys()).chain(self.params.keys());
        for name in named {
            check_file_name(name)?;
        }
        self.grants.check()?;
        trigger::check(&self.triggers)
    }
}

/// Names of params, inputs and outputs become arguments and files: no path, no surprise.
fn check_file_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() || name.len() > 100 || name.starts_with(['.', '-']) || !name.chars().all(plain) {
        return Err(format!("`{name}` cannot name a param, input or output: use letters, digits, _, - and ."));
    }
    Ok(())
}

fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_needs_only_a_name() {
        let manifest = Manifest::parse("name = \"hello\"").unwrap();
        assert_eq!(manifest, Manifest::bare("hello".parse().unwrap()));
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let error = Manifest::parse("name = \"hello\"\n[limits]\ntimeout = \"soon\"\n").unwrap_err();
        assert_eq!((error.line, error.column), (Some(3), Some(11)));
        assert!(error.message.contains("is not a duration"), "{}", error.message);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let error = Manifest::parse("name = \"hello\"\ntimeout = \"3s\"").unwrap_err();
        assert!(error.message.contains("timeout"), "{}", error.message);
    }

    #[test]
    fn names_of_files_cannot_leave_their_folder() {
        assert!(Manifest::parse("name = \"x\"\n[outputs.\"../etc\"]\n").is_err());
        assert!(Manifest::parse("name = \"x\"\n[inputs.\"a/b\"]\n").is_err());
        assert!(Manifest::parse("name = \"x\"\n[inputs.data]\n").is_ok());
    }

    #[test]
    fn a_job_that_is_given_a_model_may_ask_it() {
        let manifest = |text: &str| Manifest::parse(text).unwrap();
        assert!(!manifest("name = \"x\"\n[inputs.data]\nkind = \"dataset\"\n").allows(Right::Model));
        assert!(manifest("name = \"x\"\n[inputs.scorer]\nkind = \"model\"\n").allows(Right::Model));
        assert!(manifest("name = \"x\"\n[grants]\nmodel = [\"wine\"]\n").allows(Right::Model));
    }
}
