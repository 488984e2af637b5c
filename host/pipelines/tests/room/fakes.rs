//! What stands in for the engine, the web and the loaded models.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::Instant,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture, stream};
use host_core::{
    Digest, Name,
    call::{Call, CallContext, Called, End, Finished, InferCall, JobCall, JobReply, Prediction, Reply, Target},
    event::{Failure, code},
    function::FunctionRef,
    model::{LoadError, ModelRef, ScoreError, Signature, TensorSpec, Version, VersionId},
    ports::{ArtifactStream, Dispatch, Fetch, FetchError, Score},
    tensor::{Dtype, Tensor},
};
use tokio::sync::Semaphore;

/// A job as the guest sees it.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) function: FunctionRef,
    pub(crate) call: JobCall,
    pub(crate) context: CallContext,
}

impl Job {
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.out(name), bytes).unwrap();
    }

    /// Where an output goes; the first one makes the folder, as the engine would.
    pub(crate) fn out(&self, name: &str) -> std::path::PathBuf {
        std::fs::create_dir_all(&self.call.out).unwrap();
        self.call.out.join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let input = self.call.inputs.iter().find(|it| it.name == name).unwrap();
        std::fs::read_to_string(&input.path).unwrap()
    }

    pub(crate) fn track(&self) -> &dyn host_core::ports::Track {
        self.context.track.as_deref().unwrap()
    }

    /// Waits for the gate, unless the call is cancelled, as the engine would.
    pub(crate) async fn wait(&self, gate: &Gate) -> Result<(), Failure> {
        tokio::select! {
            () = self.context.cancelled.cancelled() => Err(Failure::transient(code::CANCELLED, "it was cancelled")),
            () = gate.pass() => Ok(()),
        }
    }

    /// The names of everything under `/out`.
    fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.call.out).into_iter().flatten();
        let names: BTreeSet<_> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.into_iter().collect()
    }
}

/// Lets in as many as it is opened for.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    pub(crate) fn shut() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    pub(crate) fn open(&self) {
        self.0.add_permits(1);
    }

    pub(crate) async fn pass(&self) {
        self.0.acquire().await.unwrap().forget();
    }
}

/// What a job does; what it leaves under `/out` are its outputs, unless it names others.
type Act = Arc<dyn Fn(Job) -> BoxFuture<'static, Result<Option<Vec<String>>, Failure>> + Send + Sync>;
/// What answers a call that is no job.
type Answer = Arc<dyn Fn(&Target, Call) -> Result<Reply, Failure> + Send + Sync>;

/// Every function there is, and the calls they got.
#[derive(Default)]
pub(crate) struct Guests {
    acts: Mutex<HashMap<String, Act>>,
    answer: Mutex<Option<Answer>>,
    jobs: Mutex<Vec<Job>>,
    is_stuck: Mutex<bool>,
}

impl Guests {
    pub(crate) fn on(&self, function: &str, act: impl Fn(&Job) -> Result<(), Failure> + Send + Sync + 'static) {
        self.on_async(function, move |job| std::future::ready(act(&job).map(|()| None)).boxed());
    }

    pub(crate) fn on_async(
        &self,
        function: &str,
        act: impl Fn(Job) -> BoxFuture<'static, Result<Option<Vec<String>>, Failure>> + Send + Sync + 'static,
    ) {
        self.acts.lock().unwrap().insert(function.to_owned(), Arc::new(act));
    }

    /// A job that writes `data` and waits at the gate before it ends.
    pub(crate) fn waits(&self, function: &str, gate: &Gate) {
        let gate = gate.clone();
        self.on_async(function, move |job| {
            let gate = gate.clone();
            async move {
                job.write("data", "late");
                job.wait(&gate).await.map(|()| None)
            }
            .boxed()
        });
    }

    pub(crate) fn answers(&self, answer: impl Fn(&Target, Call) -> Result<Reply, Failure> + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Some(Arc::new(answer));
    }

    /// No call that is no job is answered any more.
    pub(crate) fn get_stuck(&self) {
        *self.is_stuck.lock().unwrap() = true;
    }

    /// The jobs so far of a function.
    pub(crate) fn jobs(&self, function: &str) -> Vec<Job> {
        self.jobs.lock().unwrap().iter().filter(|it| it.function.name.as_str() == function).cloned().collect()
    }

    pub(crate) fn count(&self, function: &str) -> usize {
        self.jobs(function).len()
    }

    async fn job(&self, function: FunctionRef, context: CallContext, call: JobCall) -> Result<Reply, Failure> {
        let job = Job { function, call, context };
        self.jobs.lock().unwrap().push(job.clone());
        let act = self.acts.lock().unwrap().get(job.function.name.as_str()).cloned();
        let outputs = match act {
            Some(act) => act(job.clone()).await?,
            None => {
                job.write("data", "data");
                None
            }
        };
        Ok(Reply::Job(JobReply { outputs: outputs.unwrap_or_else(|| job.left()) }))
    }
}

#[async_trait]
impl Dispatch for Guests {
    async fn call(&self, target: Target, context: CallContext, call: Call) -> Called {
        let reply = match (target, call) {
            (Target::Function(_, function), Call::Job(call)) => self.job(function, context, call).await,
            (target, call) => {
                let answer = self.answer.lock().unwrap().clone().unwrap();
                let is_stuck = *self.is_stuck.lock().unwrap();
                if is_stuck {
                    std::future::pending::<()>().await;
                }
                answer(&target, call)
            }
        };
        Called { reply, end: End::Now(Finished::default()) }
    }
}

/// A website of one page, whose text is another each time it is asked for.
#[derive(Default)]
pub(crate) struct Web {
    asked: Mutex<Vec<String>>,
    down: Mutex<BTreeSet<String>>,
    gate: Mutex<Option<Gate>>,
}

impl Web {
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn set_down(&self, url: &str, is_down: bool) {
        let mut down = self.down.lock().unwrap();
        if is_down { _ = down.insert(url.to_owned()) } else { _ = down.remove(url) }
    }

    pub(crate) fn wait_at(&self, gate: &Gate) {
        *self.gate.lock().unwrap() = Some(gate.clone());
    }
}

#[async_trait]
impl Fetch for Web {
    async fn fetch(&self, url: &str) -> Result<ArtifactStream, FetchError> {
        let number = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(url.to_owned());
            asked.len()
        };
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        if self.down.lock().unwrap().contains(url) {
            return Err(FetchError::Unreachable { url: url.to_owned(), reason: "it is down".to_owned() });
        }
        Ok(stream::iter([Ok(Bytes::from(format!("page {number}")))]).boxed_stream())
    }
}

trait BoxedStream {
    fn boxed_stream(self) -> ArtifactStream;
}

impl<T> BoxedStream for T
where
    T: futures_util::Stream<Item = Result<Bytes, host_core::ports::ArtifactError>> + Send + 'static,
{
    fn boxed_stream(self) -> ArtifactStream {
        Box::pin(self)
    }
}

/// Loads every model but those whose bytes say that they are bad.
#[derive(Default)]
pub(crate) struct Scores {
    /// The versions that cannot be loaded any more.
    pub(crate) broken: Mutex<BTreeSet<u64>>,
    /// No version is ever loaded any more.
    pub(crate) is_stuck: Mutex<bool>,
    /// How many models were verified.
    pub(crate) verified: Mutex<usize>,
}

#[async_trait]
impl Score for Scores {
    fn current(&self, _: &Name, model: &ModelRef) -> Result<Version, ScoreError> {
        Err(ScoreError::NotFound(model.to_string()))
    }

    async fn infer(
        &self,
        _: &Name,
        model: &ModelRef,
        _: InferCall,
        _: Option<Instant>,
    ) -> Result<Prediction, ScoreError> {
        Err(ScoreError::NotFound(model.to_string()))
    }

    async fn infer_version(
        &self,
        version: &VersionId,
        _: InferCall,
        _: Option<Instant>,
    ) -> Result<Prediction, ScoreError> {
        let is_stuck = *self.is_stuck.lock().unwrap();
        if is_stuck {
            std::future::pending::<()>().await;
        }
        if self.broken.lock().unwrap().contains(&version.number) {
            return Err(ScoreError::Failed("it is damaged".to_owned()));
        }
        Err(ScoreError::Invalid("no tensors were given".to_owned()))
    }

    async fn infer_file(
        &self,
        _: Digest,
        _: &std::path::Path,
        _: InferCall,
        _: Option<Instant>,
    ) -> Result<Vec<Tensor>, ScoreError> {
        Err(ScoreError::Failed("nobody asks a file here".into()))
    }

    async fn verify(&self, format: &str, bytes: Bytes) -> Result<Signature, LoadError> {
        *self.verified.lock().unwrap() += 1;
        if format != "onnx" {
            return Err(LoadError::Format(format.to_owned()));
        }
        if bytes.starts_with(b"bad") {
            return Err(LoadError::Corrupt("it is no protobuf".to_owned()));
        }
        let tensor =
            |name: &str, width| TensorSpec { name: name.to_owned(), datatype: Dtype::Fp32, shape: vec![-1, width] };
        Ok(Signature { inputs: vec![tensor("x", 2)], outputs: vec![tensor("y", 1)] })
    }
}
