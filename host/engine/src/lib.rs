//! The engine room: the only home of wasmtime. It inspects, compiles, pools, limits and calls components.

mod bindings;
mod compile;
mod config;
mod current;
mod engine;
mod entry;
mod function;
mod guest;
mod inspect;
mod instance;
mod limits;
mod load;
mod machine;
mod masked;
mod meter;
mod outgoing;
mod output;
mod platform;
mod pool;
mod sandbox;
mod slots;
mod supervise;
mod ticker;
mod trap;
mod ways;

pub use config::Config;
pub use engine::{Engine, EngineError, Parts};
