//! The rooms that runs need, by their ports.

use std::sync::Arc;

use host_core::{
    clock::Clock,
    ports::{
        Answer, Artifacts, DeadLetters, Deployments, Directory, Dispatch, Fetch, Journal, Models, Notify, Occasions,
        Score, Secrets, StandingPipelines,
    },
    run::Platform,
};

/// What a scheduler works with.
#[derive(Clone)]
pub struct Services {
    /// Where runs are kept.
    pub journal: Arc<dyn Journal>,
    /// Where bytes are kept.
    pub artifacts: Arc<dyn Artifacts>,
    /// The road to guests and models.
    pub dispatch: Arc<dyn Dispatch>,
    /// Revisions, active or not.
    pub deployments: Arc<dyn Deployments>,
    /// What is deployed now.
    pub directory: Arc<dyn Directory>,
    /// The model registry.
    pub models: Arc<dyn Models>,
    /// Loaded models.
    pub score: Arc<dyn Score>,
    /// Secrets: which versions there are.
    pub secrets: Arc<dyn Secrets>,
    /// Inputs by URL.
    pub fetch: Arc<dyn Fetch>,
    /// What answers requests that were kept.
    pub answer: Arc<dyn Answer>,
    /// The way to those who want to be told.
    pub notify: Arc<dyn Notify>,
    /// Where firings of the clock and events of the platform are kept.
    pub occasions: Arc<dyn Occasions>,
    /// Pipelines that are kept.
    pub standing: Arc<dyn StandingPipelines>,
    /// Where events go that were given up.
    pub letters: Arc<dyn DeadLetters>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What computes.
    pub platform: Platform,
}
