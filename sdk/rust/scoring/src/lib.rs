//! Scoring tables with a model that is an input of the job.

mod answer;
mod model;

pub use answer::Answer;
pub use model::{Scored, host};
