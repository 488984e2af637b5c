//! The engine room's door: inspects, prepares and calls components.

use std::{
    path::Path,
    pin::Pin,
    sync::{Arc, Weak},
    time::{Instant, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use host_capabilities::{
    http::{Client, ClientError},
    keyvalue::Bounded,
    secret::Held,
};
use host_core::{
    Digest, RevisionId,
    call::{Call, CallContext, Called},
    clock::Clock,
    event::{Failure, code},
    function::Revision,
    manifest::Time,
    ports::{Artifacts, Inspection, Invoke, KeyValue, PrepareError, Publish, Recorder, Score, Secrets, check_grants},
};
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::{
    Config,
    compile::Compiler,
    current::{Current, Length, Services},
    entry,
    function::{self, Calls, Function},
    inspect::{self, Inspected},
    machine::{Machine, Serving, Working},
    masked::masked,
    platform,
    slots::{MakeRoom, Slots},
    ticker::{self, Epochs, Swept},
    ways::Ways,
};

/// When to come back for a revision whose code is being made, milliseconds.
const LATE_MS: u32 = 2000;

/// Runs functions. The only room that knows wasmtime.
pub struct Engine {
    serve: Arc<Machine>,
    /// For components that use the asynchronous component model.
    concurrent: Arc<Machine>,
    job: Arc<Machine>,
    real_time: wasmtime::component::Linker<crate::guest::Guest>,
    outgoing: Client,
    compiler: Compiler,
    functions: Cache<RevisionId, Arc<Function>>,
    /// Revisions that are being made ready because a call came for them.
    late: Mutex<Vec<RevisionId>>,
    slots: Arc<Slots>,
    concurrent_slots: Arc<Slots>,
    slot_count: u32,
    /// Who is asked for idle instances once the slots of an engine are taken.
    idle: [Arc<Idle>; 2],
    jobs: Arc<Semaphore>,
    services: Arc<Services>,
    artifacts: Arc<dyn Artifacts>,
    this: Weak<Engine>,
}

/// What an engine needs from other rooms.
pub struct Parts {
    /// Where log lines of guests go.
    pub recorder: Arc<dyn Recorder>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Where components come from.
    pub artifacts: Arc<dyn Artifacts>,
    /// What predicts, on a host that serves models.
    pub score: Option<Arc<dyn Score>>,
    /// The secrets that manifests grant.
    pub secrets: Arc<dyn Secrets>,
    /// Where keyed state is kept.
    pub state: Arc<dyn KeyValue>,
    /// Where events go that guests send.
    pub publish: Arc<dyn Publish>,
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// This machine cannot run it.
    #[error("the engine cannot start on this machine: {0}")]
    Machine(String),
    /// Its clock could not be started.
    #[error("the engine's ticker thread could not be started: {0}")]
    Ticker(#[from] std::io::Error),
    /// No request could be sent for its guests.
    #[error(transparent)]
    Outgoing(#[from] ClientError),
}

impl Engine {
    /// An engine for this machine, with what its guests may be granted.
    ///
    /// # Errors
    /// When the machine has no room for even a few instances, or no thread can be started.
    pub fn new(config: Config, parts: Parts) -> Result<Arc<Self>, EngineError> {
        let Parts { recorder, clock, artifacts, score, secrets, state, publish } = parts;
        let machine = |error: wasmtime::Error| EngineError::Machine(format!("{error:#}"));
        let serving = Serving::new(&config).map_err(machine)?;
        let concurrent = Serving::concurrent(&config).map_err(machine)?;
        let working = Working::new().map_err(machine)?;
        let outgoing = Client::new(config.outgoing.clone())?;
        let tick = config.tick.duration();
        let engines = [&serving.machine, &concurrent.machine, &working.machine].map(|it| it.engine.clone());
        let epochs = Arc::new(Epochs(engines));
        let held = epochs.clone();
        let state = Arc::new(Bounded::new(state));
        let engine = Arc::new_cyclic(|this: &Weak<Self>| Self {
            serve: Arc::new(serving.machine),
            concurrent: Arc::new(concurrent.machine),
            job: Arc::new(working.machine),
            real_time: working.real_time,
            outgoing,
            compiler: Compiler::new(&config),
            functions: Cache::new(config.loaded.max(1)),
            late: Mutex::default(),
            slots: Arc::new(Slots::new(serving.slots)),
            concurrent_slots: Arc::new(Slots::new(concurrent.slots)),
            slot_count: serving.slots,
            idle: [false, true].map(|is_concurrent| Arc::new(Idle { engine: this.clone(), is_concurrent })),
            jobs: Arc::new(Semaphore::new(config.jobs.clamp(1, Semaphore::MAX_PERMITS))),
            services: Arc::new(Services { config, recorder, clock, score, secrets, state, publish, _epochs: held }),
            artifacts,
            this: this.clone(),
        });
        for (slots, idle) in [&engine.slots, &engine.concurrent_slots].into_iter().zip(&engine.idle) {
            let idle: Weak<dyn MakeRoom> = Arc::downgrade(&(idle.clone() as Arc<dyn MakeRoom>));
            slots.ask(idle);
        }
        ticker::start(&epochs, &engine, tick)?;
        engine.clean();
        Ok(engine)
    }

    /// Removes compiled code that nobody will ask for again.
    fn clean(&self) {
        let now = SystemTime::from(self.services.clock.now());
        if let Some(then) = now.checked_sub(self.services.config.keep_code.duration()) {
            self.compiler.clean([&self.serve, &self.concurrent, &self.job], then);
        }
    }

    /// The release of the runtime and the features of the CPU: what a reproduction must share with the original.
    #[must_use]
    pub fn platform() -> (String, String) {
        (platform::WASMTIME.to_owned(), platform::cpu())
    }

    /// What an operator should know about this machine.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        platform::warnings(&self.services.config, self.slot_count)
    }

    /// The client behind the requests of its guests.
    #[must_use]
    pub fn outgoing(&self) -> &Client {
        &self.outgoing
    }

    /// How many components were compiled since the start.
    #[must_use]
    pub fn compiled(&self) -> u64 {
        self.compiler.compiled()
    }

    /// The loaded revision; loaded now, if need be, from code that is there.
    async fn function(&self, revision: &Arc<Revision>) -> Result<Arc<Function>, PrepareError> {
        if let Some(function) = self.functions.get(&revision.id) {
            return Ok(function);
        }
        // Boxed, because it is rare and would make room for itself in every call.
        Box::pin(self.functions.get_or_insert_async(&revision.id, self.load(revision))).await
    }

    async fn load(&self, revision: &Arc<Revision>) -> Result<Arc<Function>, PrepareError> {
        let config = &self.services.config;
        let entries = revision.entries;
        let calls = if entries.http || entries.handler {
            let machine = self.serving(&revision.component);
            let component = self.compiler.load(machine, revision.component).await?;
            let slots = if Arc::ptr_eq(machine, &self.serve) { &self.slots } else { &self.concurrent_slots };
            Some(Calls::new(revision, &component, &machine.linker, slots, config)?)
        } else {
            None
        };
        let job = if entries.job {
            let component = self.compiler.load(&self.job, revision.component).await?;
            let is_real = revision.manifest.time == Time::Real;
            let linker = if is_real { &self.real_time } else { &self.job.linker };
            Some(function::job(revision, &component, linker, config)?)
        } else {
            None
        };
        let ways = Ways::of(&revision.manifest.grants, &self.outgoing);
        Ok(Arc::new(Function::new(revision.clone(), calls, job, ways)))
    }

    /// The secrets that a call of `function` holds; most are granted none.
    async fn held(&self, function: &Function) -> Option<Arc<Held>> {
        let Revision { project, manifest, .. } = &*function.revision;
        if manifest.grants.secret.is_empty() {
            return None;
        }
        Box::pin(function.keeper.held(&*self.services.secrets, project, &manifest.grants.secret)).await
    }

    /// The engine that serves calls of a component. It was chosen when the code was made, by what the bytes say: where
    /// the one for asynchronous components has code of it, it is one.
    fn serving(&self, component: &Digest) -> &Arc<Machine> {
        if self.compiler.has(&self.concurrent, component) { &self.concurrent } else { &self.serve }
    }

    /// The engines that run a revision, one of them `serving` its calls.
    fn machines<'a>(
        &'a self,
        revision: &Revision,
        serving: &'a Arc<Machine>,
    ) -> impl Iterator<Item = &'a Arc<Machine>> {
        let entries = revision.entries;
        let wanted = [(entries.http || entries.handler, serving), (entries.job, &self.job)];
        wanted.into_iter().filter_map(|(is_wanted, machine)| is_wanted.then_some(machine))
    }

    /// Makes what code of a revision is not there, once its bytes are checked against its manifest.
    async fn compile(&self, revision: &Revision) -> Result<(), PrepareError> {
        let file = self.artifacts.hold(&revision.component).await;
        let file = file.map_err(|error| PrepareError::Storage(error.to_string()))?;
        let inspected = self.read(&file).await?;
        inspect::check_entries(&inspected.inspection)?;
        let imports = inspected.inspection.imports.iter().map(String::as_str);
        check_grants(imports, &revision.manifest)?;
        let serving = if inspected.is_concurrent { &self.concurrent } else { &self.serve };
        for machine in self.machines(revision, serving) {
            self.compiler.compile(machine, revision.component, inspected.component.clone()).await?;
        }
        Ok(())
    }

    /// The loaded revision for a call. Where its code is not there, it is made in the background, and the caller told.
    async fn ready(&self, revision: &Arc<Revision>) -> Result<Arc<Function>, Failure> {
        self.function(revision).await.map_err(|error| {
            self.prepare_late(revision.clone());
            let message = format!("{} revision {} is not ready: {error}", revision.function, revision.number);
            Failure { retry_after_ms: Some(LATE_MS), ..Failure::transient(code::UNAVAILABLE, message) }
        })
    }

    fn prepare_late(&self, revision: Arc<Revision>) {
        let Some(engine) = self.this.upgrade() else { return };
        let mut late = engine.late.lock();
        if late.contains(&revision.id) {
            return;
        }
        late.push(revision.id);
        drop(late);
        tokio::spawn(async move {
            if let Err(error) = engine.prepare(&revision).await {
                tracing::warn!(function = %revision.function, revision = %revision.id, %error, "could not be prepared");
            }
            engine.late.lock().retain(|it| *it != revision.id);
        });
    }

    /// The bytes of a component as the host runs it: within the size limit, and a component.
    async fn read(&self, file: &Path) -> Result<Inspected, PrepareError> {
        let most = self.services.config.component_size.0;
        let file = file.to_owned();
        let work = spawn_blocking(move || {
            let storage = |error: std::io::Error| PrepareError::Storage(format!("{}: {error}", file.display()));
            let size = std::fs::metadata(&file).map_err(storage)?.len();
            if size > most {
                return Err(PrepareError::TooLarge { size, most });
            }
            inspect::inspect(Bytes::from(std::fs::read(&file).map_err(storage)?))
        });
        work.await.map_err(|error| PrepareError::NotAComponent(format!("reading it failed: {error}")))?
    }
}

#[async_trait]
impl Invoke for Engine {
    async fn inspect(&self, file: &Path) -> Result<Inspection, PrepareError> {
        let inspected = self.read(file).await?;
        inspect::check_entries(&inspected.inspection)?;
        Ok(inspected.inspection)
    }

    async fn prepare(&self, revision: &Arc<Revision>) -> Result<(), PrepareError> {
        if self.functions.get(&revision.id).is_some() {
            return Ok(());
        }
        let serving = self.serving(&revision.component);
        if !self.machines(revision, serving).all(|machine| self.compiler.has(machine, &revision.component)) {
            self.compile(revision).await?;
        }
        match self.function(revision).await {
            // The code was there and turned out to be damaged.
            Err(PrepareError::Storage(_)) => self.compile(revision).await?,
            other => return other.map(drop),
        }
        self.function(revision).await.map(drop)
    }

    // Written out, because the macro would move every argument once more, and make room for it twice.
    fn call<'engine, 'call>(
        &'engine self,
        revision: Arc<Revision>,
        context: CallContext,
        call: Call,
    ) -> Pin<Box<dyn Future<Output = Called> + Send + 'call>>
    where
        'engine: 'call,
        Self: 'call,
    {
        Box::pin(async move {
            let function = match self.functions.get(&revision.id) {
                Some(function) => function,
                // Boxed, because it is rare and would make room for itself in every call.
                None => match Box::pin(self.ready(&revision)).await {
                    Ok(function) => function,
                    Err(failure) => return Called::failed(failure),
                },
            };
            let length = if matches!(call, Call::Job(_)) { Length::Job } else { Length::Call };
            let held = self.held(&function).await;
            let (services, ways) = (self.services.clone(), function.ways.clone());
            let current = Arc::new(Current::new(revision, context, services, held.clone(), ways, length));
            let called = match call {
                Call::Http(request) => entry::http::call(&function, current, request).await,
                Call::Events(events) => entry::events::call(&function, &current, events).await,
                // Boxed, because requests and events would make room for it.
                Call::Job(job) => Box::pin(entry::job::call(function, current, job, &self.jobs)).await,
                Call::Infer(_) => {
                    Called::failed(Failure::invalid(code::WRONG_ENTRY, "a function takes no tensors; a model does"))
                }
            };
            match held {
                Some(held) => masked(called, held.mask()),
                None => called,
            }
        })
    }

    fn retire(&self, revision: RevisionId) {
        if let Some((_, function)) = self.functions.remove(&revision) {
            function.close();
        }
    }

    fn is_prepared(&self, component: &Digest) -> bool {
        [&self.serve, &self.concurrent, &self.job].into_iter().any(|machine| self.compiler.has(machine, component))
    }
}

impl Swept for Engine {
    fn sweep(&self) {
        let Some(then) = Instant::now().checked_sub(self.services.config.warm_idle.duration()) else { return };
        for (_, function) in self.functions.iter() {
            if let Some(calls) = &function.calls {
                calls.pool().sweep(then);
            }
        }
    }
}

/// The idle instances of one of the two engines that serve calls.
struct Idle {
    engine: Weak<Engine>,
    is_concurrent: bool,
}

impl MakeRoom for Idle {
    fn make_room(&self) -> bool {
        let Some(engine) = self.engine.upgrade() else { return false };
        let slots = if self.is_concurrent { &engine.concurrent_slots } else { &engine.slots };
        let waiting = engine.functions.iter().filter_map(|(_, function)| {
            let calls = function.calls.as_ref().filter(|it| it.takes_from(slots))?;
            Some((calls.pool().oldest()?, function))
        });
        let oldest = waiting.min_by_key(|(since, _)| *since);
        oldest.and_then(|(_, function)| function.calls.as_ref()?.pool().take_oldest()).is_some()
    }
}
