//! The call an instance is in: what surrounds it, its lines, and the models it asked.

use std::{
    sync::{Arc, atomic::AtomicU32},
    time::{Duration, Instant},
};

use host_capabilities::secret::Held;
use host_core::{
    call::{CallContext, Finished, Usage},
    clock::Clock,
    event::Failure,
    function::Revision,
    mask::Mask,
    model::VersionId,
    ports::{KeyValue, Publish, Recorder, Score, Secrets},
};
use parking_lot::Mutex;

use crate::{
    Config,
    output::{Budget, Lines},
    supervise::Watch,
    ticker::Epochs,
    ways::Ways,
};

/// What stands for a timeout that no clock can show.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// What hides nothing.
static NOTHING: Mask = Mask::none();

/// What every call needs of the host.
pub(crate) struct Services {
    pub(crate) config: Config,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) score: Option<Arc<dyn Score>>,
    pub(crate) secrets: Arc<dyn Secrets>,
    pub(crate) state: Arc<dyn KeyValue>,
    pub(crate) publish: Arc<dyn Publish>,
    /// Held, so that time passes for as long as there is a call.
    pub(crate) _epochs: Arc<Epochs>,
}

/// One call, from admission to its end.
pub(crate) struct Current {
    pub(crate) revision: Arc<Revision>,
    pub(crate) context: CallContext,
    pub(crate) services: Arc<Services>,
    pub(crate) budget: Budget,
    /// The secrets of a function that was granted some, as they were when the call began.
    pub(crate) held: Option<Arc<Held>>,
    /// What its function was granted of the network.
    pub(crate) ways: Ways,
    /// How long one run of the guest may take. A batch that broke runs its events one by one, each as long.
    pub(crate) timeout: Duration,
    /// How many events it has sent.
    pub(crate) published: AtomicU32,
    models: Mutex<Vec<VersionId>>,
}

/// Whether a call is short, such as a request, or a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Call,
    Job,
}

impl Current {
    pub(crate) fn new(
        revision: Arc<Revision>,
        context: CallContext,
        services: Arc<Services>,
        held: Option<Arc<Held>>,
        ways: Ways,
        length: Length,
    ) -> Self {
        let limits = &revision.manifest.limits;
        let config = &services.config;
        let (timeout, lines, bytes) = match length {
            Length::Call => (limits.call_timeout(), config.log_lines, config.log_bytes),
            Length::Job => (limits.job_timeout(), config.job_log_lines, config.job_log_bytes),
        };
        Self {
            timeout: timeout.duration(),
            budget: Budget::new(lines, bytes.0),
            published: AtomicU32::new(0),
            models: Mutex::default(),
            held,
            ways,
            revision,
            context,
            services,
        }
    }

    /// What its guest says goes here.
    pub(crate) fn lines(&self) -> Lines<'_> {
        Lines(self)
    }

    /// What hides the secrets of the call.
    pub(crate) fn mask(&self) -> &Mask {
        self.held.as_ref().map_or(&NOTHING, |held| held.mask())
    }

    /// Whether an instance that ran under `other` saw the same secrets, so that it may run under this one.
    pub(crate) fn holds_the_same(&self, other: &Self) -> bool {
        match (&self.held, &other.held) {
            (None, None) => true,
            (Some(held), Some(other)) => Arc::ptr_eq(held, other),
            _ => false,
        }
    }

    /// What stops the guest if it starts now, and the call may be more runs of it.
    pub(crate) fn watch(&self) -> Watch {
        let start = Instant::now();
        let most = start.checked_add(self.timeout).unwrap_or(start + FOREVER);
        let deadline = self.context.deadline.map_or(most, |asked| asked.min(most));
        Watch::new(deadline)
    }

    /// What stops the call as a whole: its one run, or what it waits for before its guest runs. Whoever calls has bound it
    /// by the manifest already, so that no clock is read here: that is dear for a short call.
    pub(crate) fn patience(&self) -> Watch {
        let deadline = self.context.deadline.unwrap_or_else(|| self.watch().deadline);
        Watch::new(deadline)
    }

    /// Notes that `version` computed something for this call.
    pub(crate) fn asked(&self, version: &VersionId) {
        let mut models = self.models.lock();
        if !models.contains(version) {
            models.push(version.clone());
        }
    }

    /// The end of the call. How long it took is told by who knows when it arrived.
    pub(crate) fn finish(&self, spent: Spent, failure: Option<Failure>) -> Finished {
        self.lines().finish();
        let usage = Usage {
            duration_us: 0,
            cpu_us: micros(spent.cpu),
            memory_bytes: spent.memory,
            bytes_in: spent.bytes_in,
            bytes_out: spent.bytes_out,
            fresh: spent.fresh,
        };
        Finished { usage, failure, models: std::mem::take(&mut *self.models.lock()), at: spent.until }
    }
}

/// What the runs of one call used, added up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    pub(crate) cpu: Duration,
    pub(crate) memory: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) fresh: bool,
    /// When the last of them was over.
    pub(crate) until: Option<Instant>,
}

impl Spent {
    /// Adds another run of the same call.
    pub(crate) fn add(&mut self, run: Self) {
        self.cpu += run.cpu;
        self.memory = self.memory.max(run.memory);
        self.bytes_in += run.bytes_in;
        self.bytes_out += run.bytes_out;
        self.fresh |= run.fresh;
        self.until = run.until.or(self.until);
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
