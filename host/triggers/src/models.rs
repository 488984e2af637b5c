//! Model streams: each message is a model, registered, verified and put in force.
//!
//! A stream is a source like any other, and its function is the registry: `Descriptors` stands on the road to the
//! dispatcher, so that order, retries, dead letters and replays are those of every source.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use host_core::{
    Name,
    call::{Call, CallContext, Called, End, Finished, Place, Reply, Target},
    event::{Event, Failure, FailureKind, Outcome, code},
    model::{ModelRef, Origin, Signature, Version},
    ports::{Artifacts, Dispatch, Fetch, MODELS, ModelStream, ModelStreams, Models, NewVersion, Score},
};
use jiff::Timestamp;

mod descriptor;
mod failure;
mod protobuf;
mod wanted;

use descriptor::{Content, Descriptor};
use failure::{of_artifact, of_fetch, of_load, of_model, of_stream};
pub(crate) use wanted::Streams;

/// The largest model that a message may hold itself, bytes.
pub const LARGEST_INLINE: usize = 1 << 20;

/// What model streams need from other rooms.
#[derive(Clone)]
pub struct Registry {
    /// Which streams there are.
    pub streams: Arc<dyn ModelStreams>,
    /// Where the bytes go.
    pub artifacts: Arc<dyn Artifacts>,
    /// What fetches bytes that stand elsewhere.
    pub fetch: Arc<dyn Fetch>,
    /// What loads a model and runs a sample.
    pub score: Arc<dyn Score>,
    /// Where versions and aliases are kept.
    pub models: Arc<dyn Models>,
    /// The largest model, bytes.
    pub largest: u64,
}

/// Takes messages of model streams, as a function takes events; all other calls pass.
pub(crate) struct Descriptors {
    registry: Registry,
    dispatch: Arc<dyn Dispatch>,
}

/// What a message comes to.
struct Ready {
    descriptor: Descriptor,
    model: Name,
    bytes: Bytes,
    signature: Signature,
}

impl Descriptors {
    /// In front of `dispatch`.
    pub(crate) fn new(registry: Registry, dispatch: Arc<dyn Dispatch>) -> Self {
        Self { registry, dispatch }
    }

    /// One message after the other: what comes later in a stream is in force in the end.
    async fn take_all(&self, stream: &ModelStream, context: &CallContext, events: Vec<Event>) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(events.len());
        for (index, event) in events.iter().enumerate() {
            let waits = matches!(outcomes.last(), Some(Err(failure)) if failure.kind == FailureKind::Transient);
            if waits || context.cancelled.is_cancelled() {
                // Counted as no attempt.
                outcomes.push(Err(Failure::transient(code::CANCELLED, "it waits for the model before it")));
                continue;
            }
            let taken = self.take(stream, event, (context.origin(index), context.given_up_at)).await;
            if let Err(failure) = &taken {
                self.refuse(stream, event, failure).await;
            }
            outcomes.push(taken.map(|_| Vec::new()));
        }
        outcomes
    }

    /// Registers one model and puts it in force.
    async fn take(
        &self,
        stream: &ModelStream,
        event: &Event,
        (place, given_up_at): (Option<&Place>, Option<Timestamp>),
    ) -> Result<Version, Failure> {
        let Ready { descriptor, model, bytes, signature } = self.read(event).await?;
        let blob = self.registry.artifacts.put(bytes).await.map_err(|error| of_artifact(&error))?;
        let Descriptor { name, label, data_type, format, content, description, .. } = descriptor;
        let origin = Origin {
            stream: stream.name.clone(),
            place: place.cloned(),
            source: event.source.clone(),
            id: event.id.clone(),
            name,
            label,
            data_type,
            location: content.location(),
        };
        let who = format!("stream {}", stream.name);
        let new = NewVersion {
            project: stream.project.clone(),
            model: model.clone(),
            digest: blob.digest,
            format,
            signature,
            metrics: serde_json::Map::new(),
            description,
            run: None,
            step: None,
            origin: Some(origin),
            created_by: who.clone(),
        };
        let version = self.registry.models.register(new).await.map_err(|error| of_model(&error))?;
        self.put_in_force(stream, &version, &who, given_up_at).await?;
        Ok(version)
    }

    /// The model of a message, its bytes verified by loading them and running a sample.
    async fn read(&self, event: &Event) -> Result<Ready, Failure> {
        let descriptor = Descriptor::read(event).map_err(|why| Failure::invalid("bad-descriptor", why))?;
        let model = descriptor.model().map_err(|why| Failure::invalid("bad-descriptor", why))?;
        let bytes = self.bytes(&descriptor.content).await?;
        let verified = self.registry.score.verify(&descriptor.format, bytes.clone()).await;
        let signature = verified.map_err(|error| of_load(&error))?;
        if descriptor.signature.as_ref().is_some_and(|said| !fits(said, &signature)) {
            let why = "the model takes and gives other tensors than its message says";
            return Err(Failure::invalid("other-signature", why));
        }
        Ok(Ready { descriptor, model, bytes, signature })
    }

    async fn bytes(&self, content: &Content) -> Result<Bytes, Failure> {
        let largest = self.registry.largest;
        let digest = match content {
            Content::Inline(bytes) => return Ok(bytes.clone()),
            Content::Artifact(digest) => *digest,
            Content::Url(url) => {
                let stream = self.registry.fetch.fetch(url).await.map_err(|error| of_fetch(&error))?;
                let stored = self.registry.artifacts.put_stream(stream, largest, None).await;
                stored.map_err(|error| of_artifact(&error))?.digest
            }
        };
        self.registry.artifacts.get(&digest, largest).await.map_err(|error| of_artifact(&error))
    }

    /// Moves the stream's alias, unless this message did so before: one that is read again takes nothing back. Nor does
    /// one that is replayed after the alias moved on: it is registered, and whoever wants it moves the alias.
    async fn put_in_force(
        &self,
        stream: &ModelStream,
        version: &Version,
        who: &str,
        given_up_at: Option<Timestamp>,
    ) -> Result<(), Failure> {
        let id = &version.id;
        let moves = self.registry.models.history(&stream.project, &id.model).await.map_err(|error| of_model(&error))?;
        let mut of_alias = moves.iter().filter(|it| it.alias == stream.alias);
        if of_alias.clone().any(|it| it.number == id.number) {
            return Ok(());
        }
        if given_up_at.is_some_and(|then| of_alias.any(|it| it.moved_at >= then)) {
            let (model, number) = (&id.model, id.number);
            tracing::info!(project = %stream.project, stream = %stream.name, %model, number, "a replayed model is registered and not put in force: another is since it was given up");
            return Ok(());
        }
        let moved = self.registry.models.promote(&stream.project, &id.model, &stream.alias, id.number, who).await;
        moved.map_err(|error| of_model(&error))?;
        let serves = ModelRef { model: id.model.clone(), at: host_core::model::At::Alias(stream.alias.clone()) };
        tracing::info!(project = %stream.project, stream = %stream.name, model = %serves, number = id.number, "a stream put a model in force");
        Ok(())
    }

    /// Tells that a message is of no use; whatever is in force stays.
    async fn refuse(&self, stream: &ModelStream, event: &Event, failure: &Failure) {
        let (project, name) = (&stream.project, &stream.name);
        tracing::warn!(%project, stream = %name, event = event.id, %failure, "a model of a stream was not put in force");
        if failure.kind == FailureKind::Transient {
            return;
        }
        if let Err(error) = self.registry.streams.refused(&stream.trigger(), &event.id, &failure.message).await {
            tracing::error!(%project, stream = %name, %error, "could not put a refused model on record");
        }
    }

    /// The stream that a call is for, if it is for one.
    async fn stream(&self, target: &Target, context: &CallContext) -> Result<Option<ModelStream>, Failure> {
        let Target::Function(project, function) = target else { return Ok(None) };
        if function.name.as_str() != MODELS {
            return Ok(None);
        }
        let streams = self.registry.streams.streams(project).await.map_err(|error| of_stream(&error))?;
        Ok(streams.into_iter().find(|it| it.name.as_str() == &*context.trigger.name))
    }
}

/// Whether a model has the tensors that somebody said it has; shapes may be told more closely than they are bound.
fn fits(said: &Signature, found: &Signature) -> bool {
    let same = |said: &[host_core::model::TensorSpec], found: &[host_core::model::TensorSpec]| {
        said.len() == found.len()
            && said.iter().zip(found).all(|(said, found)| {
                let dims = said.shape.iter().zip(&found.shape);
                (&said.name, said.datatype, said.shape.len()) == (&found.name, found.datatype, found.shape.len())
                    && dims.into_iter().all(|(said, found)| *found == -1 || said == found)
            })
    };
    same(&said.inputs, &found.inputs) && same(&said.outputs, &found.outputs)
}

#[async_trait]
impl Dispatch for Descriptors {
    async fn call(&self, target: Target, context: CallContext, call: Call) -> Called {
        match (self.stream(&target, &context).await, call) {
            (Ok(Some(stream)), Call::Events(events)) => {
                let outcomes = self.take_all(&stream, &context, events).await;
                Called { reply: Ok(Reply::Events(outcomes)), end: End::Now(Finished::default()) }
            }
            (Ok(_), call) => self.dispatch.call(target, context, call).await,
            (Err(failure), _) => Called::failed(failure),
        }
    }
}

#[cfg(test)]
mod tests;
