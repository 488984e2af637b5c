//! A revision that is loaded: what it can do, how many calls are in it, and its warm instances.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

use host_capabilities::secret::Keeper;
use host_core::{
    event::Failure,
    function::Revision,
    manifest::Isolation,
    ports::{PrepareError, check_grants},
};
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime_wasi::p2::bindings::{CommandIndices, CommandPre};
use wasmtime_wasi_http::p2::bindings::ProxyIndices;

use crate::{
    Config,
    bindings::HandlerIndices,
    current::Current,
    guest::Guest,
    instance::{Instance, Mould},
    pool::Pool,
    slots::Slots,
    supervise::{Stopped, Watch},
    trap,
    ways::Ways,
};

/// The bytes of a page of memory.
const PAGE: u64 = 64 << 10;

/// A loaded revision.
pub(crate) struct Function {
    pub(crate) revision: Arc<Revision>,
    pub(crate) calls: Option<Arc<Calls>>,
    pub(crate) job: Option<CommandPre<Guest>>,
    /// What the manifest grants of the network; its connections are this function's alone.
    pub(crate) ways: Ways,
    /// The secrets of its last call.
    pub(crate) keeper: Keeper,
    inside: Arc<AtomicU32>,
}

/// One call inside a function, for as long as this lives. It holds the count, or borrows it: that is quicker.
pub(crate) struct Inside<C: Deref<Target = AtomicU32>>(C);

/// What a function needs to serve calls.
pub(crate) struct Calls {
    pub(crate) mould: Mould,
    pool: Pool,
    slots: Arc<Slots>,
}

impl Function {
    pub(crate) fn new(
        revision: Arc<Revision>,
        calls: Option<Calls>,
        job: Option<CommandPre<Guest>>,
        ways: Ways,
    ) -> Self {
        let (calls, keeper, inside) = (calls.map(Arc::new), Keeper::default(), Arc::default());
        Self { revision, calls, job, ways, keeper, inside }
    }

    /// Lets one more call in, if there is room.
    pub(crate) fn admit(&self) -> Result<Inside<&AtomicU32>, Failure> {
        self.enter(&*self.inside)
    }

    /// The same for a call that may outlive this borrow.
    pub(crate) fn admit_for_long(&self) -> Result<Inside<Arc<AtomicU32>>, Failure> {
        self.enter(self.inside.clone())
    }

    /// Nobody waits here, so that counting is enough.
    fn enter<C: Deref<Target = AtomicU32>>(&self, count: C) -> Result<Inside<C>, Failure> {
        let limit = self.revision.manifest.limits.concurrency;
        let before = count.fetch_add(1, Ordering::Relaxed);
        let inside = Inside(count);
        if before < limit {
            return Ok(inside);
        }
        Err(trap::overloaded(&format!("{limit} calls are inside, as limits.concurrency allows")))
    }

    /// Drops what waits, now and from now on.
    pub(crate) fn close(&self) {
        if let Some(calls) = &self.calls {
            calls.pool.close();
        }
    }
}

impl<C: Deref<Target = AtomicU32>> Drop for Inside<C> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Calls {
    /// Makes a mould of `component`, if all it imports is there and it fits.
    pub(crate) fn new(
        revision: &Revision,
        component: &Component,
        linker: &Linker<Guest>,
        slots: &Arc<Slots>,
        config: &Config,
    ) -> Result<Self, PrepareError> {
        let pre = linked(revision, component, linker)?;
        let memory = revision.manifest.limits.call_memory();
        if memory > config.slot_memory {
            return Err(PrepareError::DoesNotFit(format!(
                "limits.memory asks for {memory}, and this host gives a call at most {}",
                config.slot_memory
            )));
        }
        check_memory(component, memory.0)?;
        let entries = revision.entries;
        let http = entries.http.then(|| ProxyIndices::new(&pre)).transpose().map_err(|error| wrong_entry(&error))?;
        let handler =
            entries.handler.then(|| HandlerIndices::new(&pre)).transpose().map_err(|error| wrong_entry(&error))?;
        let most = match revision.manifest.limits.isolation {
            Isolation::Warm => config.warm.min(revision.manifest.limits.concurrency as usize),
            Isolation::Fresh => 0,
        };
        let pool = Pool::new(most, config.warm_uses);
        Ok(Self { mould: Mould { pre, http, handler }, pool, slots: slots.clone() })
    }

    /// An instance for `current`: a warm one, or a new one if there is room for it.
    pub(crate) fn lend(&self, current: &Arc<Current>, watch: &Watch) -> Result<Instance, Failure> {
        if let Some(mut instance) = self.warm(current) {
            instance.enter(current.clone(), watch.clone());
            return Ok(instance);
        }
        let slot = self.slots.take().ok_or_else(|| trap::overloaded("every instance of this host is taken"))?;
        let guest = Guest::serving(current.clone(), watch.clone());
        Ok(Instance::new(self.mould.pre.engine(), guest, slot))
    }

    /// A warm instance that may serve `current`. One that saw another value of a secret is dropped.
    fn warm(&self, current: &Current) -> Option<Instance> {
        loop {
            let instance = self.pool.take()?;
            if current.holds_the_same(&instance.store.data().current) {
                return Some(instance);
            }
        }
    }

    /// An instance that nothing ran in before, as soon as there is room for it.
    ///
    /// # Errors
    /// When `patience` ends first.
    pub(crate) async fn lend_fresh(&self, current: &Arc<Current>, patience: &Watch) -> Result<Instance, Failure> {
        let slot = tokio::select! {
            biased;
            slot = self.slots.wait() => slot,
            stopped = patience.stop(current) => return Err(match stopped {
                Stopped::Cancelled => trap::stopped(stopped, current),
                Stopped::Deadline => trap::overloaded("every instance of this host was taken until its deadline"),
            }),
        };
        let guest = Guest::serving(current.clone(), current.watch());
        Ok(Instance::new(self.mould.pre.engine(), guest, slot))
    }

    /// Takes back an instance whose call ended well, a moment ago `at`.
    pub(crate) fn give_back(&self, mut instance: Instance, at: Instant) {
        instance.store.data().flush();
        instance.store.data_mut().sweep_sockets();
        // Kept warm, it would keep its slot from whoever waits for one.
        if !self.slots.are_wanted() {
            self.pool.put(instance, at);
        }
    }

    /// Whether its instances take these slots.
    pub(crate) fn takes_from(&self, slots: &Arc<Slots>) -> bool {
        Arc::ptr_eq(&self.slots, slots)
    }

    /// The instances that wait.
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }
}

/// Makes the job of `component`.
pub(crate) fn job(
    revision: &Revision,
    component: &Component,
    linker: &Linker<Guest>,
    config: &Config,
) -> Result<CommandPre<Guest>, PrepareError> {
    let pre = linked(revision, component, linker)?;
    let memory = revision.manifest.limits.job_memory();
    if memory > config.job_memory {
        return Err(PrepareError::DoesNotFit(format!(
            "limits.memory asks for {memory}, and this host gives a job at most {}",
            config.job_memory
        )));
    }
    check_memory(component, memory.0)?;
    CommandIndices::new(&pre).map_err(|error| wrong_entry(&error))?;
    CommandPre::new(pre).map_err(|error| wrong_entry(&error))
}

/// Everything a component imports, granted and found.
fn linked(
    revision: &Revision,
    component: &Component,
    linker: &Linker<Guest>,
) -> Result<InstancePre<Guest>, PrepareError> {
    let kind = component.component_type();
    let imports = kind.imports(component.engine()).map(|(name, _)| name);
    check_grants(imports, &revision.manifest)?;
    linker.instantiate_pre(component).map_err(|error| {
        let text = format!("{error:#}");
        // The text quotes the import: component imports instance `wasi:http/types@0.3.0`, but …
        let named = text.contains("was not found").then(|| text.split('`').nth(1)).flatten();
        match named {
            Some(import) => PrepareError::UnknownImport(import.to_owned()),
            None => PrepareError::DoesNotFit(text),
        }
    })
}

/// Whether the memory a component starts with is within its limit.
fn check_memory(component: &Component, most: u64) -> Result<(), PrepareError> {
    let pages = component.resources_required().and_then(|it| it.max_initial_memory_size).unwrap_or(0);
    let initial = pages.saturating_mul(PAGE);
    if initial <= most {
        return Ok(());
    }
    Err(PrepareError::DoesNotFit(format!(
        "it starts with {initial} bytes of memory, and limits.memory gives it {most}"
    )))
}

fn wrong_entry(error: &wasmtime::Error) -> PrepareError {
    PrepareError::DoesNotFit(format!("its way in is not what the contract says: {error:#}"))
}
