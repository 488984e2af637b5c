//! The model registry: versions, the aliases that move between them, endpoints.

mod alias;
mod endpoint;
mod register;
mod stream;
mod version;

use async_trait::async_trait;
use host_core::{
    Name,
    model::{Alias, ModelRef, Version},
    ports::{Endpoint, ModelError, Models, NewVersion},
};

use crate::{
    Store,
    generation::{self, Of},
};

#[async_trait]
impl Models for Store {
    async fn generation(&self) -> Result<u64, ModelError> {
        Ok(generation::now(self.db(), Of::Models).await?)
    }

    async fn register(&self, version: NewVersion) -> Result<Version, ModelError> {
        Ok(register::register(self, version).await?)
    }

    async fn resolve(&self, project: &Name, reference: &ModelRef) -> Result<Version, ModelError> {
        version::resolve(self, project, reference).await
    }

    async fn promote(
        &self,
        project: &Name,
        model: &Name,
        alias: &Name,
        number: u64,
        who: &str,
    ) -> Result<Option<u64>, ModelError> {
        alias::promote(self, &alias::At { project, model, alias }, number, who).await
    }

    async fn rollback(&self, project: &Name, model: &Name, alias: &Name, who: &str) -> Result<u64, ModelError> {
        alias::rollback(self, &alias::At { project, model, alias }, who).await
    }

    async fn models(&self, project: &Name) -> Result<Vec<Name>, ModelError> {
        Ok(version::models(self, project).await?)
    }

    async fn versions(&self, project: &Name, model: &Name) -> Result<Vec<Version>, ModelError> {
        version::versions(self, project, model).await
    }

    async fn aliases(&self, project: &Name, model: &Name) -> Result<Vec<Alias>, ModelError> {
        Ok(alias::aliases(self, project, model).await?)
    }

    async fn history(&self, project: &Name, model: &Name) -> Result<Vec<Alias>, ModelError> {
        Ok(alias::history(self, project, model).await?)
    }

    async fn serve(&self, project: &Name, endpoint: Endpoint) -> Result<(), ModelError> {
        endpoint::serve(self, project, endpoint).await
    }

    async fn endpoints(&self, project: &Name) -> Result<Vec<Endpoint>, ModelError> {
        Ok(endpoint::endpoints(self, project).await?)
    }
}
