//! The model registry as this host's rooms use it: whoever is told that something changed is answered by it at once.

use std::sync::Arc;

use async_trait::async_trait;
use host_core::{
    Name,
    model::{Alias, At, ModelRef, ScoreError, Version},
    ports::{Endpoint, ModelError, Models, NewVersion},
};
use host_dispatch::Endpoints;
use host_inference::LoadedModels;

/// The registry, and what this host made of it. Other hosts follow in their own time.
pub(super) struct Registry {
    pub(super) stored: Arc<dyn Models>,
    pub(super) loaded: Arc<LoadedModels>,
    pub(super) endpoints: Arc<Endpoints>,
}

impl Registry {
    /// A version that does not load must not be pointed to: after a restart, nothing would answer in its place.
    async fn check(&self, project: &Name, model: &Name, number: u64) -> Result<(), ModelError> {
        let asked = ModelRef { model: model.clone(), at: At::Number(number) };
        let version = self.stored.resolve(project, &asked).await?;
        match self.loaded.load(&version.id).await {
            Err(ScoreError::Failed(reason) | ScoreError::Invalid(reason)) => {
                Err(ModelError::Unfit { model: model.clone(), number, reason })
            }
            // Too slow or too busy says nothing about the version.
            _ => Ok(()),
        }
    }

    /// The change is durable by now; what fails here is made good by the next look at the registry.
    async fn follow(&self) {
        if let Err(error) = self.loaded.refresh().await {
            tracing::warn!(%error, "could not follow a change of the models yet");
        }
        if let Err(error) = self.endpoints.refresh().await {
            tracing::warn!(%error, "could not follow a change of the endpoints yet");
        }
    }
}

#[async_trait]
impl Models for Registry {
    async fn generation(&self) -> Result<u64, ModelError> {
        self.stored.generation().await
    }

    async fn register(&self, version: NewVersion) -> Result<Version, ModelError> {
        let version = self.stored.register(version).await?;
        self.follow().await;
        Ok(version)
    }

    async fn resolve(&self, project: &Name, reference: &ModelRef) -> Result<Version, ModelError> {
        self.stored.resolve(project, reference).await
    }

    async fn promote(
        &self,
        project: &Name,
        model: &Name,
        alias: &Name,
        number: u64,
        who: &str,
    ) -> Result<Option<u64>, ModelError> {
        self.check(project, model, number).await?;
        let before = self.stored.promote(project, model, alias, number, who).await?;
        self.follow().await;
        Ok(before)
    }

    async fn rollback(&self, project: &Name, model: &Name, alias: &Name, who: &str) -> Result<u64, ModelError> {
        let moves = self.stored.history(project, model).await?;
        if let Some(before) = moves.iter().filter(|it| it.alias == *alias).nth(1) {
            self.check(project, model, before.number).await?;
        }
        let number = self.stored.rollback(project, model, alias, who).await?;
        self.follow().await;
        Ok(number)
    }

    async fn models(&self, project: &Name) -> Result<Vec<Name>, ModelError> {
        self.stored.models(project).await
    }

    async fn versions(&self, project: &Name, model: &Name) -> Result<Vec<Version>, ModelError> {
        self.stored.versions(project, model).await
    }

    async fn aliases(&self, project: &Name, model: &Name) -> Result<Vec<Alias>, ModelError> {
        self.stored.aliases(project, model).await
    }

    async fn history(&self, project: &Name, model: &Name) -> Result<Vec<Alias>, ModelError> {
        self.stored.history(project, model).await
    }

    async fn serve(&self, project: &Name, endpoint: Endpoint) -> Result<(), ModelError> {
        self.stored.serve(project, endpoint).await?;
        self.follow().await;
        Ok(())
    }

    async fn endpoints(&self, project: &Name) -> Result<Vec<Endpoint>, ModelError> {
        self.stored.endpoints(project).await
    }
}
