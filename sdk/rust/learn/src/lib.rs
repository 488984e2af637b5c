//! Learning from tables in a function: learners, the job around them, and what they export.

mod algorithm;
pub mod boosted;
pub mod forest;
pub mod linear;
mod measures;
mod model;
pub mod training;
mod trees;

pub use algorithm::{Algorithm, CannotFit};
pub use measures::{Measures, Metric};
pub use model::{Model, likeliest, ranked};
pub use trees::seed;
