//! Writes a run that happened outside of any host, complete and in one go. The same identity again changes nothing.

use host_core::{
    pipeline::{StepState, TRACKED_STEP},
    ports::JournalError,
    run::{NewRun, Run, RunState, StepKey, TrackedRun},
};
use jiff::Timestamp;
use serde_json::json;

use super::{find, metrics, submit};
use crate::{
    Store, StoreError, artifacts,
    audit::Deed,
    events, projects,
    sql::{Tx, args},
    steps, text,
};

/// The one attempt there was.
const ATTEMPT: u32 = 1;

impl Store {
    /// Writes a run that happened elsewhere; false when its identity is on record already, which stays as it is. The
    /// bytes of its outputs must be stored by then.
    ///
    /// # Errors
    /// When the database does not answer, or bytes of an output were taken away.
    pub async fn import_run(&self, run: &TrackedRun) -> Result<(Run, bool), JournalError> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        projects::ensure(&mut tx, &run.spec.project, now).await?;
        if !insert_run(&mut tx, run).await? {
            let there = find(&mut tx, run.spec.id).await?.ok_or(JournalError::NotFound(run.spec.id))?;
            return Ok((there, false));
        }
        let key = StepKey { run: run.spec.id, step: TRACKED_STEP.to_owned(), trial: None };
        submit::insert_labels(&mut tx, &run.spec, run.started_at).await?;
        insert_step(&mut tx, &key, run).await?;
        metrics::insert(&mut tx, &key, ATTEMPT, &run.metrics).await?;
        artifacts::insert_outputs(&mut tx, &run.spec.project, &key, &run.outputs, now).await?;
        note(&mut tx, run, now).await?;
        tx.commit().await?;
        Ok((as_read(run), true))
    }
}

/// Whether it was not there yet. It was created when it began: lists and `gc` go by that.
async fn insert_run(tx: &mut Tx, run: &TrackedRun) -> Result<bool, StoreError> {
    let insert = "INSERT INTO run (id, project, kind, name, state, owner, spec, failure, created_at, started_at, finished_at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10) ON CONFLICT (id) DO NOTHING";
    let NewRun { id, project, kind, owner, .. } = &run.spec;
    let args = args![
        id,
        project,
        kind.as_str(),
        run.spec.name(),
        run.state.as_str(),
        owner.as_str(),
        text::json(&run.spec)?,
        text::json_opt(run.failure.as_ref())?,
        run.started_at,
        run.finished_at,
    ];
    Ok(tx.execute(insert, args).await? == 1)
}

async fn insert_step(tx: &mut Tx, key: &StepKey, run: &TrackedRun) -> Result<(), StoreError> {
    let insert = "INSERT INTO step (run, step, trial, project, position, state, attempt, attempts_before, params, inputs, outputs, \
                  results, failure, models, started_at, finished_at) \
                  VALUES ($1, $2, $3, $4, 0, $5, $6, 0, $7, $8, $9, $10, $11, '[]', $12, $13)";
    let args = args![
        key.run,
        key.step.as_str(),
        steps::trial(key.trial),
        &run.spec.project,
        ended(run.state).as_str(),
        ATTEMPT,
        text::json(&run.spec.params)?,
        text::json(&run.inputs)?,
        text::json(&run.outputs)?,
        text::json(&run.results)?,
        text::json_opt(run.failure.as_ref())?,
        run.started_at,
        run.finished_at,
    ];
    tx.execute(insert, args).await.map(drop)
}

fn ended(state: RunState) -> StepState {
    match state {
        RunState::Running | RunState::Done => StepState::Done,
        RunState::Failed => StepState::Failed,
        RunState::Cancelled => StepState::Cancelled,
    }
}

/// Its end is old news by now, so that what waits for `run.finished` is not woken by it.
async fn note(tx: &mut Tx, run: &TrackedRun, now: Timestamp) -> Result<(), StoreError> {
    let (spec, subject) = (&run.spec, run.spec.id.to_string());
    let content = json!({ "name": spec.name(), "kind": spec.kind.as_str(), "state": run.state.as_str() });
    events::tell(tx, now, &spec.project, "run.imported", &subject, content.clone()).await?;
    let deed = Deed { who: &spec.owner, action: "run.imported", project: &spec.project, subject: &subject };
    deed.record(tx, now, content).await
}

fn as_read(run: &TrackedRun) -> Run {
    Run {
        spec: run.spec.clone(),
        state: run.state,
        failure: run.failure.clone(),
        created_at: run.started_at,
        started_at: Some(run.started_at),
        finished_at: Some(run.finished_at),
    }
}
