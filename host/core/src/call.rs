//! One call of a function: what goes in, what comes out, and what it used.

use std::{path::PathBuf, sync::Arc, time::Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::{
    CallId, Digest, Name, RunId,
    artifact::Kind,
    body::Body,
    event::{Event, Failure, Outcome},
    function::FunctionRef,
    model::{ModelRef, VersionId},
    ports::Track,
    tensor::Tensor,
};

/// What is called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A function of a project.
    Function(Name, FunctionRef),
    /// A model, or an endpoint that serves one.
    Model(Name, ModelRef),
}

/// What goes in.
pub enum Call {
    /// A request, its body still streaming.
    Http(http::Request<Body>),
    /// A batch of events, answered one by one and in order.
    Events(Vec<Event>),
    /// A job that runs to completion.
    Job(JobCall),
    /// Tensors for a model.
    Infer(InferCall),
}

/// What comes out.
pub enum Reply {
    /// A response, its body perhaps still streaming.
    Http(http::Response<Body>),
    /// One outcome per event.
    Events(Vec<Outcome>),
    /// How the job ended.
    Job(JobReply),
    /// What the model said.
    Infer(Prediction),
}

/// A job's parameters and files.
#[derive(Debug, Clone)]
pub struct JobCall {
    /// The parameters, complete and of the declared types.
    pub params: Map<String, Value>,
    /// The files under `/in`.
    pub inputs: Vec<JobInput>,
    /// An empty folder of the host's that becomes `/out`; it is made with the first output, if it is not there.
    pub out: PathBuf,
    /// What all randomness derives from.
    pub seed: u64,
    /// Where the clock starts, for a manifest that says `time = "as-of"`.
    pub as_of: Timestamp,
    /// Which version each granted model was pinned to when the run was submitted.
    pub models: Vec<VersionId>,
}

/// A file under `/in`.
#[derive(Debug, Clone)]
pub struct JobInput {
    /// Its name there.
    pub name: String,
    /// The host's own copy, never written to.
    pub path: PathBuf,
    /// Its digest.
    pub digest: Digest,
    /// What it is for.
    pub kind: Kind,
    /// Its media type, where known.
    pub media_type: Option<String>,
}

/// How a job ended. What it tracked went to [`Track`] as it happened.
#[derive(Debug, Clone, Default)]
pub struct JobReply {
    /// The files it left under `/out`, in order of name.
    pub outputs: Vec<String>,
}

/// Tensors for a model.
#[derive(Debug, Clone)]
pub struct InferCall {
    /// One tensor per input of the signature.
    pub inputs: Vec<Tensor>,
    /// The outputs wanted; all, when empty.
    pub outputs: Vec<String>,
}

/// What a model said, and which version said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prediction {
    /// The version that computed the tensors, not the one an alias points to by now.
    pub version: VersionId,
    /// The outputs.
    pub outputs: Vec<Tensor>,
}

/// What surrounds a call.
#[derive(Clone)]
pub struct CallContext {
    /// The call's identity, on every record and log line.
    pub id: CallId,
    /// When it must have answered.
    pub deadline: Option<Instant>,
    /// Counted from 1.
    pub attempt: u32,
    /// What woke the function.
    pub trigger: TriggerRef,
    /// On whose behalf; empty for nobody in particular.
    pub principal: String,
    /// The W3C trace context, where there is one.
    pub traceparent: Option<String>,
    /// Set when nobody wants the answer any more.
    pub cancelled: CancellationToken,
    /// The run and step this call is for.
    pub step: Option<StepRef>,
    /// Where a job's parameters, metrics and results go.
    pub track: Option<Arc<dyn Track>>,
    /// Where each event of the batch was read; none where they come from no stream.
    pub origins: Option<Arc<[Place]>>,
    /// How many events of the platform led to this one, so that a chain of them comes to an end.
    pub depth: u8,
    /// When the event was given up last, where somebody replays it.
    pub given_up_at: Option<Timestamp>,
}

/// Where on a stream an event was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The topic or queue.
    pub topic: Arc<str>,
    /// The partition; 0 for a queue.
    pub partition: u32,
    /// The offset, or the delivery's number.
    pub offset: u64,
}

impl CallContext {
    /// Where the event of this index was read.
    #[must_use]
    pub fn origin(&self, index: usize) -> Option<&Place> {
        self.origins.as_ref()?.get(index)
    }

    /// A first attempt on nobody's behalf, without a deadline of its own.
    #[must_use]
    pub fn new(trigger: TriggerRef) -> Self {
        Self {
            id: CallId::next(),
            deadline: None,
            attempt: 1,
            trigger,
            principal: String::new(),
            traceparent: None,
            cancelled: CancellationToken::new(),
            step: None,
            track: None,
            origins: None,
            depth: 0,
            given_up_at: None,
        }
    }
}

/// What woke a function: the kind of trigger and its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TriggerRef {
    /// `http`, `kafka`, `amqp`, `schedule`, `event`; `api`, `run` and `publish` where it was none of a manifest.
    pub kind: &'static str,
    /// Which one, such as the route.
    pub name: Arc<str>,
}

impl TriggerRef {
    /// A trigger of a kind, by name.
    #[must_use]
    pub fn new(kind: &'static str, name: impl Into<Arc<str>>) -> Self {
        Self { kind, name: name.into() }
    }
}

/// The step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StepRef {
    /// The run.
    pub run: RunId,
    /// The step's name.
    pub step: String,
    /// Which trial of its sweep, counted from 0.
    pub trial: Option<u32>,
}

/// What a call used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// From admission to the end, microseconds.
    pub duration_us: u64,
    /// CPU time of the guest and of the host on its behalf, microseconds.
    pub cpu_us: u64,
    /// The most linear memory the instance held, bytes.
    pub memory_bytes: u64,
    /// Bytes that went in.
    pub bytes_in: u64,
    /// Bytes that came out.
    pub bytes_out: u64,
    /// Whether an instance was made for this call.
    pub fresh: bool,
}

/// How a call ended, once its last byte is out.
#[derive(Debug, Clone, Default)]
pub struct Finished {
    /// What it used.
    pub usage: Usage,
    /// What went wrong, if anything. Failures of single events stand in the reply.
    pub failure: Option<Failure>,
    /// The model versions that computed something for it.
    pub models: Vec<VersionId>,
    /// When it was over, where somebody has looked at the clock already.
    pub at: Option<Instant>,
}

/// When a call ends: with its reply, or later, when a streamed body does.
#[derive(Debug)]
pub enum End {
    /// With the reply.
    Now(Finished),
    /// When this resolves; an error means the host stopped first.
    Later(Box<dyn EndFuture>),
}

/// The end of a call that still streams.
pub trait EndFuture: Future<Output = Finished> + Send + Unpin + std::fmt::Debug {}

impl<T: Future<Output = Finished> + Send + Unpin + std::fmt::Debug> EndFuture for T {}

/// A call that has been answered.
pub struct Called {
    /// The answer, or why there is none.
    pub reply: Result<Reply, Failure>,
    /// When it is over and what it used.
    pub end: End,
}

impl Called {
    /// A call that failed before it reached the guest.
    #[must_use]
    pub fn failed(failure: Failure) -> Self {
        let finished = Finished { failure: Some(failure.clone()), ..Finished::default() };
        Self { reply: Err(failure), end: End::Now(finished) }
    }
}
