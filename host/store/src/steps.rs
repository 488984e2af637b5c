//! Steps and trials as they stand in their rows.

use host_core::{
    RunId,
    run::{StepKey, StepRecord, StepResult},
};

use crate::{StoreError, sql::Row};

/// How the step itself is told from its trials.
pub(crate) const ITSELF: i64 = -1;

/// The columns of a step; its table goes by `s`.
macro_rules! select_step {
    ($rest:literal) => {
        concat!(
            "SELECT s.run, s.step, s.trial, s.state, s.attempt, s.params, s.inputs, s.outputs, s.results, s.progress, s.failure, ",
            "s.function, s.cache_key, s.cached_from, s.usage, s.models, s.not_before, s.started_at, s.finished_at FROM step s ",
            $rest
        )
    };
}
pub(crate) use select_step;

/// Every step and trial of a run, in the order of the pipeline.
pub(crate) const OF_RUN: &str = select_step!("WHERE s.run = $1 ORDER BY s.position, s.trial");

/// A step as it stands in its row.
pub(crate) fn read(row: &Row) -> Result<StepRecord, StoreError> {
    Ok(StepRecord {
        key: read_key(row)?,
        state: row.word("state")?,
        attempt: row.get("attempt")?,
        params: row.json("params")?,
        inputs: row.json("inputs")?,
        outputs: row.json("outputs")?,
        results: row.json("results")?,
        progress: row.json_opt("progress")?,
        failure: row.json_opt("failure")?,
        function: row.json_opt("function")?,
        cache_key: row.get("cache_key")?,
        cached_from: row.get("cached_from")?,
        usage: row.json_opt("usage")?,
        models: row.json("models")?,
        not_before: row.get("not_before")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
    })
}

pub(crate) fn read_all(rows: &[Row]) -> Result<Vec<StepRecord>, StoreError> {
    rows.iter().map(read).collect()
}

pub(crate) fn read_key(row: &Row) -> Result<StepKey, StoreError> {
    // The step itself has a trial below 0.
    let trial = u32::try_from(row.get::<i64>("trial")?).ok();
    Ok(StepKey { run: row.get("run")?, step: row.get("step")?, trial })
}

/// What the step left behind, for whoever takes it instead of doing it again.
pub(crate) fn result(record: StepRecord) -> (RunId, StepResult) {
    let made_by = record.cached_from.unwrap_or(record.key.run);
    let result = StepResult {
        params: record.params,
        inputs: record.inputs,
        outputs: record.outputs,
        results: record.results,
        function: record.function,
        cache_key: record.cache_key,
        cached_from: record.cached_from,
        usage: record.usage,
        models: record.models,
    };
    (made_by, result)
}

/// A trial as its column holds it.
pub(crate) fn trial(trial: Option<u32>) -> i64 {
    trial.map_or(ITSELF, i64::from)
}
