//! Who looks into components for a registry: the engine, through whoever runs the host.

use std::time::Duration;

use async_trait::async_trait;
use host_core::{
    Digest,
    manifest::Manifest,
    ports::{Inspection, PrepareError},
};

use crate::layout::CaseFile;

/// A version whose cases are to be run.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The function's manifest.
    pub manifest: Manifest,
    /// Its component, in the artifact store.
    pub component: Digest,
    /// Its cases and the files they name.
    pub cases: Vec<CaseFile>,
    /// How long all of them may take.
    pub time: Duration,
}

/// Looks into components.
#[async_trait]
pub trait Vet: Send + Sync {
    /// Reads what the component is, without running it.
    async fn inspect(&self, component: &Digest) -> Result<Inspection, PrepareError>;

    /// Runs the cases where they can do no harm, and says what differs; an error where they could not be run.
    async fn try_cases(&self, candidate: &Candidate) -> Result<Vec<String>, String>;
}

/// Finds fault with everything: for hosts that take no packages.
pub struct NoVet;

#[async_trait]
impl Vet for NoVet {
    async fn inspect(&self, _: &Digest) -> Result<Inspection, PrepareError> {
        Err(PrepareError::NotAComponent("this host takes no packages".into()))
    }

    async fn try_cases(&self, _: &Candidate) -> Result<Vec<String>, String> {
        Err("this host takes no packages".into())
    }
}
