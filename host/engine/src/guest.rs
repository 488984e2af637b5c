//! What a store holds: a guest's view of the world, and the call it is in.

use std::sync::Arc;

use host_core::model::{ModelRef, VersionId};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::{
    bindings::Sockets, current::Current, limits::Limiter, outgoing::Hooks, output::Capture, sandbox::Sandbox,
    supervise::Watch,
};

/// The most resources a guest may hold in the host's tables.
const RESOURCES: usize = 10_000;

/// Even a function that takes no body may log and answer.
const SMALLEST_COPY: u64 = 1 << 20;

/// The state of one instance.
pub(crate) struct Guest {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    /// Those of the call it is in, once it asks for them.
    hooks: Option<Hooks>,
    pub(crate) table: ResourceTable,
    pub(crate) limiter: Limiter,
    pub(crate) current: Arc<Current>,
    pub(crate) watch: Watch,
    /// Which versions this instance saw behind which references: it may have kept something of them.
    pub(crate) resolved: Vec<(ModelRef, VersionId)>,
    /// The bytes of the tensors that the host keeps for it.
    pub(crate) tensor_bytes: u64,
    /// The bytes of the values it saw and may yet swap.
    pub(crate) state_bytes: u64,
    /// The hermetic world of a job.
    pub(crate) sandbox: Option<Sandbox>,
    /// What it may know and open of servers.
    pub(crate) sockets: Sockets,
    /// What stands for both of its streams.
    stdout: Capture,
}

impl Guest {
    /// A guest that serves calls: no files, no arguments, no network.
    pub(crate) fn serving(current: Arc<Current>, watch: Watch) -> Self {
        let most = current.revision.manifest.limits.call_memory().0;
        Self::with(current, watch, most, None, |_| ())
    }

    /// A guest that runs one job with these arguments.
    pub(crate) fn job(current: Arc<Current>, watch: Watch, sandbox: Sandbox, arguments: &[String]) -> Self {
        let most = current.revision.manifest.limits.job_memory().0;
        Self::with(current, watch, most, Some(sandbox), |wasi| {
            wasi.args(arguments);
        })
    }

    fn with(
        current: Arc<Current>,
        watch: Watch,
        memory: u64,
        sandbox: Option<Sandbox>,
        more: impl FnOnce(&mut WasiCtxBuilder),
    ) -> Self {
        let (stdout, stderr) = Capture::both();
        let mut wasi = WasiCtx::builder();
        wasi.stdout(stdout.clone()).stderr(stderr);
        let sockets = Sockets::open(&current, &mut wasi);
        more(&mut wasi);
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES);
        let guest = Self {
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            hooks: None,
            table,
            limiter: Limiter::new(memory),
            current,
            watch,
            resolved: Vec::new(),
            tensor_bytes: 0,
            state_bytes: 0,
            sandbox,
            sockets,
            stdout,
        };
        guest.attach();
        guest
    }

    /// The most it may hand to the host in one call.
    pub(crate) fn copy_limit(&self) -> usize {
        let twice_body = self.current.revision.manifest.limits.max_body.0.saturating_mul(2);
        let most = match self.sandbox {
            None => twice_body.max(SMALLEST_COPY),
            Some(_) => twice_body.max(self.current.services.config.job_copy.0),
        };
        usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// Enters the next call.
    pub(crate) fn enter(&mut self, current: Arc<Current>, watch: Watch) {
        self.hooks = None;
        self.current = current;
        self.watch = watch;
        self.sockets.enter(&self.current);
        self.attach();
    }

    /// Ends what it was writing.
    pub(crate) fn flush(&self) {
        self.stdout.flush();
    }

    fn attach(&self) {
        self.stdout.attach(self.current.clone());
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.flush();
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let hooks = self.hooks.get_or_insert_with(|| Hooks::new(self.current.clone(), &self.watch));
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks }
    }
}
