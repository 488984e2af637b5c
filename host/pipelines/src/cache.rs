//! What equal work is found by.

use host_core::{
    Digest,
    manifest::Time,
    model::VersionId,
    ports::Secret,
    run::{Platform, StepInput},
};
use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

/// Everything that decides what a job makes.
#[derive(Debug, Serialize)]
pub(crate) struct Work<'a> {
    component: Digest,
    entry: &'static str,
    params: Vec<(&'a String, Value)>,
    inputs: Vec<(&'a str, Digest)>,
    models: Vec<&'a VersionId>,
    seed: u64,
    as_of: Option<Timestamp>,
    engine: &'a str,
    arch: &'a str,
    inference: Option<(&'a str, &'a str)>,
    /// Plain values of the manifest. What has none keeps the key it always had.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    config: Vec<(&'a String, &'a String)>,
    /// The versions of the secrets it is granted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<(&'a str, u64)>,
}

impl<'a> Work<'a> {
    /// A job of `component`.
    pub(crate) fn new(component: Digest, params: &'a Map<String, Value>, inputs: &'a [StepInput], seed: u64) -> Self {
        let mut params: Vec<_> = params.iter().map(|(name, value)| (name, canonical(value))).collect();
        params.sort_by_key(|(name, _)| *name);
        let mut inputs: Vec<_> = inputs.iter().map(|it| (it.name.as_str(), it.digest)).collect();
        inputs.sort_unstable();
        Self {
            component,
            entry: "job",
            params,
            inputs,
            models: Vec::new(),
            seed,
            as_of: None,
            engine: "",
            arch: "",
            inference: None,
            config: Vec::new(),
            secrets: Vec::new(),
        }
    }

    /// The time is an input only of jobs that may see it.
    pub(crate) fn seen_at(mut self, time: Time, as_of: Timestamp) -> Self {
        self.as_of = (time == Time::AsOf).then_some(as_of);
        self
    }

    /// What computes: inference kernels depend on the CPU, so they count where a model may be asked.
    pub(crate) fn on(mut self, platform: &'a Platform, models: &'a [VersionId], infers: bool) -> Self {
        self.engine = &platform.engine;
        self.arch = &platform.arch;
        self.models = models.iter().collect();
        self.models.sort_unstable_by_key(|it| (&it.model, it.number));
        self.inference = infers.then_some((platform.inference.as_str(), platform.cpu_features.as_str()));
        self
    }

    /// What it reads by name. No value of a secret is in the key, only which of its versions it was.
    pub(crate) fn reading(mut self, config: &'a IndexMap<String, String>, secrets: &'a [Secret]) -> Self {
        self.config = config.iter().collect();
        self.config.sort_unstable();
        self.secrets = secrets.iter().map(|it| (it.name.as_str(), it.version)).collect();
        self.secrets.sort_unstable();
        self
    }

    /// The key.
    pub(crate) fn key(&self) -> Digest {
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// The same value whatever the order of its keys.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(key, value)| (key.clone(), canonical(value))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
}
