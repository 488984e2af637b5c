//! Jobs: programs with params, inputs and outputs, whose run is on record.

use std::{path::PathBuf, process::ExitCode};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Failure, args};

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
use native as host;
#[cfg(not(target_arch = "wasm32"))]
pub use native::Recorded;
#[cfg(target_arch = "wasm32")]
use wasm as host;

/// An input, there to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// As the manifest or the pipeline names it.
    pub name: String,
    /// Where to read it.
    pub path: PathBuf,
    /// `sha256:<hex>` of its bytes.
    pub digest: String,
    /// What it is: `dataset`, `model`, `plot`, `table`, `report` or `file`.
    pub kind: String,
    /// The media type of its bytes.
    pub media_type: String,
}

/// The run a job is: where its inputs are, where its outputs go, and what it puts on record.
#[derive(Debug)]
pub struct Run {
    host: host::Host,
}

impl Run {
    /// Where to read that input; a fatal failure where there is none of that name.
    pub fn input(&self, name: &str) -> Result<PathBuf, Failure> {
        self.input_info(name).map(|input| input.path)
    }

    /// All that is known of that input; a fatal failure where there is none of that name.
    pub fn input_info(&self, name: &str) -> Result<Input, Failure> {
        let mut inputs = self.inputs();
        match inputs.iter().position(|input| input.name == name) {
            Some(index) => Ok(inputs.swap_remove(index)),
            None => {
                let names: Vec<_> = inputs.iter().map(|input| input.name.as_str()).collect();
                let message = format!("the run has no input `{name}`; it has {}", listed(&names));
                Err(Failure::fatal("no-input", message))
            }
        }
    }

    /// Whether there is an input of that name: for optional ones.
    #[must_use]
    pub fn has_input(&self, name: &str) -> bool {
        self.inputs().iter().any(|input| input.name == name)
    }

    /// The inputs, in the manifest's order.
    #[must_use]
    pub fn inputs(&self) -> Vec<Input> {
        self.host.inputs()
    }

    /// Where to write that output: a file, under the name the manifest declares.
    #[must_use]
    pub fn output(&self, name: &str) -> PathBuf {
        self.host.outputs().join(name)
    }

    /// Says what an output is (`dataset`, `model`, `plot`, `table`, `report` or `file`), with an object of metadata.
    pub fn describe(&self, name: &str, kind: &str, metadata: &(impl Serialize + ?Sized)) -> Result<(), Failure> {
        self.host.describe(name, kind, &json(name, metadata)?).map_err(|why| Failure::fatal("bad-output", why))
    }

    /// Records a measurement.
    pub fn metric(&self, name: &str, value: f64) {
        self.host.metric(name, value, None);
    }

    /// Records a measurement at a step of training.
    pub fn metric_at(&self, name: &str, value: f64, step: i64) {
        self.host.metric(name, value, Some(step));
    }

    /// Records a result: anything that serialises.
    pub fn result(&self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Failure> {
        self.host.result(name, &json(name, value)?);
        Ok(())
    }

    /// Records a param that the job chose itself.
    pub fn param(&self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Failure> {
        self.host.param(name, &json(name, value)?);
        Ok(())
    }

    /// Says how far the job is, from 0 to 1, and what it is doing.
    pub fn progress(&self, fraction: f64, message: &str) {
        self.host.progress(fraction, message);
    }

    /// The seed of this step: the same for every attempt and every reproduction, so that `StdRng::seed_from_u64` and
    /// its like repeat. Random numbers of the system are derived from it too.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.host.seed()
    }

    fn params<P: DeserializeOwned>(&self) -> Result<P, Failure> {
        let params = match self.host.params_json() {
            Some(json) => serde_json::from_str(&json).map_err(|error| error.to_string()),
            None => args::params(std::env::args().skip(1)),
        };
        params.map_err(|why| Failure::invalid("bad-params", why))
    }
}

/// The params of a job that takes none.
#[doc(hidden)]
#[derive(Deserialize)]
pub struct NoParams {}

/// Runs a job: what `main` does.
#[doc(hidden)]
pub fn start<P: DeserializeOwned, E: Into<Failure>>(job: impl FnOnce(P, &Run) -> Result<(), E>) -> ExitCode {
    let run = Run { host: host::Host::here() };
    match run.params().and_then(|params| job(params, &run).map_err(Into::into)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            run.host.fail(failure);
            ExitCode::FAILURE
        }
    }
}

fn json(name: &str, value: &(impl Serialize + ?Sized)) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::fatal("bad-result", format!("`{name}` is not JSON: {error}")))
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
