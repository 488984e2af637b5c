//! Runs a job: parameters, inputs, cache, the call itself, outputs.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use host_core::{
    Digest,
    call::{Call, CallContext, Called, End, Finished, JobCall, Reply, Target, TriggerRef},
    event::{Failure, code},
    function::{FunctionRef, Revision},
    grant::Right,
    manifest::Time,
    model::VersionId,
    pipeline::{FunctionAction, bind_params},
    ports::Secret,
    run::{PinnedFunction, StepResult},
};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::{
    cache,
    executor::{Attempt, Broken, With, step_ref, within},
    failure::{of_deployment, of_unresolved},
    inputs,
    seed::step_seed,
    services::Services,
    tracker::Tracker,
    view::View,
};

/// A job about to run, everything it depends on resolved.
struct Job<'a> {
    view: &'a View<'a>,
    with: With<'a>,
    revision: Arc<Revision>,
    models: Vec<VersionId>,
    seed: u64,
    deadline: Option<Instant>,
    result: StepResult,
}

/// Runs the job, or takes equal work that was done before.
pub(crate) async fn run(
    view: &View<'_>,
    action: &FunctionAction,
    with: With<'_>,
    cancelled: &CancellationToken,
) -> Attempt {
    // Fetching inputs is part of the attempt, and of its time.
    let deadline = view.step.timeout.and_then(|it| Instant::now().checked_add(it.duration()));
    let preparing = prepare(view, action, with);
    let mut job = Job { deadline, ..within(view.step.timeout, cancelled, preparing).await? };
    if let Some(key) = job.cache_key().await {
        job.result.cache_key = Some(key);
        if let Some(earlier) = job.cached(&key).await {
            return Ok(earlier);
        }
    }
    job.execute(cancelled).await
}

async fn prepare<'a>(view: &'a View<'a>, action: &FunctionAction, with: With<'a>) -> Result<Job<'a>, Box<Broken>> {
    let revision = revision(view, &action.function, with.services).await?;
    let work = view.work().map_err(|error| of_unresolved("step", &error))?;
    let params = bound(work.params, &revision)?;
    let mut result = StepResult { params, ..StepResult::default() };
    result.function =
        Some(PinnedFunction { revision: revision.id, number: revision.number, component: revision.component });
    let resolving = inputs::resolve(view, with, &revision.manifest, work.inputs, &mut result.inputs);
    if let Err(failure) = resolving.await {
        return Err(Broken::new(failure, result));
    }
    let models = revision.manifest.grants.model.iter().filter_map(|it| view.pinned_model(it).cloned()).collect();
    let seed = step_seed(view.claim.run.seed, &view.claim.key.step, view.claim.key.trial);
    Ok(Job { view, with, revision, models, seed, deadline: None, result })
}

pub(super) async fn revision(
    view: &View<'_>,
    reference: &FunctionRef,
    services: &Services,
) -> Result<Arc<Revision>, Failure> {
    let spec = &view.claim.run;
    match spec.pins.functions.get(&reference.to_string()) {
        Some(pinned) => {
            let active = services.directory.functions();
            let active = active.active.get(&(spec.project.clone(), reference.name.clone()));
            match active.filter(|it| it.id == pinned.revision) {
                Some(revision) => Ok(revision.clone()),
                None => services.deployments.revision_by_id(pinned.revision).await,
            }
        }
        None => services.deployments.revision(&spec.project, reference).await,
    }
    .map_err(|error| of_deployment(&error))
}

fn bound(given: Map<String, Value>, revision: &Revision) -> Result<Map<String, Value>, Failure> {
    if revision.manifest.params.is_empty() {
        return Ok(given);
    }
    bind_params(&revision.manifest.params, &given).map_err(|problems| {
        let all: Vec<String> = problems.iter().map(|it| it.message.clone()).collect();
        Failure::invalid("bad-params", all.join("; "))
    })
}

impl Job<'_> {
    /// `None` when the work must be done again every time.
    async fn cache_key(&self) -> Option<Digest> {
        let manifest = &self.revision.manifest;
        // A model that was no version of anything when the run began cannot be part of the key.
        let is_pinned = self.models.len() == manifest.grants.model.len();
        let hermetic = manifest.time != Time::Real && !manifest.grants.reaches_outside() && is_pinned;
        if !self.view.step.cache.unwrap_or(hermetic) {
            return None;
        }
        let spec = &self.view.claim.run;
        let infers = manifest.allows(Right::Model);
        let secrets = self.secrets().await?;
        let work = cache::Work::new(self.revision.component, &self.result.params, &self.result.inputs, self.seed);
        let work = work.seen_at(manifest.time, spec.as_of).on(&self.with.services.platform, &self.models, infers);
        Some(work.reading(&manifest.grants.config, &secrets).key())
    }

    /// The secrets it is granted, as they are now; `None` when one has no value, which is no work to keep.
    async fn secrets(&self) -> Option<Vec<Secret>> {
        let mut secrets = Vec::new();
        for grant in &self.revision.manifest.grants.secret {
            secrets.push(self.with.services.secrets.describe(&self.view.claim.run.project, &grant.name).await.ok()?);
        }
        Some(secrets)
    }

    /// Equal work, if all of its bytes are still there.
    async fn cached(&self, key: &Digest) -> Option<StepResult> {
        let spec = &self.view.claim.run;
        if spec.reproduces.is_some() {
            return None;
        }
        let (run, earlier) = self.with.services.journal.cached(&spec.project, key).await.ok().flatten()?;
        self.needed(&earlier.outputs.iter().map(|it| it.name.clone()).collect::<Vec<_>>()).ok()?;
        for output in &earlier.outputs {
            self.with.services.artifacts.size(&output.digest).await.ok().flatten()?;
        }
        let cached_from = Some(earlier.cached_from.unwrap_or(run));
        let inputs = self.result.inputs.clone();
        Some(StepResult { cached_from, inputs, cache_key: Some(*key), usage: None, ..earlier })
    }

    async fn execute(mut self, cancelled: &CancellationToken) -> Attempt {
        let claim = self.view.claim;
        let tracker = Tracker::new(
            claim.key.clone(),
            claim.attempt,
            self.with.config.track_points,
            self.with.services.clock.clone(),
        );
        let ended = self.call(&tracker, cancelled).await;
        self.result.results = tracker.results();
        self.view.leave(tracker.unwritten());
        for (name, value) in tracker.params() {
            self.result.params.entry(name).or_insert(value);
        }
        if tracker.dropped() > 0 {
            tracing::warn!(step = claim.key.label(), dropped = tracker.dropped(), "a step tracked more than is kept");
        }
        match ended {
            Ok(()) => Ok(self.result),
            Err(failure) => Err(Broken::new(failure, self.result)),
        }
    }

    async fn call(&mut self, tracker: &Arc<Tracker>, cancelled: &CancellationToken) -> Result<(), Failure> {
        let mut workspace = self.with.bench.workspace()?;
        let artifacts = self.with.services.artifacts.as_ref();
        let inputs = workspace.inputs(artifacts, &self.result.inputs).await?;
        let spec = &self.view.claim.run;
        let call = JobCall {
            params: self.result.params.clone(),
            inputs,
            out: workspace.out(),
            seed: self.seed,
            as_of: spec.as_of,
            models: self.models.clone(),
        };
        let called = self.tracked(self.dispatch(call, tracker, cancelled), tracker, cancelled).await;
        let finished = finished(called.end).await;
        self.result.usage = Some(finished.usage);
        self.result.models = finished.models;
        let names = match called.reply? {
            Reply::Job(reply) => reply.outputs,
            _ => return Err(Failure::fatal("wrong-reply", "the function did not answer as a job")),
        };
        self.needed(&names)?;
        self.result.outputs = workspace.outputs(artifacts, &names, &self.revision.manifest, tracker).await?;
        Ok(())
    }

    /// What the manifest leaves to the job, the step may insist on.
    fn needed(&self, left: &[String]) -> Result<(), Failure> {
        let needed = self.view.step.action.function().map(|action| action.outputs.as_slice()).unwrap_or_default();
        match needed.iter().find(|name| !left.contains(name)) {
            Some(name) => {
                Err(Failure::fatal(code::MISSING_OUTPUT, format!("it left no /out/{name}, which the step asks for")))
            }
            None => Ok(()),
        }
    }

    fn dispatch<'s>(
        &'s self,
        call: JobCall,
        tracker: &Arc<Tracker>,
        cancelled: &CancellationToken,
    ) -> impl Future<Output = Called> + 's {
        let claim = self.view.claim;
        let mut context = CallContext::new(TriggerRef::new("run", claim.run.name()));
        context.attempt = claim.attempt;
        context.principal.clone_from(&claim.run.owner);
        context.cancelled = cancelled.child_token();
        context.step = Some(step_ref(claim));
        context.track = Some(tracker.clone());
        context.deadline = self.deadline;
        context.depth = claim.run.depth;
        let reference = FunctionRef { name: self.revision.function.clone(), revision: Some(self.revision.number) };
        self.with.services.dispatch.call(
            Target::Function(claim.run.project.clone(), reference),
            context,
            Call::Job(call),
        )
    }

    /// Drives the call, and writes what it tracks meanwhile.
    async fn tracked(
        &self,
        call: impl Future<Output = Called>,
        tracker: &Tracker,
        cancelled: &CancellationToken,
    ) -> Called {
        let journal = self.with.services.journal.as_ref();
        let stop = CancellationToken::new();
        let period = Duration::from_millis(self.with.config.track_ms.max(1));
        let writing = tracker.flush_every(period, journal, &stop);
        let calling = async {
            let called = call.await;
            stop.cancel();
            called
        };
        let (called, ()) = tokio::join!(calling, writing);
        // What is little goes with the settlement, which a cancelled step has none of its own for.
        if tracker.is_little() && !cancelled.is_cancelled() {
            return called;
        }
        if let Err(error) = tracker.flush_last(period, journal).await {
            tracing::warn!(step = self.view.claim.key.label(), %error, "could not write the last of what a step tracked");
        }
        called
    }
}

/// The end of a call, which a job reaches with its reply.
pub(crate) async fn finished(end: End) -> Finished {
    match end {
        End::Now(finished) => finished,
        End::Later(later) => later.await,
    }
}
