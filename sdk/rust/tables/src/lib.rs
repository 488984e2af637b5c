//! Tables for functions: CSV into typed columns, and columns into what a model learns from.

mod column;
mod error;
mod examples;
mod notes;
mod split;
mod table;
mod time;
mod transform;
mod value;

pub use column::{Column, Type, Values};
pub use error::Error;
pub use examples::{Examples, Target};
pub use split::{Split, split};
pub use table::Table;
pub use time::{Times, Unit, span};
pub use transform::{Feature, Task, Transform, class_order};
pub use value::{Exact, Value};
