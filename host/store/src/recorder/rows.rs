//! Records as rows, written by the hundred.

use std::{collections::HashMap, sync::Arc};

use host_core::record::{CallRecord, LogLine};

use super::{
    Queued,
    tallies::{Key, Sum},
};
use crate::{
    StoreError,
    logs::{StoredLine, rank},
    sql::{Arg, Db, Tx, args, placeholders, unnumbered},
    text::{json, json_opt},
};

/// How many rows a statement holds: of few sizes, so that each is prepared once. Each statement is a journey, to the
/// thread that has SQLite or to where Postgres is.
const ROWS_LITE: &[usize] = &[64, 8, 1];
const ROWS_POSTGRES: &[usize] = &[100, 10, 1];

const CALLS: &str = "INSERT INTO call (id, project, function, revision, entry, trigger_kind, trigger_name, attempt, events, \
                     verdict, status, failure, started_at, duration_us, cpu_us, memory_bytes, bytes_in, bytes_out, fresh, \
                     models, principal, run) VALUES";

const LINES: &str = "INSERT INTO log_line (id, logged_at, project, function, revision, call, run, step, stream, level, message, \
                     fields) VALUES";

const TOTALS: &str = "INSERT INTO call_total (revision, at_second, verdict, calls, events, duration_us, longest_us, cpu_us, \
                      bytes_in, bytes_out) VALUES";

const ADD_UP: &str = "ON CONFLICT (revision, at_second, verdict) DO UPDATE SET \
                      calls = call_total.calls + excluded.calls, events = call_total.events + excluded.events, \
                      duration_us = call_total.duration_us + excluded.duration_us, \
                      longest_us = CASE WHEN excluded.longest_us > call_total.longest_us THEN excluded.longest_us ELSE call_total.longest_us END, \
                      cpu_us = call_total.cpu_us + excluded.cpu_us, bytes_in = call_total.bytes_in + excluded.bytes_in, \
                      bytes_out = call_total.bytes_out + excluded.bytes_out";

/// A kind of record: where it goes and what a row of it is.
pub(super) trait Record {
    const INSERT: &'static str;
    /// A record that is there already was written by a batch whose acknowledgement was lost.
    const END: &'static str = "ON CONFLICT DO NOTHING";

    fn row(&self) -> Result<Vec<Arg>, StoreError>;
}

impl Record for CallRecord {
    const INSERT: &'static str = CALLS;

    fn row(&self) -> Result<Vec<Arg>, StoreError> {
        let usage = &self.usage;
        Ok(args![
            self.id,
            &self.project,
            &self.function,
            self.revision,
            self.entry.as_str(),
            self.trigger.as_str(),
            self.trigger_name.as_str(),
            self.attempt,
            self.events,
            self.verdict.as_str(),
            self.status.map(i64::from),
            json_opt(self.failure.as_ref())?,
            self.started_at,
            usage.duration_us,
            usage.cpu_us,
            usage.memory_bytes,
            usage.bytes_in,
            usage.bytes_out,
            usage.fresh,
            json(&self.models)?,
            self.principal.as_str(),
            self.run,
        ])
    }
}

impl Record for Arc<StoredLine> {
    const INSERT: &'static str = LINES;

    fn row(&self) -> Result<Vec<Arg>, StoreError> {
        let LogLine { at, project, function, revision, call, run, step, stream, level, message, fields } = &self.line;
        Ok(args![
            self.id.as_str(),
            *at,
            project,
            function,
            revision,
            call,
            *run,
            step.as_deref(),
            stream.as_str(),
            rank(*level),
            message.as_str(),
            json(fields)?,
        ])
    }
}

impl<R: Record> Record for Queued<R> {
    const INSERT: &'static str = R::INSERT;
    const END: &'static str = R::END;

    fn row(&self) -> Result<Vec<Arg>, StoreError> {
        self.record.row()
    }
}

impl Record for (Key, Sum) {
    const INSERT: &'static str = TOTALS;
    const END: &'static str = ADD_UP;

    fn row(&self) -> Result<Vec<Arg>, StoreError> {
        let (key, sum) = self;
        Ok(args![
            key.revision,
            key.second,
            key.verdict.as_str(),
            sum.calls,
            sum.events,
            sum.duration_us,
            sum.longest_us,
            sum.cpu_us,
            sum.bytes_in,
            sum.bytes_out,
        ])
    }
}

/// Writes all records in one transaction.
pub(super) async fn write<R: Record>(db: &Db, records: &[R]) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    write_in(&mut tx, records).await?;
    tx.commit().await
}

/// Writes records in a transaction.
async fn write_in<R: Record>(tx: &mut Tx, records: &[R]) -> Result<(), StoreError> {
    let (sizes, statement): (_, fn(_, _, _, _) -> _) =
        if tx.is_postgres() { (ROWS_POSTGRES, placeholders) } else { (ROWS_LITE, unnumbered) };
    for chunk in chunks(records, sizes) {
        let rows: Vec<Vec<Arg>> = chunk.iter().map(Record::row).collect::<Result<_, _>>()?;
        let columns = rows.first().map_or(0, Vec::len);
        let sql = statement(R::INSERT, rows.len(), columns, R::END);
        tx.execute(sql, rows.into_iter().flatten().collect()).await?;
    }
    Ok(())
}

/// Cuts records into pieces of these sizes, the largest first; the last of them is 1.
fn chunks<'r, R>(mut records: &'r [R], sizes: &'static [usize]) -> impl Iterator<Item = &'r [R]> {
    std::iter::from_fn(move || {
        let size = *sizes.iter().find(|it| **it <= records.len())?;
        let (chunk, rest) = records.split_at(size);
        records = rest;
        Some(chunk)
    })
}

/// Adds totals to those of the database, in one transaction: all of them or none.
pub(super) async fn add_up(db: &Db, totals: &HashMap<Key, Sum>) -> Result<(), StoreError> {
    write(db, &in_order(totals)).await
}

/// The same, in a transaction.
pub(super) async fn add_up_in(tx: &mut Tx, totals: &HashMap<Key, Sum>) -> Result<(), StoreError> {
    write_in(tx, &in_order(totals)).await
}

/// Every host takes the rows in the same order, so that none waits for another in a circle.
fn in_order(totals: &HashMap<Key, Sum>) -> Vec<(Key, Sum)> {
    let mut totals: Vec<(Key, Sum)> = totals.iter().map(|(key, sum)| (*key, *sum)).collect();
    totals.sort_by_key(|(key, _)| (key.revision, key.second, key.verdict.as_str()));
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_in_pieces_of_few_sizes() {
        let sizes = |count: usize| chunks(&vec![(); count], ROWS_POSTGRES).map(<[()]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(0), Vec::<usize>::new());
        assert_eq!(sizes(212), [100, 100, 10, 1, 1]);
    }
}
