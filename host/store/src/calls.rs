//! Records of calls, read back.

use host_core::{
    CallId, Name,
    call::Usage,
    page::{Page, PageRequest},
    record::{CallRecord, Verdict},
};
use jiff::Timestamp;

use crate::{
    Store, StoreError, cursor,
    sql::{Row, Select, args},
};

/// Which calls are listed.
#[derive(Debug, Clone, Default)]
pub struct CallFilter {
    /// Only those of this function.
    pub function: Option<Name>,
    /// Only those that ended so.
    pub verdict: Option<Verdict>,
    /// Only those admitted at this time or later.
    pub since: Option<Timestamp>,
}

const COLUMNS: &str = "SELECT id, project, function, revision, entry, trigger_kind, trigger_name, attempt, events, verdict, status, \
                       failure, started_at, duration_us, cpu_us, memory_bytes, bytes_in, bytes_out, fresh, models, principal, run \
                       FROM call WHERE project = ?";

impl Store {
    /// Calls that were recorded, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn calls(
        &self,
        project: &Name,
        filter: &CallFilter,
        page: &PageRequest,
    ) -> Result<Page<CallRecord>, StoreError> {
        let select = Select::new(COLUMNS, args![project])
            .when("function = ?", filter.function.as_ref())
            .when("verdict = ?", filter.verdict.map(Verdict::as_str))
            .when("started_at >= ?", filter.since);
        let select = cursor::newest(select, page, "(started_at, id) < (?, ?)")?;
        let (sql, args) = select.end("ORDER BY started_at DESC, id DESC LIMIT ?", vec![cursor::one_more(page)]);
        let rows = self.db().rows(sql, args).await?;
        cursor::page(rows, page, read, |it| cursor::Place::write(it.started_at, it.id))
    }

    /// A call that was recorded.
    ///
    /// # Errors
    /// When there is no record of it.
    pub async fn call(&self, project: &Name, id: CallId) -> Result<CallRecord, StoreError> {
        let (sql, args) = Select::new(COLUMNS, args![project]).end("AND id = ?", args![id]);
        let row = self.db().row(sql, args).await?;
        read(&row.ok_or_else(|| StoreError::NotFound(format!("a record of call {id}")))?)
    }
}

fn read(row: &Row) -> Result<CallRecord, StoreError> {
    Ok(CallRecord {
        id: row.get("id")?,
        project: row.get("project")?,
        function: row.get("function")?,
        revision: row.get("revision")?,
        entry: row.word("entry")?,
        trigger: row.get("trigger_kind")?,
        trigger_name: row.get("trigger_name")?,
        attempt: row.get("attempt")?,
        events: row.get("events")?,
        verdict: row.word("verdict")?,
        status: row.get::<Option<i64>>("status")?.and_then(|it| u16::try_from(it).ok()),
        failure: row.json_opt("failure")?,
        started_at: row.get("started_at")?,
        usage: Usage {
            duration_us: row.get("duration_us")?,
            cpu_us: row.get("cpu_us")?,
            memory_bytes: row.get("memory_bytes")?,
            bytes_in: row.get("bytes_in")?,
            bytes_out: row.get("bytes_out")?,
            fresh: row.get("fresh")?,
        },
        models: row.json("models")?,
        principal: row.get("principal")?,
        run: row.get("run")?,
    })
}
