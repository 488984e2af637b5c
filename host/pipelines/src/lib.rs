//! Runs of DAGs: submit, schedule, execute, cache, resume.

mod actions;
mod cache;
mod clockwork;
mod cloudevent;
mod config;
mod executor;
mod failure;
mod inputs;
mod later;
mod reproduce;
mod scheduler;
mod seed;
mod services;
mod submit;
mod tracker;
mod view;
mod wake;
mod workbench;
mod workspace;

pub use config::Config;
pub use reproduce::{Compared, Comparison, Verdict};
pub use scheduler::Scheduler;
pub use seed::step_seed;
pub use services::Services;
pub use submit::{Runs, Submission, SubmitError, Work};
