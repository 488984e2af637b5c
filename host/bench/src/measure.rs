//! How each thing is measured. Every measure starts what it needs, and stops it again.

pub(crate) mod amqp;
pub(crate) mod cold_start;
pub(crate) mod http;
pub(crate) mod kafka;
pub(crate) mod languages;
pub(crate) mod pipeline;
pub(crate) mod pull;
pub(crate) mod runs_page;
pub(crate) mod score;
pub(crate) mod swap;
pub(crate) mod wake;

use std::path::Path;

use crate::{args::BenchArgs, places::Places};

/// What every measure is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'a> {
    /// What was asked for.
    pub(crate) args: &'a BenchArgs,
    /// Where the programs lie.
    pub(crate) places: &'a Places,
    /// A folder that goes away afterwards.
    pub(crate) folder: &'a Path,
}
