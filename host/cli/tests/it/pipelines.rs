//! Pipelines on a host: what runs when, with what, how often, and what is on record of it.

mod actions;
mod cache;
mod control;
mod dag;
mod hermetic;
mod inputs;
mod local;
mod params;
mod record;
mod retry;
mod sweep;
mod text;
