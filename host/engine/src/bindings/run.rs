//! `weft:function/run`: what a job may know and record about its run.

use std::sync::Arc;

use host_core::{artifact::Kind, mask::Mask, ports::Track};
use serde_json::Value;

use super::wit::{
    run::{Host, Input},
    types,
};
use crate::guest::Guest;

/// The most bytes of one recorded value.
const VALUE_BYTES: usize = 1 << 20;

/// The most bytes of a name.
const NAME_BYTES: usize = 200;

impl Host for Guest {
    fn params_json(&mut self) -> String {
        let params = self.sandbox.as_ref().map(|it| Value::Object(it.params().clone()));
        params.unwrap_or_else(|| Value::Object(serde_json::Map::new())).to_string()
    }

    fn inputs(&mut self) -> Vec<Input> {
        let described = |input: &host_core::call::JobInput| Input {
            name: input.name.clone(),
            path: format!("/in/{}", input.name),
            digest: input.digest.to_string(),
            kind: input.kind.as_str().to_owned(),
            media_type: input.media_type.clone().unwrap_or_default(),
        };
        self.sandbox.as_ref().map(|it| it.inputs().iter().map(described).collect()).unwrap_or_default()
    }

    fn seed(&mut self) -> u64 {
        self.sandbox.as_ref().map_or(0, crate::sandbox::Sandbox::seed)
    }

    fn log_param(&mut self, name: String, json: String) {
        self.record(&name, &json, |track, name, value| track.param(name, value));
    }

    fn log_result(&mut self, name: String, json: String) {
        self.record(&name, &json, |track, name, value| track.result(name, value));
    }

    fn log_metric(&mut self, name: String, value: f64, step: Option<i64>) {
        match self.recording(name.len()) {
            Some(track) if is_name(&name) => track.metric(&self.mask().hide(&name), value, step),
            Some(_) => self.complain("a metric was not recorded: its name is empty or too long"),
            None => {}
        }
    }

    fn progress(&mut self, fraction: f64, message: String) {
        if let Some(track) = self.track() {
            let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
            track.progress(fraction, &host_capabilities::log::clean(&self.mask().hide(&message), NAME_BYTES));
        }
    }

    fn describe_output(&mut self, name: String, kind: String, metadata_json: String) -> Result<(), String> {
        let kind: Kind = kind.parse()?;
        let mut metadata = parse(&metadata_json)?;
        if !metadata.is_object() {
            return Err("the metadata of an output must be a JSON object".to_owned());
        }
        let outputs = &self.current.revision.manifest.outputs;
        if !outputs.is_empty() && !outputs.contains_key(&name) {
            return Err(format!("function.toml declares no output `{name}` under [outputs]"));
        }
        if let Some(track) = self.recording(name.len() + metadata_json.len()) {
            self.mask().hide_json(&mut metadata);
            track.describe(&name, kind, metadata);
        }
        Ok(())
    }

    fn fail(&mut self, failure: types::Failure) {
        if let Some(sandbox) = &mut self.sandbox {
            sandbox.fail(failure.into());
        }
    }
}

impl Guest {
    fn mask(&self) -> &Mask {
        self.current.mask()
    }

    fn track(&self) -> Option<Arc<dyn Track>> {
        self.current.context.track.clone()
    }

    /// Where one more record of so many bytes goes, if there is room for it.
    fn recording(&mut self, bytes: usize) -> Option<Arc<dyn Track>> {
        match self.sandbox.as_mut()?.count_record(bytes) {
            Ok(()) => self.track(),
            Err(first) => {
                if let Some(message) = first {
                    self.complain(message);
                }
                None
            }
        }
    }

    /// Records a value, or says on the job's log why not: the contract has no other way to say it.
    fn record(&mut self, name: &str, json: &str, take: impl FnOnce(&dyn Track, &str, Value)) {
        let Some(track) = self.recording(name.len() + json.len()) else { return };
        let value = if is_name(name) { parse(json) } else { Err("its name is empty or too long".to_owned()) };
        match value {
            Ok(mut value) => {
                self.mask().hide_json(&mut value);
                take(&*track, &self.mask().hide(name), value);
            }
            Err(why) => self.complain(&format!("`{name}` was not recorded: {why}")),
        }
    }

    fn complain(&self, message: &str) {
        self.current.lines().log(host_core::record::Level::Warn, message, Vec::new());
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_BYTES && !name.contains('\0')
}

fn parse(json: &str) -> Result<Value, String> {
    if json.len() > VALUE_BYTES {
        return Err(format!("it has more than {VALUE_BYTES} bytes; write an output instead"));
    }
    serde_json::from_str(json).map_err(|error| format!("it is not JSON: {error}"))
}
