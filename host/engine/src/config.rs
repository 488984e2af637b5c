//! How the engine room is set up: every bound in it has its name here.

use std::path::PathBuf;

use host_capabilities::http;
use host_core::size::{ByteSize, Millis};
use serde::{Deserialize, Serialize};

/// The engine's bounds and where it keeps compiled code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where compiled code is kept between starts. Nobody but the host may write there: it holds machine code.
    pub cache: PathBuf,
    /// How long the code of other engines, such as those of earlier releases, is kept after their last start.
    pub keep_code: Millis,
    /// Instances that may be alive at once, over all functions; fewer where the machine has no room for as many.
    pub slots: u32,
    /// The same, for functions whose components use the asynchronous component model: they run on an engine of their own.
    pub async_slots: u32,
    /// The most memory that `limits.memory` may ask for, for anything but a job.
    pub slot_memory: ByteSize,
    /// Memory of a slot that stays resident between instances: faster fresh instances against more memory in use.
    pub keep_resident: ByteSize,
    /// Functions that stay loaded; the one used least recently is unloaded.
    pub loaded: usize,
    /// Warm instances kept per function.
    pub warm: usize,
    /// How many calls a warm instance serves before it is replaced.
    pub warm_uses: u32,
    /// How long a warm instance waits for its next call.
    pub warm_idle: Millis,
    /// Components compiled at once.
    pub compiling: usize,
    /// Components that may wait to be compiled.
    pub compile_queue: usize,
    /// How long one component may take to compile.
    pub compile_timeout: Millis,
    /// The largest component.
    pub component_size: ByteSize,
    /// How often a running guest is looked at, and so how exact a deadline is.
    pub tick: Millis,
    /// Log lines kept per call.
    pub log_lines: u32,
    /// Bytes of log lines kept per call.
    pub log_bytes: ByteSize,
    /// Log lines kept per job.
    pub job_log_lines: u32,
    /// Bytes of log lines kept per job.
    pub job_log_bytes: ByteSize,
    /// Jobs that may run at once.
    pub jobs: usize,
    /// The most memory that `limits.memory` may ask for, for a job; 4 GiB is what WebAssembly can address.
    pub job_memory: ByteSize,
    /// The most files a job may leave under `/out`.
    pub job_files: usize,
    /// The most params, results and metrics a job may record.
    pub job_records: u64,
    /// The most bytes of all of them together, as JSON.
    pub job_record_bytes: ByteSize,
    /// The most bytes a job may hand to the host in one call, such as the tensors for a model.
    pub job_copy: ByteSize,
    /// The requests that functions send.
    pub outgoing: http::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cache: PathBuf::from(".weft/compiled"),
            keep_code: Millis(7 * 86_400_000),
            slots: 1000,
            async_slots: 64,
            slot_memory: ByteSize(1 << 30),
            keep_resident: ByteSize(1 << 20),
            loaded: 2000,
            warm: 64,
            warm_uses: 1000,
            warm_idle: Millis(60_000),
            compiling: 2,
            compile_queue: 64,
            compile_timeout: Millis(120_000),
            component_size: ByteSize(64 << 20),
            tick: Millis(10),
            log_lines: 1000,
            log_bytes: ByteSize(256 << 10),
            job_log_lines: 20_000,
            job_log_bytes: ByteSize(4 << 20),
            jobs: 64,
            job_memory: ByteSize(4 << 30),
            job_files: 1000,
            job_records: 1_000_000,
            job_record_bytes: ByteSize(32 << 20),
            job_copy: ByteSize(256 << 20),
            outgoing: http::Config::default(),
        }
    }
}

impl Config {
    /// The defaults, with compiled code under `cache`.
    #[must_use]
    pub fn at(cache: impl Into<PathBuf>) -> Self {
        Self { cache: cache.into(), ..Self::default() }
    }
}
