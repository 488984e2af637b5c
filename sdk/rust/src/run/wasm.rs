//! The run as the host gives it.

use std::path::{Path, PathBuf};

use super::Input;
use crate::{Failure, bindings::weft::function::run as host};

#[derive(Debug)]
pub(super) struct Host;

impl Host {
    pub(super) fn here() -> Self {
        Self
    }

    pub(super) fn params_json(&self) -> Option<String> {
        Some(host::params_json()).filter(|json| !json.is_empty())
    }

    pub(super) fn inputs(&self) -> Vec<Input> {
        let input = |it: host::Input| Input {
            name: it.name,
            path: PathBuf::from(it.path),
            digest: it.digest,
            kind: it.kind,
            media_type: it.media_type,
        };
        host::inputs().into_iter().map(input).collect()
    }

    pub(super) fn outputs(&self) -> &Path {
        Path::new("/out")
    }

    pub(super) fn seed(&self) -> u64 {
        host::seed()
    }

    pub(super) fn metric(&self, name: &str, value: f64, step: Option<i64>) {
        host::log_metric(name, value, step);
    }

    pub(super) fn result(&self, name: &str, json: &str) {
        host::log_result(name, json);
    }

    pub(super) fn param(&self, name: &str, json: &str) {
        host::log_param(name, json);
    }

    pub(super) fn progress(&self, fraction: f64, message: &str) {
        host::progress(fraction, message);
    }

    pub(super) fn describe(&self, name: &str, kind: &str, metadata: &str) -> Result<(), String> {
        host::describe_output(name, kind, metadata)
    }

    pub(super) fn fail(&self, failure: Failure) {
        host::fail(&failure.into());
    }
}
