//! The three wasmtime engines and what each offers its guests: one for calls, one for calls of components that use the
//! asynchronous component model, one for jobs.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    num::NonZeroUsize,
};

use wasmtime::{
    Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails, component::Linker,
};

use crate::{Config, bindings, guest::Guest, sandbox};

/// The fewest slots worth having.
const FEWEST_SLOTS: u32 = 16;

/// Core instances per slot: a Python component is made of fourteen.
const CORE_INSTANCES: u32 = 20;

/// Tables per slot.
const TABLES: u32 = 4;

/// The most frames of a backtrace.
const FRAMES: NonZeroUsize = NonZeroUsize::new(40).expect("40 is not 0");

/// What stays resident where the kernel cannot say which pages were touched: more would cost more than it saves.
const KEEP_WITHOUT_PAGEMAP: u64 = 256 << 10;

/// A wasmtime engine, and what it links.
pub(crate) struct Machine {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<Guest>,
    /// The part of the cache that holds its code: changes with wasmtime, its settings and this CPU.
    pub(crate) folder: String,
}

/// An engine for calls: many small instances, made and dropped quickly.
pub(crate) struct Serving {
    pub(crate) machine: Machine,
    /// Instances that may be alive at once.
    pub(crate) slots: u32,
}

/// The engine for jobs: few large instances, each bit for bit repeatable.
pub(crate) struct Working {
    pub(crate) machine: Machine,
    /// The same, with the real clocks.
    pub(crate) real_time: Linker<Guest>,
}

impl Serving {
    /// The engine of nearly every component.
    pub(crate) fn new(config: &Config) -> wasmtime::Result<Self> {
        Self::with(&common(), "serve", config, config.slots)
    }

    /// The engine of those that use the asynchronous component model. It costs a third of every call, so that nobody
    /// else runs on it.
    pub(crate) fn concurrent(config: &Config) -> wasmtime::Result<Self> {
        Self::with(common().concurrency_support(true), "async", config, config.async_slots)
    }

    /// As many slots as asked for, or as this machine has room for.
    fn with(settings: &wasmtime::Config, name: &str, config: &Config, slots: u32) -> wasmtime::Result<Self> {
        let mut slots = slots.max(1);
        loop {
            match engine_with(settings, config, slots) {
                Ok(engine) => {
                    let machine = Machine::new(name, engine, bindings::link)?;
                    return Ok(Self { machine, slots });
                }
                Err(error) if slots <= FEWEST_SLOTS => return Err(error),
                Err(error) => {
                    tracing::warn!(name, slots, %error, "no room for as many instance slots; trying half as many");
                    slots = (slots / 2).max(FEWEST_SLOTS);
                }
            }
        }
    }
}

impl Working {
    pub(crate) fn new() -> wasmtime::Result<Self> {
        let mut config = common();
        // A job is long enough for it to cost nothing that could be measured.
        config.concurrency_support(true);
        config.cranelift_nan_canonicalization(true).relaxed_simd_deterministic(true);
        // Jobs are few, and parsers, trees and templates recurse deeper than calls do.
        config.max_wasm_stack(4 << 20).async_stack_size(8 << 20);
        let machine = Machine::new("job", Engine::new(&config)?, |linker| {
            bindings::link(linker)?;
            sandbox::link(linker)
        })?;
        let mut real_time = machine.linker.clone();
        sandbox::link_real_time(&mut real_time)?;
        Ok(Self { machine, real_time })
    }
}

impl Machine {
    fn new(
        name: &str,
        engine: Engine,
        link: impl FnOnce(&mut Linker<Guest>) -> wasmtime::Result<()>,
    ) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        link(&mut linker)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let folder = format!("{name}-{:016x}", hasher.finish());
        Ok(Self { engine, linker, folder })
    }
}

/// What the engines have in common.
fn common() -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config
        .concurrency_support(false)
        .epoch_interruption(true)
        .wasm_threads(false)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .wasm_backtrace_max_frames(Some(FRAMES))
        .max_wasm_stack(512 << 10)
        .async_stack_size(2 << 20);
    config
}

fn engine_with(settings: &wasmtime::Config, config: &Config, slots: u32) -> wasmtime::Result<Engine> {
    let with = |scan: Enabled, keep: u64| {
        let mut settings = settings.clone();
        settings.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config, slots, scan, keep)));
        Engine::new(&settings)
    };
    // Asked for outright first, because only then does a kernel without it say so.
    with(Enabled::Yes, config.keep_resident.0)
        .or_else(|_| with(Enabled::Auto, config.keep_resident.0.min(KEEP_WITHOUT_PAGEMAP)))
}

fn pool(config: &Config, slots: u32, scan: Enabled, keep: u64) -> PoolingAllocationConfig {
    let bytes = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(CORE_INSTANCES))
        .total_memories(slots)
        .total_tables(slots.saturating_mul(TABLES))
        .total_stacks(slots)
        .total_gc_heaps(slots)
        .max_component_instance_size(16 << 20)
        .max_core_instance_size(16 << 20)
        .max_tables_per_module(20)
        .max_memory_size(bytes(config.slot_memory.0.min(4 << 30)))
        .linear_memory_keep_resident(bytes(keep))
        .table_keep_resident(64 << 10)
        .pagemap_scan(scan);
    pool
}
