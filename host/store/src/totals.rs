//! Exact totals of every call, by revision and second.

use host_core::{Name, record::Totals};
use jiff::Timestamp;

use crate::{
    Store, StoreError,
    sql::{Row, Select, args},
};

/// The most rows one answer holds.
const MOST: i64 = 100_000;

/// Which totals are wanted.
#[derive(Debug, Clone)]
pub struct TotalsFilter {
    /// Only those of this function.
    pub function: Option<Name>,
    /// From this time on.
    pub since: Timestamp,
    /// Up to this time, not included; until now, when absent.
    pub until: Option<Timestamp>,
    /// How many seconds are added up to one row; a second of its own each, when 1.
    pub every_s: u32,
}

impl Store {
    /// Exact totals per revision and span of time, oldest first. The last second may still be on its way.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn totals(&self, project: &Name, filter: &TotalsFilter) -> Result<Vec<Totals>, StoreError> {
        let every = i64::from(filter.every_s.max(1));
        let start = "SELECT t.revision, t.at_second - t.at_second % ? AS at_second, CAST(SUM(t.calls) AS BIGINT) AS calls, \
                     CAST(SUM(t.events) AS BIGINT) AS events, \
                     CAST(SUM(CASE WHEN t.verdict = 'ok' THEN 0 ELSE t.calls END) AS BIGINT) AS failures, \
                     CAST(SUM(t.duration_us) AS BIGINT) AS duration_us, MAX(t.longest_us) AS longest_us, \
                     CAST(SUM(t.cpu_us) AS BIGINT) AS cpu_us, CAST(SUM(t.bytes_in) AS BIGINT) AS bytes_in, \
                     CAST(SUM(t.bytes_out) AS BIGINT) AS bytes_out \
                     FROM call_total t JOIN revision r ON r.id = t.revision WHERE r.project = ? AND t.at_second >= ?";
        let (sql, args) = Select::new(start, args![every, project, filter.since.as_second()])
            .when("t.at_second < ?", filter.until.map(Timestamp::as_second))
            .when("r.function = ?", filter.function.as_ref())
            .end("GROUP BY t.revision, 2 ORDER BY 2, t.revision LIMIT ?", args![MOST]);
        self.db().rows(sql, args).await?.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<Totals, StoreError> {
    Ok(Totals {
        revision: row.get("revision")?,
        second: row.get("at_second")?,
        calls: row.get("calls")?,
        events: row.get("events")?,
        failures: row.get("failures")?,
        duration_us: row.get("duration_us")?,
        longest_us: row.get("longest_us")?,
        cpu_us: row.get("cpu_us")?,
        bytes_in: row.get("bytes_in")?,
        bytes_out: row.get("bytes_out")?,
    })
}
