//! The names models are served under, in memory.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use host_core::{
    Name,
    model::{At, ModelRef},
    ports::{ModelError, Models},
};
use tokio_util::sync::CancellationToken;

/// How many projects are kept before all are read again.
const MOST_PROJECTS: usize = 1_000;

/// Endpoints by project, read once and again when the registry changed.
pub struct Endpoints {
    models: Arc<dyn Models>,
    known: ArcSwap<Known>,
}

type Served = Arc<HashMap<Name, ModelRef>>;

#[derive(Default, Clone)]
struct Known {
    generation: u64,
    projects: HashMap<Name, Served>,
}

impl Endpoints {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(models: Arc<dyn Models>) -> Self {
        Self { models, known: ArcSwap::default() }
    }

    /// The model behind a name: what its endpoint serves, or the model of that name.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub async fn resolve(&self, project: &Name, asked: ModelRef) -> Result<ModelRef, ModelError> {
        let served = match self.known.load().projects.get(project) {
            Some(served) => Arc::clone(served),
            None => self.read(project).await?,
        };
        Ok(match served.get(&asked.model) {
            None => asked,
            Some(model) if asked.at == At::Default => model.clone(),
            Some(model) => ModelRef { model: model.model.clone(), at: asked.at },
        })
    }

    /// Forgets what is known if the registry changed; says whether it had.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub async fn refresh(&self) -> Result<bool, ModelError> {
        let generation = self.models.generation().await?;
        let moved = generation != self.known.load().generation;
        if moved {
            self.known.store(Arc::new(Known { generation, projects: HashMap::new() }));
        }
        Ok(moved)
    }

    /// Follows the registry until `stop`; a registry that cannot be read leaves what is known.
    pub async fn watch(&self, every: Duration, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "could not look for moved endpoints");
            }
        }
    }

    async fn read(&self, project: &Name) -> Result<Served, ModelError> {
        let generation = self.known.load().generation;
        let endpoints = self.models.endpoints(project).await?;
        let served: Served = Arc::new(endpoints.into_iter().map(|it| (it.name, it.model)).collect());
        self.known.rcu(|known| {
            let mut known = Known::clone(known);
            if known.projects.len() >= MOST_PROJECTS {
                known.projects.clear();
            }
            // What was read may be older than what was cleared away in the meantime.
            if known.generation == generation {
                known.projects.insert(project.clone(), Arc::clone(&served));
            }
            known
        });
        Ok(served)
    }
}
