//! One live instance of a function: its store, its ways in, and how worn it is.

use std::{sync::Arc, time::Instant};

use host_core::event::Failure;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::{Store, UpdateDeadline, component::InstancePre};
use wasmtime_wasi_http::p2::bindings::{Proxy, ProxyIndices};

use crate::{
    bindings::{Handler, HandlerIndices},
    current::{Current, Spent},
    guest::Guest,
    supervise::Watch,
    trap,
};

/// What instances of a function are made from.
pub(crate) struct Mould {
    pub(crate) pre: InstancePre<Guest>,
    pub(crate) http: Option<ProxyIndices>,
    pub(crate) handler: Option<HandlerIndices>,
}

/// A live instance.
pub(crate) struct Instance {
    pub(crate) store: Store<Guest>,
    entries: Option<Entries>,
    uses: u32,
    pub(crate) idle_since: Instant,
    /// Given back only after the store is gone, because fields are dropped in order.
    _slot: OwnedSemaphorePermit,
}

struct Entries {
    http: Option<Proxy>,
    handler: Option<Handler>,
}

impl Instance {
    /// A store for one more instance; the instance itself is made when it is first used.
    pub(crate) fn new(engine: &wasmtime::Engine, guest: Guest, slot: OwnedSemaphorePermit) -> Self {
        Self { store: store(engine, guest), entries: None, uses: 0, idle_since: Instant::now(), _slot: slot }
    }

    /// Enters the next call.
    pub(crate) fn enter(&mut self, current: Arc<Current>, watch: Watch) {
        self.store.data_mut().enter(current, watch);
        self.store.set_epoch_deadline(1);
    }

    /// How many calls it has served.
    pub(crate) fn uses(&self) -> u32 {
        self.uses
    }

    /// The way in for requests, in a running instance.
    pub(crate) async fn http(&mut self, mould: &Mould) -> wasmtime::Result<(&mut Store<Guest>, &Proxy)> {
        self.start(mould).await?;
        let entry = self.entries.as_ref().and_then(|it| it.http.as_ref());
        let missing = || wasmtime::format_err!("the component exports no wasi:http/incoming-handler");
        Ok((&mut self.store, entry.ok_or_else(missing)?))
    }

    /// The way in for events, in a running instance.
    pub(crate) async fn handler(&mut self, mould: &Mould) -> wasmtime::Result<(&mut Store<Guest>, &Handler)> {
        self.start(mould).await?;
        let entry = self.entries.as_ref().and_then(|it| it.handler.as_ref());
        let missing = || wasmtime::format_err!("the component exports no weft:function/handler");
        Ok((&mut self.store, entry.ok_or_else(missing)?))
    }

    async fn start(&mut self, mould: &Mould) -> wasmtime::Result<()> {
        self.uses += 1;
        if self.entries.is_some() {
            return Ok(());
        }
        let instance = mould.pre.instantiate_async(&mut self.store).await?;
        let http = mould.http.as_ref().map(|indices| indices.load(&mut self.store, &instance)).transpose()?;
        let handler = mould.handler.as_ref().map(|indices| indices.load(&mut self.store, &instance)).transpose()?;
        self.entries = Some(Entries { http, handler });
        Ok(())
    }

    /// What one run in this instance used.
    pub(crate) fn spent(&self, cpu: std::time::Duration) -> Spent {
        Spent { cpu, memory: self.store.data().limiter.held(), fresh: self.uses <= 1, ..Spent::default() }
    }

    /// The failure behind an error that left this instance.
    pub(crate) fn failure(&self, error: &wasmtime::Error, current: &Current) -> Failure {
        self.store.data().flush();
        trap::failure(error, &self.store.data().limiter, current)
    }

    /// Whether nothing went wrong in it that a later call could notice.
    pub(crate) fn is_sound(&self) -> bool {
        !self.store.data().limiter.denied()
    }
}

/// A store whose guest is looked at with every tick of the epoch.
pub(crate) fn store(engine: &wasmtime::Engine, guest: Guest) -> Store<Guest> {
    let copy = guest.copy_limit();
    let mut store = Store::new(engine, guest);
    store.limiter(|guest| &mut guest.limiter);
    store.set_hostcall_fuel(copy);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|context| {
        let guest = context.data();
        guest.watch.check(&guest.current)?;
        // Others want to run too: a guest that computes holds its thread for one tick at a time.
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
    store
}
