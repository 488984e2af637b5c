//! How `fn` speaks: stdout is data, stderr is talk.

mod error;
mod printer;
mod progress;
mod table;

pub(crate) use error::{Exit, Stop};
pub(crate) use printer::Printer;
pub(crate) use progress::{RunProgress, StepLine};
pub(crate) use table::{Table, ago, bytes, duration_us};
