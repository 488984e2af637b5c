//! Runs that are over, written many at a time: for measurements of what a long history costs, and for nothing else.

use host_core::run::{NewRun, Run};

use crate::{
    Store, StoreError, projects,
    sql::{Arg, Tx, args, placeholders},
    text,
};

/// How many rows one statement holds. Not many more: sqlx looks for each value's place among all that the statement has.
const ROWS: usize = 32;
const RUN: &str = "INSERT INTO run (id, project, kind, name, state, owner, spec, reproduces, created_at, started_at, finished_at) VALUES";
const LABEL: &str = "INSERT INTO run_label (project, label, value, created_at, run) VALUES";

#[doc(hidden)]
impl Store {
    /// Writes runs as they are, without steps, in one transaction.
    ///
    /// # Errors
    /// When the database does not answer, or a run is there already.
    pub async fn write_past_runs(&self, runs: &[Run]) -> Result<(), StoreError> {
        let Some(first) = runs.first() else { return Ok(()) };
        let mut tx = self.begin().await?;
        projects::ensure(&mut tx, &first.spec.project, first.created_at).await?;
        let rows = runs.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        insert(&mut tx, RUN, rows).await?;
        insert(&mut tx, LABEL, runs.iter().flat_map(labels).collect()).await?;
        tx.commit().await
    }

    /// Has Postgres look at what it holds now instead of later, when it would by itself. SQLite never does.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look_at_runs(&self) -> Result<(), StoreError> {
        if !self.db().is_postgres() {
            return Ok(());
        }
        self.db().rows("ANALYZE run, run_label", vec![]).await.map(drop)
    }
}

async fn insert(tx: &mut Tx, start: &'static str, rows: Vec<Vec<Arg>>) -> Result<(), StoreError> {
    let mut rows = rows.into_iter().peekable();
    while let Some(columns) = rows.peek().map(Vec::len) {
        let chunk: Vec<Vec<Arg>> = rows.by_ref().take(ROWS).collect();
        let sql = placeholders(start, chunk.len(), columns, "");
        tx.execute(sql, chunk.into_iter().flatten().collect()).await?;
    }
    Ok(())
}

fn row(run: &Run) -> Result<Vec<Arg>, StoreError> {
    let spec = &run.spec;
    Ok(args![
        spec.id,
        &spec.project,
        spec.kind.as_str(),
        spec.name(),
        run.state.as_str(),
        spec.owner.as_str(),
        text::json(spec)?,
        spec.reproduces,
        run.created_at,
        run.started_at,
        run.finished_at,
    ])
}

fn labels(run: &Run) -> Vec<Vec<Arg>> {
    let NewRun { project, labels, id, .. } = &run.spec;
    let row = |(label, value): (&String, &String)| args![project, label, value, run.created_at, *id];
    labels.iter().map(row).collect()
}
