//! Compiling components, a bounded number at a time, and keeping what came of it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use bytes::Bytes;
use host_core::{Digest, ports::PrepareError, size::Millis};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};
use wasmtime::component::Component;

use crate::{Config, machine::Machine};

mod cache;
mod seal;

pub(crate) use cache::Cache;

/// Compiles components and keeps their code.
pub(crate) struct Compiler {
    cache: Arc<Cache>,
    running: Arc<Semaphore>,
    /// Those that run and those that wait.
    queue: Arc<Semaphore>,
    /// Whose code is being made, by engine and component.
    turns: parking_lot::Mutex<HashMap<(String, Digest), Weak<Turn>>>,
    limit: Millis,
    compiled: AtomicU64,
}

type Turn = tokio::sync::Mutex<()>;

impl Compiler {
    pub(crate) fn new(config: &Config) -> Self {
        let running = config.compiling.clamp(1, Semaphore::MAX_PERMITS);
        let queued = running.saturating_add(config.compile_queue).min(Semaphore::MAX_PERMITS);
        Self {
            cache: Arc::new(Cache::at(config.cache.clone())),
            running: Arc::new(Semaphore::new(running)),
            queue: Arc::new(Semaphore::new(queued)),
            turns: parking_lot::Mutex::default(),
            limit: config.compile_timeout,
            compiled: AtomicU64::new(0),
        }
    }

    /// Removes the code of other engines, such as those of earlier releases, that none has used since `then`.
    pub(crate) fn clean(&self, machines: [&Machine; 3], then: SystemTime) {
        self.cache.clean(&machines.map(|it| it.folder.as_str()), then);
    }

    /// Whether the code of `component` is kept, as far as can be told without reading it.
    pub(crate) fn has(&self, machine: &Machine, component: &Digest) -> bool {
        self.cache.has(machine, component)
    }

    /// How many components were compiled since the start.
    pub(crate) fn compiled(&self) -> u64 {
        self.compiled.load(Ordering::Relaxed)
    }

    /// Loads the kept code of `component`.
    pub(crate) async fn load(&self, machine: &Arc<Machine>, component: Digest) -> Result<Component, PrepareError> {
        let (cache, machine) = (self.cache.clone(), machine.clone());
        let work = spawn_blocking(move || cache.load(&machine, &component));
        work.await.map_err(|error| PrepareError::Storage(format!("loading its code failed: {error}")))?
    }

    /// Compiles `bytes` and keeps the code under `component`.
    pub(crate) async fn compile(
        &self,
        machine: &Arc<Machine>,
        component: Digest,
        bytes: Bytes,
    ) -> Result<(), PrepareError> {
        let queued = self.queue.clone().try_acquire_owned().map_err(|_| PrepareError::Busy)?;
        let slow = || PrepareError::Slow(self.limit.duration().as_secs());
        let turn = timeout(self.limit.duration(), self.turn(machine, component).lock_owned());
        let turn = turn.await.map_err(|_| slow())?;
        let permit = self.running.clone().acquire_owned().await.map_err(|_| PrepareError::Busy)?;
        // Another caller may have compiled the same bytes while this one waited.
        if self.cache.has(machine, &component) {
            return Ok(());
        }
        self.compiled.fetch_add(1, Ordering::Relaxed);
        let (cache, machine) = (self.cache.clone(), machine.clone());
        // Compiling cannot be interrupted: whoever waits gives up, while the permits stay taken until it is done.
        let work = spawn_blocking(move || {
            let _held = (queued, permit, turn);
            let code = machine
                .engine
                .precompile_component(&bytes)
                .map_err(|error| PrepareError::Compile(format!("{error:#}")))?;
            cache.keep(&machine, &component, &code)
        });
        match timeout(self.limit.duration(), work).await {
            Ok(done) => done.map_err(|error| PrepareError::Compile(format!("the compiler failed: {error}")))?,
            Err(_) => Err(slow()),
        }
    }

    /// Held by whoever makes the code of a component: others who want the same wait, and find it made.
    fn turn(&self, machine: &Machine, component: Digest) -> Arc<Turn> {
        let mut turns = self.turns.lock();
        turns.retain(|_, turn| turn.strong_count() > 0);
        let key = (machine.folder.clone(), component);
        if let Some(turn) = turns.get(&key).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::new(Turn::default());
        turns.insert(key, Arc::downgrade(&turn));
        turn
    }
}
