//! What the clock and the platform's events start: runs, written in one transaction with the firing or the event.

use async_trait::async_trait;
use host_core::{
    Name,
    pipeline::{Pipeline, PipelineTrigger, Problem, bind_params},
    ports::{
        Clockwork, Fired, Firing, MOST_DEPTH, StandingError, StandingPipeline, StandingTriggers, Start, Started, Told,
        TriggerId, WakeError,
    },
    run::{NewRun, RunKind, Source},
};
use jiff::Timestamp;

use crate::{
    submit::{Runs, SubmitError},
    wake::{TRIGGER_LABEL, seed, storage},
};

#[async_trait]
impl Clockwork for Runs {
    async fn since(&self, trigger: &TriggerId, says: &str) -> Result<Timestamp, WakeError> {
        self.services().occasions.since(trigger, says).await.map_err(storage)
    }

    async fn fire(&self, firing: Firing, started: Started) -> Result<Fired, WakeError> {
        self.has_room_for(&started).await?;
        // What sees the time sees the moment that was asked for, however late it is.
        let run = NewRun { as_of: firing.at, ..self.started(started).await? };
        let fired = self.services().occasions.fire(&firing, run).await.map_err(storage)?;
        if let Fired::Run { replaced, .. } = &fired {
            replaced.iter().for_each(|run| self.give_up(*run));
            self.look();
        }
        Ok(fired)
    }

    async fn told(&self, after: Option<&Told>, most: u32) -> Result<Vec<Told>, WakeError> {
        self.services().occasions.told(after, most).await.map_err(storage)
    }

    async fn pass(&self, ids: &[String]) -> Result<(), WakeError> {
        self.services().occasions.pass(ids).await.map_err(storage)
    }

    async fn take(&self, told: &Told, started: Vec<Started>) -> Result<Option<usize>, WakeError> {
        let (mut runs, mut stopped) = (Vec::with_capacity(started.len()), Vec::new());
        for one in started {
            let name = named(&one);
            if one.depth() > MOST_DEPTH {
                let (event, depth) = (&told.r#type, one.depth());
                tracing::warn!(event, wakes = name, depth, "a chain of events is stopped; it is taken for a circle");
                stopped.push(name);
                continue;
            }
            // Whoever has no room keeps the event waiting; it is handed to all or to none.
            self.has_room_for(&one).await?;
            match self.started(one).await {
                Ok(run) => runs.push(run),
                Err(WakeError::Storage(error)) => return Err(WakeError::Storage(error)),
                Err(error) => tracing::warn!(event = told.r#type, wakes = name, %error, "an event wakes nobody"),
            }
        }
        let count = runs.len();
        let is_mine = self.services().occasions.take(told, runs, stopped).await.map_err(storage)?;
        if is_mine && count > 0 {
            self.look();
        }
        Ok(is_mine.then_some(count))
    }

    async fn standing(&self) -> Result<Vec<StandingTriggers>, WakeError> {
        let all = self.services().standing.started().await.map_err(storage)?;
        let triggers = all.into_iter().map(|StandingPipeline { kept, since, number, .. }| StandingTriggers {
            project: kept.project,
            pipeline: kept.name,
            since: (number == 1).then_some(since),
            triggers: kept.triggers,
        });
        Ok(triggers.collect())
    }
}

/// What is started, for people.
fn named(started: &Started) -> String {
    match started {
        Started::Function(it) => format!("{}/{}", it.function, it.trigger_name),
        Started::Pipeline(it) => it.trigger.to_string(),
    }
}

impl Runs {
    /// Whether one more run may wait for what is started.
    async fn has_room_for(&self, started: &Started) -> Result<(), WakeError> {
        let (project, name) = match started {
            Started::Function(it) => (&it.project, it.function.name.as_str()),
            Started::Pipeline(it) => (&it.trigger.project, it.trigger.function.as_str()),
        };
        self.has_room(project, name, 1).await
    }

    async fn started(&self, started: Started) -> Result<NewRun, WakeError> {
        match started {
            Started::Function(wakening) => self.woken(*wakening).await,
            Started::Pipeline(start) => self.standing_run(start).await,
        }
    }

    /// A run of a pipeline that is kept, as its trigger asks for it.
    async fn standing_run(&self, start: Start) -> Result<NewRun, WakeError> {
        let Start { id, trigger, params, depth } = start;
        let kept = self.kept(&trigger.project, &trigger.function).await?;
        let wrong = |error: SubmitError| match error {
            SubmitError::Invalid(problems) => WakeError::NoFunction(told(&trigger.function, &problems)),
            other => storage(other),
        };
        let pipeline = self.read(&trigger.project, &kept.kept.yaml).await.map_err(wrong)?;
        let name = trigger.name.trim_start_matches(PipelineTrigger::PREFIX);
        let kind = pipeline.triggers.iter().find(|it| it.name() == name).map_or("event", |it| it.trigger.kind());
        let label = format!("{kind}/{name}");
        let params = bind_params(&pipeline.params, &params);
        let params = params.map_err(|problems| wrong(SubmitError::Invalid(problems)))?;
        let pipeline = Pipeline { triggers: Vec::new(), ..pipeline };
        let pins = self.pins(&trigger.project, &pipeline, &params).await.map_err(wrong)?;
        Ok(NewRun {
            id,
            project: trigger.project.clone(),
            kind: RunKind::Pipeline,
            pipeline,
            params,
            seed: seed(id),
            as_of: self.services().clock.now(),
            pins,
            owner: kept.kept.created_by,
            labels: [(TRIGGER_LABEL.to_owned(), label)].into(),
            source: Source::default(),
            platform: self.services().platform.clone(),
            reproduces: None,
            depth,
        })
    }

    async fn kept(&self, project: &Name, name: &Name) -> Result<StandingPipeline, WakeError> {
        self.services().standing.pipeline(project, name).await.map_err(|error| match error {
            StandingError::NotFound(_) => WakeError::NoFunction(error.to_string()),
            StandingError::Storage(reason) => WakeError::Storage(reason),
        })
    }
}

/// The first mistake of a pipeline that was right when it was kept.
fn told(pipeline: &Name, problems: &[Problem]) -> String {
    let first = problems.first().map(ToString::to_string).unwrap_or_default();
    format!("pipeline `{pipeline}` cannot be run any more: {first}")
}
