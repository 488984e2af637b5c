//! Runs as they stand in their rows, and the list of them: newest first, a page at a time, whatever their number.

mod past;

use host_core::{
    Name, RunId,
    page::{Page, PageRequest},
    ports::RunFilter,
    run::{Run, RunState},
};

use crate::{
    Store, StoreError, cursor,
    sql::{Row, Select, args},
};

/// The columns of a run; its table goes by `r`.
macro_rules! select_run {
    ($rest:literal) => {
        concat!("SELECT r.spec, r.state, r.failure, r.created_at, r.started_at, r.finished_at FROM run r ", $rest)
    };
}
pub(crate) use select_run;

/// A run as it stands in its row.
pub(crate) fn read(row: &Row) -> Result<Run, StoreError> {
    Ok(Run {
        spec: row.json("spec")?,
        state: row.word("state")?,
        failure: row.json_opt("failure")?,
        created_at: row.get("created_at")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
    })
}

/// The run, if there is one.
pub(crate) async fn find(store: &Store, run: RunId) -> Result<Option<Run>, StoreError> {
    let row = store.db().row(select_run!("WHERE r.id = $1"), args![run]).await?;
    row.as_ref().map(read).transpose()
}

/// How many runs of a name are not over, counted up to `most`.
pub(crate) async fn pending(store: &Store, project: &Name, name: &str, most: u32) -> Result<u32, StoreError> {
    let count = "SELECT CAST(COUNT(*) AS BIGINT) AS runs FROM \
                 (SELECT id FROM run WHERE project = $1 AND name = $2 AND state = 'running' LIMIT $3) AS pending";
    store.db().row(count, args![project, name, most]).await?.map_or(Ok(0), |row| row.get("runs"))
}

pub(crate) async fn list(
    store: &Store,
    project: &Name,
    filter: &RunFilter,
    page: &PageRequest,
) -> Result<Page<Run>, StoreError> {
    let select = match filter.labels.first_key_value() {
        // A label leads to its runs in the order of the list, so that a rare one is found without reading them all.
        Some((label, value)) => {
            let start =
                select_run!("JOIN run_label l ON l.run = r.id WHERE l.project = ? AND l.label = ? AND l.value = ?");
            let select = Select::new(start, args![project, label.as_str(), value.as_str()]);
            cursor::newest(select, page, "(l.created_at, l.run) < (?, ?)")?
        }
        None => {
            let select = Select::new(select_run!("WHERE r.project = ?"), args![project]);
            cursor::newest(select, page, "(r.created_at, r.id) < (?, ?)")?
        }
    };
    let mut select =
        select.when("r.state = ?", filter.state.map(RunState::as_str)).when("r.name = ?", filter.name.as_deref());
    for (label, value) in filter.labels.iter().skip(1) {
        let has = "EXISTS (SELECT 1 FROM run_label x WHERE x.run = r.id AND x.label = ? AND x.value = ?)";
        select = select.and(has, args![label.as_str(), value.as_str()]);
    }
    let order = if filter.labels.is_empty() {
        "ORDER BY r.created_at DESC, r.id DESC LIMIT ?"
    } else {
        "ORDER BY l.created_at DESC, l.run DESC LIMIT ?"
    };
    let (sql, args) = select.end(order, vec![cursor::one_more(page)]);
    let rows = store.db().rows(sql, args).await?;
    cursor::page(rows, page, read, |run| cursor::Place::write(run.created_at, run.spec.id))
}
