//! The front door of runs: check, pin, submit, cancel, retry.

use std::{collections::BTreeMap, sync::Arc};

use host_core::{
    Name, RunId,
    function::{FunctionRef, Revision},
    model::ModelRef,
    pipeline::{Catalogue, Input, Known, Parsed, Pipeline, Problem, bind_params},
    ports::{DeployError, Journal, JournalError, ModelError, NewStanding},
    run::{NewRun, PinnedFunction, Pins, Run, RunKind, Source},
};
use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{config::Config, scheduler::Scheduler, services::Services};

/// What is to be run.
#[derive(Debug, Clone)]
pub enum Work {
    /// A pipeline, as YAML.
    Pipeline(String),
    /// A single job with its inputs.
    Job(FunctionRef, IndexMap<String, Input>),
}

/// A request for a run.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The run's identity; submitting it again changes nothing.
    pub id: RunId,
    /// The project.
    pub project: Name,
    /// What is to be run.
    pub work: Work,
    /// Its parameters.
    pub params: Map<String, Value>,
    /// What all randomness derives from.
    pub seed: u64,
    /// The time that jobs with `time = "as-of"` see; now, when absent.
    pub as_of: Option<Timestamp>,
    /// Labels to search by.
    pub labels: BTreeMap<String, String>,
    /// On whose behalf.
    pub owner: String,
    /// Where the code came from.
    pub source: Source,
}

/// Why a run was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The pipeline or its parameters are wrong: everything that is, at once.
    #[error("{} in the pipeline or its params", count(.0.len()))]
    Invalid(Vec<Problem>),
    /// The journal said no.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The run does not reproduce another.
    #[error("run {0} is not a reproduction of another run")]
    NoReproduction(RunId),
    /// Nothing here can run it.
    #[error("run {run} {so}: it ran outside the host")]
    Outside {
        /// The run.
        run: RunId,
        /// What follows, such as `cannot be retried`.
        so: &'static str,
    },
    /// The functions could not be read.
    #[error(transparent)]
    Deployments(DeployError),
    /// The models could not be read.
    #[error(transparent)]
    Models(ModelError),
}

fn count(problems: usize) -> String {
    if problems == 1 { "there is a mistake".to_owned() } else { format!("there are {problems} mistakes") }
}

/// Submits, cancels and retries runs.
#[derive(Clone)]
pub struct Runs {
    scheduler: Arc<Scheduler>,
}

impl Runs {
    /// Runs that `scheduler` executes.
    #[must_use]
    pub fn new(scheduler: Arc<Scheduler>) -> Self {
        Self { scheduler }
    }

    pub(crate) fn services(&self) -> &Services {
        self.scheduler.services()
    }

    pub(crate) fn config(&self) -> &Config {
        self.scheduler.config()
    }

    /// The journal, for reading.
    #[must_use]
    pub fn journal(&self) -> &dyn Journal {
        self.services().journal.as_ref()
    }

    /// Says that there may be ready steps.
    pub(crate) fn look(&self) {
        self.scheduler.wake();
    }

    /// Stops the steps of a cancelled run that this host executes.
    pub(crate) fn give_up(&self, run: RunId) {
        self.scheduler.cancel(run);
    }

    /// Every mistake in a pipeline.
    ///
    /// # Errors
    /// When the functions could not be read.
    pub async fn check(&self, project: &Name, yaml: &str) -> Result<Vec<Problem>, SubmitError> {
        match self.read(project, yaml).await {
            Ok(_) => Ok(Vec::new()),
            Err(SubmitError::Invalid(problems)) => Ok(problems),
            Err(error) => Err(error),
        }
    }

    /// A pipeline to keep, once nothing is wrong with it.
    ///
    /// # Errors
    /// When anything is, all of it at once; or when the functions could not be read.
    pub async fn checked(&self, project: Name, yaml: String, who: String) -> Result<NewStanding, SubmitError> {
        let Pipeline { name, description, triggers, .. } = self.read(&project, &yaml).await?;
        Ok(NewStanding { project, name, description, yaml, triggers, created_by: who })
    }

    /// Checks, pins and writes the run; it is durable when this returns.
    ///
    /// # Errors
    /// When anything about it is wrong, all of it at once; or when it cannot be written.
    pub async fn submit(&self, submission: Submission) -> Result<Run, SubmitError> {
        let (kind, pipeline, params) = match submission.work {
            Work::Pipeline(yaml) => {
                let pipeline = self.read(&submission.project, &yaml).await?;
                let params = bind_params(&pipeline.params, &submission.params).map_err(SubmitError::Invalid)?;
                (RunKind::Pipeline, Pipeline { triggers: Vec::new(), ..pipeline }, params)
            }
            Work::Job(function, inputs) => {
                let job = self.job(&submission.project, function, submission.params, inputs).await?;
                (RunKind::Job, job, Map::new())
            }
        };
        let pins = self.pins(&submission.project, &pipeline, &params).await?;
        let services = self.services();
        let run = NewRun {
            id: submission.id,
            project: submission.project,
            kind,
            pipeline,
            params,
            seed: submission.seed,
            as_of: submission.as_of.unwrap_or_else(|| services.clock.now()),
            pins,
            owner: submission.owner,
            labels: submission.labels,
            source: submission.source,
            platform: services.platform.clone(),
            reproduces: None,
            depth: 0,
        };
        let run = services.journal.submit(run).await?;
        self.scheduler.wake();
        Ok(run)
    }

    /// Stops a run.
    ///
    /// # Errors
    /// When there is no such run, or it is over.
    pub async fn cancel(&self, run: RunId, who: &str) -> Result<Run, SubmitError> {
        let cancelled = self.services().journal.cancel(run, who).await?;
        self.scheduler.cancel(run);
        Ok(cancelled)
    }

    /// Runs again what failed, what came after it, and what has a newer revision by now.
    ///
    /// # Errors
    /// When there is no such run, or it is not over.
    pub async fn retry(&self, run: RunId, who: &str) -> Result<Run, SubmitError> {
        let before = self.services().journal.run(run).await?;
        if before.spec.kind == RunKind::Tracked {
            return Err(SubmitError::Outside { run, so: "cannot be retried" });
        }
        let mut pins = self.pins(&before.spec.project, &before.spec.pipeline, &before.spec.params).await?;
        // What was pinned stays pinned, so that a retry scores with the models the run began with.
        pins.models.extend(before.spec.pins.models.clone());
        // A function that was taken out of service is no newer one.
        for (reference, pinned) in &before.spec.pins.functions {
            pins.functions.entry(reference.clone()).or_insert_with(|| pinned.clone());
        }
        let changed = changed_steps(&before, &pins);
        let again = self.services().journal.retry(run, pins, &changed, who).await?;
        self.scheduler.wake();
        Ok(again)
    }

    pub(crate) async fn read(&self, project: &Name, yaml: &str) -> Result<Pipeline, SubmitError> {
        let catalogue = self.catalogue(project, &Parsed::functions(yaml)).await?;
        Pipeline::parse_against(yaml, &catalogue).map_err(SubmitError::Invalid)
    }

    async fn job(
        &self,
        project: &Name,
        function: FunctionRef,
        params: Map<String, Value>,
        inputs: IndexMap<String, Input>,
    ) -> Result<Pipeline, SubmitError> {
        let job = Pipeline::of_job(function.clone(), params, inputs);
        let yaml_free = Parsed { pipeline: job, places: host_core::pipeline::Places::default() };
        let catalogue = self.catalogue(project, &[function]).await?;
        let problems = yaml_free.check(&catalogue);
        if problems.is_empty() { Ok(yaml_free.pipeline) } else { Err(SubmitError::Invalid(problems)) }
    }

    async fn catalogue(&self, project: &Name, named: &[FunctionRef]) -> Result<Deployed, SubmitError> {
        let functions = self.services().directory.refresh().await.map_err(SubmitError::Deployments)?;
        let active = functions.active.iter().filter(|((of, _), _)| of == project);
        let mut revisions: BTreeMap<String, Arc<Revision>> =
            active.map(|((_, name), revision)| (name.to_string(), revision.clone())).collect();
        for reference in named.iter().filter(|it| it.revision.is_some()) {
            match self.services().deployments.revision(project, reference).await {
                Ok(revision) => _ = revisions.insert(reference.to_string(), revision),
                Err(DeployError::NotFound(_)) => {}
                Err(error) => return Err(SubmitError::Deployments(error)),
            }
        }
        Ok(Deployed(revisions))
    }

    /// Fixes what every name means, so that nothing moves under the run.
    pub(crate) async fn pins(
        &self,
        project: &Name,
        pipeline: &Pipeline,
        params: &Map<String, Value>,
    ) -> Result<Pins, SubmitError> {
        let named = pipeline.functions();
        let deployed = self.catalogue(project, &named).await?;
        let mut pins = Pins::default();
        let mut models: Vec<ModelRef> = Vec::new();
        for reference in named {
            if let Some(revision) = deployed.0.get(&reference.to_string()) {
                let pinned =
                    PinnedFunction { revision: revision.id, number: revision.number, component: revision.component };
                pins.functions.insert(reference.to_string(), pinned);
                models.extend(revision.manifest.grants.model.iter().cloned());
            }
        }
        models.extend(pipeline.models(params));
        for reference in models {
            match self.services().models.resolve(project, &reference).await {
                Ok(version) => _ = pins.models.insert(reference.to_string(), version.id),
                // A model that the run itself will register does not exist yet.
                Err(ModelError::NotFound(_) | ModelError::Retired { .. }) => {}
                Err(error) => return Err(SubmitError::Models(error)),
            }
        }
        Ok(pins)
    }
}

/// Steps whose function has another component by now.
fn changed_steps(run: &Run, pins: &Pins) -> Vec<String> {
    let old = &run.spec.pins.functions;
    let differs = |reference: &String| {
        old.get(reference).map(|it| it.component) != pins.functions.get(reference).map(|it| it.component)
    };
    let steps = run.spec.pipeline.steps.iter();
    steps
        .filter(|(_, step)| step.action.function_ref().is_some_and(|it| differs(&it.to_string())))
        .map(|(name, _)| name.clone())
        .collect()
}

/// The functions of a project, by reference.
struct Deployed(BTreeMap<String, Arc<Revision>>);

impl Catalogue for Deployed {
    fn function(&self, reference: &FunctionRef) -> Option<Known<'_>> {
        self.0.get(&reference.to_string()).map(|it| Known::from(it.as_ref()))
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().filter(|it| !it.contains('@')).cloned().collect()
    }
}
