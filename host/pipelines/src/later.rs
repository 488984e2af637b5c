//! Keeps requests that are answered later: each is a run of its own, durable before its client hears of it.

use async_trait::async_trait;
use host_core::{
    RunId,
    function::{FunctionRef, Revision},
    pipeline::Pipeline,
    ports::{DeployError, Later, LaterError, LaterRequest},
    run::{NewRun, PinnedFunction, Pins, RunKind, Source},
};
use serde_json::Map;

use crate::{submit::Runs, wake::seed};

#[async_trait]
impl Later for Runs {
    async fn keep(&self, request: LaterRequest) -> Result<RunId, LaterError> {
        let services = self.services();
        let found = services.deployments.revision(&request.project, &request.request.function).await;
        let revision = found.map_err(|error| match error {
            DeployError::Storage(reason) => LaterError::Storage(reason),
            other => LaterError::NoFunction(other.to_string()),
        })?;
        if let Some(url) = &request.callback {
            services.notify.check(&revision, url)?;
        }
        let name = request.request.function.name.as_str();
        let most = self.config().pending_requests;
        let pending = services.journal.pending(&request.project, name, most).await;
        if pending.map_err(|error| LaterError::Storage(error.to_string()))? >= most {
            return Err(LaterError::Full(most));
        }
        // The bytes come first: a run never names any that are not there.
        let body = match request.body.is_empty() {
            true => None,
            false => {
                let stored = services.artifacts.put(request.body.clone()).await;
                Some(stored.map_err(|error| LaterError::Storage(error.to_string()))?.digest)
            }
        };
        let run = services.journal.submit(self.run_of(request, &revision, body)).await;
        let run = run.map_err(|error| LaterError::Storage(error.to_string()))?;
        self.look();
        Ok(run.spec.id)
    }
}

impl Runs {
    fn run_of(&self, request: LaterRequest, revision: &Revision, body: Option<host_core::Digest>) -> NewRun {
        let mut asked = request.request;
        // The pin says which revision; by its name a retry by hand finds a newer one.
        asked.function = FunctionRef::from(asked.function.name);
        let pinned = PinnedFunction { revision: revision.id, number: revision.number, component: revision.component };
        let pins = Pins { functions: [(asked.function.to_string(), pinned)].into(), ..Pins::default() };
        NewRun {
            id: request.id,
            project: request.project,
            kind: RunKind::Request,
            pipeline: Pipeline::of_request(asked, body, request.callback, request.attempts),
            params: Map::new(),
            seed: seed(request.id),
            as_of: self.services().clock.now(),
            pins,
            owner: request.owner,
            labels: [].into(),
            source: Source::default(),
            platform: self.services().platform.clone(),
            reproduces: None,
            depth: 0,
        }
    }
}
