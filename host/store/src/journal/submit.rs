//! Writes a run, its steps, and which of them are ready. The same identity again changes nothing.

use host_core::{
    pipeline::Progress,
    run::{NewRun, Run, RunState},
};
use jiff::Timestamp;
use serde_json::json;

use super::{
    apply::{Applied, Applying},
    find,
};
use crate::{
    Store, StoreError,
    audit::Deed,
    gc, projects,
    sql::{Arg, Tx, args, placeholders},
    steps, text,
};

pub(super) async fn submit(store: &Store, new: NewRun) -> Result<Run, StoreError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    let Some(applied) = write(&mut tx, &new, now).await? else {
        let there = find(&mut tx, new.id).await?;
        return there.ok_or_else(|| StoreError::NotFound(format!("run {}", new.id)));
    };
    tx.commit().await?;
    let state = RunState::Running;
    let mut run = Run { spec: new, state, failure: None, created_at: now, started_at: None, finished_at: None };
    applied.tell(&mut run, now);
    Ok(run)
}

pub(super) async fn submit_all(store: &Store, runs: &[NewRun]) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    for run in runs {
        write(&mut tx, run, now).await?;
    }
    tx.commit().await
}

/// Writes a run into a transaction; `None` when it is there already.
pub(super) async fn write(tx: &mut Tx, new: &NewRun, now: Timestamp) -> Result<Option<Applied>, StoreError> {
    projects::ensure(tx, &new.project, now).await?;
    if !insert_run(tx, new, now).await? {
        return Ok(None);
    }
    gc::refer(tx, new, now).await?;
    insert_labels(tx, new, now).await?;
    insert_steps(tx, new).await?;
    let mut progress = Progress::new(&new.pipeline, &new.params, new.seed);
    let changes = progress.advance();
    let applied = Applying::new(tx, new, &progress, now).all(changes).await?;
    let deed = Deed { who: &new.owner, action: "run.submitted", project: &new.project, subject: &new.id.to_string() };
    deed.record(tx, now, json!({ "name": new.name(), "kind": new.kind.as_str() })).await?;
    Ok(Some(applied))
}

/// Whether it was not there yet.
async fn insert_run(tx: &mut Tx, new: &NewRun, now: Timestamp) -> Result<bool, StoreError> {
    let insert = "INSERT INTO run (id, project, kind, name, state, owner, spec, reproduces, created_at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING";
    let args = args![
        new.id,
        &new.project,
        new.kind.as_str(),
        new.name(),
        RunState::Running.as_str(),
        new.owner.as_str(),
        text::json(new)?,
        new.reproduces,
        now,
    ];
    Ok(tx.execute(insert, args).await? == 1)
}

pub(super) async fn insert_labels(tx: &mut Tx, new: &NewRun, created_at: Timestamp) -> Result<(), StoreError> {
    for (label, value) in &new.labels {
        let insert = "INSERT INTO run_label (project, label, value, created_at, run) VALUES ($1, $2, $3, $4, $5)";
        tx.execute(insert, args![&new.project, label.as_str(), value.as_str(), created_at, new.id]).await?;
    }
    Ok(())
}

/// How many rows one statement holds. Not many more: sqlx looks for each value's place among all that the statement has.
const ROWS: usize = 32;
const COLUMNS: &str = "INSERT INTO step (run, step, trial, project, position, state, attempt, attempts_before, drawn, params, \
                       inputs, outputs, results, models) VALUES";

async fn insert_steps(tx: &mut Tx, new: &NewRun) -> Result<(), StoreError> {
    let rows =
        (0..).zip(new.pipeline.steps.keys()).map(|(position, step)| row(new, step, steps::ITSELF, position, None));
    insert_rows(tx, &rows.collect::<Vec<_>>()).await
}

/// A step or a trial that nothing has happened to yet.
pub(super) fn row(run: &NewRun, step: &str, trial: i64, position: i64, drawn: Option<&str>) -> Vec<Arg> {
    let params = drawn.unwrap_or("{}");
    args![run.id, step, trial, &run.project, position, "waiting", 0_i64, 0_i64, drawn, params, "[]", "[]", "{}", "[]"]
}

pub(super) async fn insert_rows(tx: &mut Tx, rows: &[Vec<Arg>]) -> Result<(), StoreError> {
    for chunk in rows.chunks(ROWS) {
        let columns = chunk.first().map_or(0, Vec::len);
        tx.execute(placeholders(COLUMNS, chunk.len(), columns, ""), chunk.concat()).await?;
    }
    Ok(())
}
