//! Runs from their submission to their last step, with a real journal and made-up guests, models and websites.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod cache;
mod calls;
mod chain;
mod fakes;
mod flaky;
mod inputs;
mod models;
mod outputs;
mod place;
mod reproduce;
mod schedule;
mod submit;
mod tracking;
mod woken;
