//! The hermetic world of a job: its clocks, its randomness and its files are the host's to give.
//!
//! What a job computes is a function of its code, params, inputs and seed. So nothing here may depend on the machine,
//! the moment, the attempt or the run.

use host_core::{
    call::{JobCall, JobInput},
    event::Failure,
    manifest::{Manifest, Time},
    model::VersionId,
};
use serde_json::{Map, Value};
use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi::p2::bindings::{clocks, io, random as wasi_random};

use crate::{Config, guest::Guest};

mod clock;
mod files;
mod poll;
mod random;

use clock::VirtualClock;
use files::Files;
use random::Random;

/// Where the clock of a job starts when its manifest says nothing: 2000-01-01T00:00:00Z.
const CONSTANT_START: i128 = 946_684_800_000_000_000;

/// One job's world.
pub(crate) struct Sandbox {
    params: Map<String, Value>,
    inputs: Vec<JobInput>,
    models: Vec<VersionId>,
    seed: u64,
    failure: Option<Failure>,
    /// How many more params, results and metrics it may record.
    records: u64,
    /// How many bytes these may have.
    record_bytes: u64,
    clock: VirtualClock,
    random: Random,
    files: Files,
}

impl Sandbox {
    /// The world of `job`, whose outputs go to its folder.
    pub(crate) fn new(job: JobCall, manifest: &Manifest, config: &Config) -> Self {
        let start = match manifest.time {
            Time::AsOf => job.as_of.as_nanosecond(),
            Time::Constant | Time::Real => CONSTANT_START,
        };
        Self {
            clock: VirtualClock::starting_at(start),
            random: Random::from_seed(job.seed),
            files: Files::new(&job.inputs, job.out, manifest, config.job_files),
            records: config.job_records,
            record_bytes: config.job_record_bytes.0,
            params: job.params,
            inputs: job.inputs,
            models: job.models,
            seed: job.seed,
            failure: None,
        }
    }

    pub(crate) fn params(&self) -> &Map<String, Value> {
        &self.params
    }

    pub(crate) fn inputs(&self) -> &[JobInput] {
        &self.inputs
    }

    pub(crate) fn models(&self) -> &[VersionId] {
        &self.models
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// The job says why it is about to give up.
    pub(crate) fn fail(&mut self, failure: Failure) {
        self.failure = Some(failure);
    }

    /// What the job said when it gave up.
    pub(crate) fn said(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Counts one more record of so many bytes; `None` once there were too many, and the first time that this is so,
    /// what to say.
    pub(crate) fn count_record(&mut self, bytes: usize) -> Result<(), Option<&'static str>> {
        match (self.records, self.record_bytes.checked_sub(bytes as u64)) {
            (0, _) => Err(None),
            (1, _) | (_, None) => {
                self.records = 0;
                Err(Some("the job recorded as many params, results and metrics as are kept; the rest is dropped"))
            }
            (_, Some(left)) => {
                self.records -= 1;
                self.record_bytes = left;
                Ok(())
            }
        }
    }

    /// What happened to its files.
    pub(crate) fn files(&self) -> &Files {
        &self.files
    }
}

impl Guest {
    /// The sandbox. Only jobs link what asks for it.
    fn sandbox(&mut self) -> wasmtime::Result<&mut Sandbox> {
        self.sandbox.as_mut().ok_or_else(|| wasmtime::format_err!("only a job has a sandbox"))
    }
}

/// Puts the sandbox in the place of the machine.
pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let l = linker;
    clocks::monotonic_clock::add_to_linker::<Guest, HasSelf<Guest>>(l, |guest| guest)?;
    clocks::wall_clock::add_to_linker::<Guest, HasSelf<Guest>>(l, |guest| guest)?;
    io::poll::add_to_linker::<Guest, HasSelf<Guest>>(l, |guest| guest)?;
    wasi_random::random::add_to_linker::<Guest, HasSelf<Guest>>(l, |guest| guest)?;
    wasi_random::insecure::add_to_linker::<Guest, HasSelf<Guest>>(l, |guest| guest)?;
    wasi_random::insecure_seed::add_to_linker::<Guest, HasSelf<Guest>>(l, |guest| guest)?;
    files::link(l)
}

/// Puts the machine's clocks back, for a job whose manifest says `time = "real"`.
pub(crate) fn link_real_time(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
    clocks::monotonic_clock::add_to_linker::<Guest, WasiClocks>(linker, Guest::clocks)?;
    clocks::wall_clock::add_to_linker::<Guest, WasiClocks>(linker, Guest::clocks)
}
