//! Events that wake functions: each is a run of its own, durable before whoever sent it hears of it.

use async_trait::async_trait;
use host_core::{
    Digest, Name, RunId,
    function::{FunctionRef, Revision},
    pipeline::{KeptEvent, Pipeline, Woken},
    ports::{ArtifactError, DeployError, MOST_DEPTH, Wake, WakeError, Wakening},
    run::{NewRun, PinnedFunction, Pins, RunKind, Source},
};
use serde_json::{Map, Value};

use crate::{cloudevent, submit::Runs};

/// The label that names what started a run: `kind/name`.
pub(crate) const TRIGGER_LABEL: &str = "trigger";

#[async_trait]
impl Wake for Runs {
    async fn wake(&self, wakenings: Vec<Wakening>) -> Result<Vec<RunId>, WakeError> {
        let Some(first) = wakenings.first() else { return Ok(Vec::new()) };
        let more = u32::try_from(wakenings.len()).unwrap_or(u32::MAX);
        self.has_room(&first.project, first.function.name.as_str(), more).await?;
        let mut runs = Vec::with_capacity(wakenings.len());
        for wakening in wakenings {
            runs.push(self.woken(wakening).await?);
        }
        let ids = runs.iter().map(|it| it.id).collect();
        self.services().journal.submit_all(runs).await.map_err(storage)?;
        self.look();
        Ok(ids)
    }
}

impl Runs {
    /// Whether so many more runs of this name may wait.
    pub(crate) async fn has_room(&self, project: &Name, name: &str, more: u32) -> Result<(), WakeError> {
        let most = self.config().pending_events;
        let pending = self.services().journal.pending(project, name, most).await.map_err(storage)?;
        if pending.saturating_add(more) <= most {
            return Ok(());
        }
        Err(WakeError::Full(format!("{pending} events and requests wait for `{name}`, and {most} may")))
    }

    /// The run that hands an event to a function; its bytes are stored, it is not.
    pub(crate) async fn woken(&self, wakening: Wakening) -> Result<NewRun, WakeError> {
        let function = &wakening.function;
        if wakening.depth > MOST_DEPTH {
            tracing::warn!(%function, depth = wakening.depth, "a chain of events is stopped; it is taken for a circle");
            return Err(WakeError::TooDeep(wakening.depth));
        }
        let found = self.services().deployments.revision(&wakening.project, function).await;
        let revision = found.map_err(|error| match error {
            DeployError::Storage(reason) => WakeError::Storage(reason),
            other => WakeError::NoFunction(other.to_string()),
        })?;
        let label = format!("{}/{}", wakening.trigger, wakening.trigger_name);
        let entries = revision.entries;
        let Wakening { id, project, depth, owner, .. } = wakening.clone();
        let pipeline = if entries.handler || entries.http {
            self.handed_over(wakening).await?
        } else if entries.job {
            self.started_job(wakening, &revision).await?
        } else {
            return Err(WakeError::NoFunction(format!("function `{}` has no way in for events", revision.function)));
        };
        let reference = FunctionRef::from(revision.function.clone()).to_string();
        let pinned = PinnedFunction { revision: revision.id, number: revision.number, component: revision.component };
        let services = self.services();
        let pins = match entries.handler || entries.http {
            true => Pins { functions: [(reference, pinned)].into(), ..Pins::default() },
            false => self.pins(&project, &pipeline, &Map::new()).await.map_err(storage)?,
        };
        Ok(NewRun {
            id,
            project,
            kind: RunKind::Event,
            pipeline,
            params: Map::new(),
            seed: seed(id),
            as_of: services.clock.now(),
            pins,
            owner,
            labels: [(TRIGGER_LABEL.to_owned(), label)].into(),
            source: Source::default(),
            platform: services.platform.clone(),
            reproduces: None,
            depth,
        })
    }

    async fn handed_over(&self, wakening: Wakening) -> Result<Pipeline, WakeError> {
        let (event, data) = KeptEvent::new(wakening.event);
        // The bytes come first: a run never names any that are not there.
        let data = match data {
            Some(data) => Some(self.stored(data).await?),
            None => None,
        };
        let woken = Woken {
            // The pin says which revision; by its name a retry by hand finds a newer one.
            function: FunctionRef::from(wakening.function.name),
            kind: wakening.trigger.to_owned(),
            trigger: wakening.trigger_name,
            event,
        };
        Ok(Pipeline::of_event(woken, data, wakening.retry))
    }

    /// The event is an input of the job. What it says as JSON are params, as far as the manifest declares some.
    async fn started_job(&self, wakening: Wakening, revision: &Revision) -> Result<Pipeline, WakeError> {
        let event = self.stored(cloudevent::of_event(&wakening.event).to_string().into()).await?;
        let said: Map<String, Value> = serde_json::from_slice(&wakening.event.data).unwrap_or_default();
        let declared = &revision.manifest.params;
        let params = said.into_iter().filter(|(name, _)| declared.is_empty() || declared.contains_key(name)).collect();
        let function = FunctionRef::from(wakening.function.name);
        Ok(Pipeline::of_started_job(function, params, event, wakening.retry))
    }

    async fn stored(&self, bytes: bytes::Bytes) -> Result<Digest, WakeError> {
        let stored = self.services().artifacts.put(bytes).await;
        Ok(stored.map_err(|error: ArtifactError| WakeError::Storage(error.to_string()))?.digest)
    }
}

/// Whatever is drawn for a run, such as how long to wait; 53 bits survive every JSON reader.
pub(crate) fn seed(run: RunId) -> u64 {
    run.as_uuid().as_u64_pair().1 >> 11
}

pub(crate) fn storage(error: impl std::fmt::Display) -> WakeError {
    WakeError::Storage(error.to_string())
}
