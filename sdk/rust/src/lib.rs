//! Write Weft functions in Rust: `#[weft::handler]` for events, `#[weft::job]` for programs that end.
//!
//! # Events
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use weft::{Event, Failure, Output};
//!
//! #[derive(Deserialize)]
//! struct Order { cents: u64 }
//!
//! #[derive(Serialize)]
//! struct Receipt { euros: f64 }
//!
//! #[weft::handler]
//! fn receipt(event: Event<Order>) -> Result<Output<Receipt>, Failure> {
//!     if event.data.cents == 0 {
//!         return Err(Failure::invalid("nothing-sold", "an order has to cost something"));
//!     }
//!     weft::info!({ order = event.id }, "receipt written");
//!     Ok(Output::new("receipt.written", Receipt { euros: event.data.cents as f64 / 100.0 }))
//! }
//! # fn main() {}
//! ```
//!
//! # Jobs
//!
//! ```
//! use serde::Deserialize;
//! use weft::{Failure, Run};
//!
//! #[derive(Deserialize)]
//! struct Params { depth: u32 }
//!
//! #[weft::job]
//! fn train(params: Params, run: &Run) -> Result<(), Failure> {
//!     let text = std::fs::read_to_string(run.input("dataset")?)?;
//!     run.metric("lines", text.lines().count() as f64);
//!     run.result("summary", &serde_json::json!({ "depth": params.depth }))?;
//!     std::fs::write(run.output("model"), text)?;
//!     Ok(())
//! }
//! ```
//!
//! Functions compile natively too, for their tests: [`context`] then answers with constants, [`mod@log`] writes to
//! standard error, no [`model`] is granted, [`keyvalue`] and [`publish`] work in memory, and a [`Run`] works in a folder of
//! your choice.

mod args;
#[doc(hidden)]
pub mod bindings;
mod codec;
mod glue;
#[cfg(not(target_arch = "wasm32"))]
mod native;

pub mod config;
pub mod context;
pub mod event;
pub mod failure;
#[cfg(feature = "http")]
pub mod http;
pub mod keyvalue;
pub mod log;
pub mod model;
pub mod output;
pub mod publish;
pub mod run;

pub use event::Event;
pub use failure::{Failure, OrFail};
pub use output::{IntoOutputs, Output};
pub use run::Run;
#[cfg(feature = "http")]
pub use weft_macros::http;
pub use weft_macros::{handler, job};

/// Where the calls to the host go: to the host, or to stand-ins where there is none.
#[cfg(target_arch = "wasm32")]
use bindings::weft::function as host;
#[cfg(not(target_arch = "wasm32"))]
use native as host;

/// What the attributes expand to. Not for use by hand.
#[doc(hidden)]
pub mod __private {
    #[cfg(feature = "http")]
    pub use wasip2;

    pub use crate::bindings;
    pub use crate::bindings::export;
    pub use crate::bindings::exports::weft::function::handler::Guest;
    pub use crate::bindings::weft::function::types::{Event, Failure, Output};
    pub use crate::glue::{Answer, batch, each};
    pub use crate::run::{NoParams, start};
}
