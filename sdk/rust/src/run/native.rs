//! The run of a job natively, for its tests: inputs and outputs in a folder, the record in memory.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

use super::{Input, Run};
use crate::Failure;

/// What a job put on record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recorded {
    /// Params it chose itself.
    pub params: BTreeMap<String, Value>,
    /// Measurements, each with its step, in order.
    pub metrics: Vec<(String, f64, Option<i64>)>,
    /// Results.
    pub results: BTreeMap<String, Value>,
    /// What it said of its outputs: kind and metadata.
    pub outputs: BTreeMap<String, (String, Value)>,
}

#[derive(Debug)]
pub(super) struct Host {
    inputs: PathBuf,
    outputs: PathBuf,
    recorded: Mutex<Recorded>,
}

impl Run {
    /// A run for a test: inputs are the files in `folder/in`, outputs go to `folder/out`, which must exist.
    /// Only where there is no host, that is natively.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self { host: Host::at(folder) }
    }

    /// What was put on record so far. Only where there is no host, that is natively.
    #[must_use]
    pub fn recorded(&self) -> Recorded {
        self.host.recorded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Host {
    /// In the working directory, as a job run by hand is.
    pub(super) fn here() -> Self {
        Self::at(Path::new(""))
    }

    fn at(folder: &Path) -> Self {
        Self { inputs: folder.join("in"), outputs: folder.join("out"), recorded: Mutex::default() }
    }

    pub(super) fn params_json(&self) -> Option<String> {
        None
    }

    pub(super) fn inputs(&self) -> Vec<Input> {
        let names = fs::read_dir(&self.inputs).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let mut names: Vec<_> = names.filter_map(|name| name.into_string().ok()).collect();
        names.sort();
        let input = |name: String| Input {
            path: self.inputs.join(&name),
            name,
            digest: String::new(),
            kind: "file".to_owned(),
            media_type: "application/octet-stream".to_owned(),
        };
        names.into_iter().map(input).collect()
    }

    pub(super) fn outputs(&self) -> &Path {
        &self.outputs
    }

    pub(super) fn seed(&self) -> u64 {
        0
    }

    pub(super) fn metric(&self, name: &str, value: f64, step: Option<i64>) {
        self.record(|recorded| recorded.metrics.push((name.to_owned(), value, step)));
    }

    pub(super) fn result(&self, name: &str, json: &str) {
        self.record(|recorded| _ = recorded.results.insert(name.to_owned(), value(json)));
    }

    pub(super) fn param(&self, name: &str, json: &str) {
        self.record(|recorded| _ = recorded.params.insert(name.to_owned(), value(json)));
    }

    pub(super) fn progress(&self, fraction: f64, message: &str) {
        // A line that nobody can read is no reason to fail.
        let _ = writeln!(std::io::stderr(), "{:3.0}% {message}", fraction * 100.0);
    }

    pub(super) fn describe(&self, name: &str, kind: &str, metadata: &str) -> Result<(), String> {
        let metadata = value(metadata);
        if !metadata.is_object() {
            return Err(format!("metadata of output `{name}` is not an object"));
        }
        self.record(|recorded| _ = recorded.outputs.insert(name.to_owned(), (kind.to_owned(), metadata)));
        Ok(())
    }

    pub(super) fn fail(&self, failure: Failure) {
        let _ = writeln!(std::io::stderr(), "error: {failure}");
    }

    fn record(&self, change: impl FnOnce(&mut Recorded)) {
        change(&mut self.recorded.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// What was just written as JSON, read again.
fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_reads_its_inputs_and_leaves_a_record() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        fs::create_dir(folder.path().join("out")).unwrap();
        fs::write(folder.path().join("in/dataset"), "a\nb\n").unwrap();

        let run = Run::in_folder(folder.path());
        let text = fs::read_to_string(run.input("dataset").unwrap()).unwrap();
        fs::write(run.output("model"), text.to_uppercase()).unwrap();
        run.metric_at("loss", 0.5, 3);
        run.result("lines", &2).unwrap();
        run.describe("model", "model", &serde_json::json!({ "format": "text" })).unwrap();

        assert_eq!(fs::read_to_string(folder.path().join("out/model")).unwrap(), "A\nB\n");
        let recorded = run.recorded();
        assert_eq!(recorded.metrics, [("loss".to_owned(), 0.5, Some(3))]);
        assert_eq!(recorded.results["lines"], 2);
        assert_eq!(recorded.outputs["model"].0, "model");
    }

    #[test]
    fn an_input_that_is_not_there_is_named_with_those_that_are() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        fs::write(folder.path().join("in/left"), "").unwrap();
        let failure = Run::in_folder(folder.path()).input("right").unwrap_err();
        assert_eq!(failure.to_string(), "the run has no input `right`; it has left (no-input)");
    }

    #[test]
    fn metadata_of_an_output_is_an_object() {
        let run = Run::in_folder(Path::new("nowhere"));
        assert_eq!(run.describe("model", "model", &1).unwrap_err().code, "bad-output");
    }
}
