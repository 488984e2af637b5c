//! What is deployed: written by the release, read by everyone who resolves a name.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;

use crate::{
    Digest, Name, RevisionId,
    function::{Entries, FunctionRef, Revision},
    manifest::Manifest,
};

/// A revision about to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRevision {
    /// The project.
    pub project: Name,
    /// The component's bytes, already in the artifact store.
    pub component: Digest,
    /// How many they are.
    pub component_size: u64,
    /// The manifest; its name is the function's.
    pub manifest: Manifest,
    /// The ways in.
    pub entries: Entries,
    /// Who deploys it.
    pub created_by: String,
}

/// Why a change to what is deployed was refused.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// No such function or revision.
    #[error("{0} is not deployed")]
    NotFound(String),
    /// Another function answers the same requests already.
    #[error("route `{route}` belongs to function `{owner}` already")]
    RouteTaken {
        /// The route.
        route: String,
        /// Whose it is.
        owner: Name,
    },
    /// There is no earlier revision to go back to.
    #[error("function `{0}` has no earlier revision to roll back to")]
    NoEarlier(Name),
    /// The store failed.
    #[error("{0}")]
    Storage(String),
}

/// Changes what is deployed; each change is one transaction with its audit event.
#[async_trait]
pub trait Deployments: Send + Sync {
    /// Makes a revision, or returns the one that has the same component and manifest.
    async fn add(&self, revision: NewRevision) -> Result<Arc<Revision>, DeployError>;

    /// Makes `revision` the one that answers.
    async fn activate(&self, revision: &Revision, who: &str, reason: &str) -> Result<(), DeployError>;

    /// The revision that was active before the present one.
    async fn previous(&self, project: &Name, function: &Name) -> Result<Arc<Revision>, DeployError>;

    /// Takes the function out of service; its revisions and records stay.
    async fn delete(&self, project: &Name, function: &Name, who: &str) -> Result<(), DeployError>;

    /// A revision, active or not.
    async fn revision(&self, project: &Name, reference: &FunctionRef) -> Result<Arc<Revision>, DeployError>;

    /// A revision by its identity, active or not.
    async fn revision_by_id(&self, id: RevisionId) -> Result<Arc<Revision>, DeployError>;
}

/// What is deployed at one moment.
#[derive(Debug, Default)]
pub struct Functions {
    /// Grows with every change.
    pub generation: u64,
    /// The active revision of each function of each project.
    pub active: HashMap<(Name, Name), Arc<Revision>>,
}

impl Functions {
    /// The active revision of a function.
    #[must_use]
    pub fn get(&self, project: &Name, function: &Name) -> Option<&Arc<Revision>> {
        self.active.get(&(project.clone(), function.clone()))
    }
}

/// Answers from memory, and follows the store's generation.
#[async_trait]
pub trait Directory: Send + Sync {
    /// What is deployed now; cheap enough for every call.
    fn functions(&self) -> Arc<Functions>;

    /// Whether `functions` are deployed now. Every call asks, so it counts no holders where it need not.
    fn is_current(&self, functions: &Arc<Functions>) -> bool {
        Arc::ptr_eq(&self.functions(), functions)
    }

    /// Reads the store again if its generation moved.
    async fn refresh(&self) -> Result<Arc<Functions>, DeployError>;

    /// Resolves when the generation has moved past `seen`.
    async fn changed(&self, seen: u64);
}
