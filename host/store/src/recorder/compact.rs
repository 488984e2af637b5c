//! Old totals of calls, added up to those of their minute or hour: as exact, in fewer rows.

use std::collections::HashMap;

use host_core::RevisionId;
use tokio_util::sync::CancellationToken;

use super::{
    rows,
    tallies::{Key, Sum},
};
use crate::{
    StoreError,
    sql::{Db, Row, Tx, args},
};

/// How many totals move in one transaction, so that nobody waits long for the writer.
const AT_ONCE: i64 = 1_000;

/// Takes out what is no total of a whole span yet. What comes meanwhile, from a host that was cut off, is found the
/// next time: nothing is read here without being deleted in the same statement.
const TAKE: &str = "DELETE FROM call_total WHERE (revision, at_second, verdict) IN (\
                    SELECT revision, at_second, verdict FROM call_total \
                    WHERE revision = $1 AND at_second >= $2 AND at_second < $3 AND at_second % $4 <> 0 \
                    ORDER BY at_second LIMIT $5) \
                    RETURNING revision, at_second, verdict, calls, events, duration_us, longest_us, cpu_us, bytes_in, \
                    bytes_out";

/// Adds up all totals from before a second to those of their span; how many rows went into others.
pub(crate) async fn add_up_before(
    db: &Db,
    before: i64,
    span_s: i64,
    stop: &CancellationToken,
) -> Result<u64, StoreError> {
    // A span that is not over yet stays as it is.
    let before = before - before.rem_euclid(span_s);
    let revisions = "SELECT DISTINCT revision FROM call_total WHERE at_second < $1 AND at_second % $2 <> 0";
    let mut moved = 0;
    for row in db.rows(revisions, args![before, span_s]).await? {
        let revision: RevisionId = row.get("revision")?;
        let mut from = i64::MIN;
        loop {
            let mut tx = db.begin().await?;
            let taken = take(&mut tx, revision, from..before, span_s).await?;
            let count = taken.len();
            // Several verdicts share a second, so that the next piece begins where this one ended.
            from = taken.iter().map(|(key, _)| key.second).max().unwrap_or(from);
            rows::add_up_in(&mut tx, &joined(taken, span_s)).await?;
            tx.commit().await?;
            moved += count as u64;
            if (count as i64) < AT_ONCE || stop.is_cancelled() {
                break;
            }
        }
    }
    Ok(moved)
}

async fn take(
    tx: &mut Tx,
    revision: RevisionId,
    seconds: std::ops::Range<i64>,
    span_s: i64,
) -> Result<Vec<(Key, Sum)>, StoreError> {
    let rows = tx.rows(TAKE, args![revision, seconds.start, seconds.end, span_s, AT_ONCE]).await?;
    rows.iter().map(read).collect()
}

fn joined(totals: Vec<(Key, Sum)>, span_s: i64) -> HashMap<Key, Sum> {
    let mut joined = HashMap::<Key, Sum>::new();
    for (key, sum) in totals {
        let key = Key { second: key.second - key.second.rem_euclid(span_s), ..key };
        joined.entry(key).or_default().add(&sum);
    }
    joined
}

fn read(row: &Row) -> Result<(Key, Sum), StoreError> {
    let key = Key { revision: row.get("revision")?, second: row.get("at_second")?, verdict: row.word("verdict")? };
    let sum = Sum {
        calls: row.get("calls")?,
        events: row.get("events")?,
        duration_us: row.get("duration_us")?,
        longest_us: row.get("longest_us")?,
        cpu_us: row.get("cpu_us")?,
        bytes_in: row.get("bytes_in")?,
        bytes_out: row.get("bytes_out")?,
    };
    Ok((key, sum))
}
