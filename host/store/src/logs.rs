//! Log lines, read back page by page.

use std::sync::Arc;

use host_core::{
    CallId, Name, RunId,
    page::{Page, PageRequest},
    record::{Level, LogLine},
};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::{
    Store, StoreError, cursor,
    sql::{Row, Select, args},
};

/// A log line and its place: lines sort by it, and reading can go on after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredLine {
    /// Its identity, in order of time.
    pub id: String,
    /// The line.
    #[serde(flatten)]
    pub line: LogLine,
}

/// Which log lines are listed.
#[derive(Debug, Clone, Default)]
pub struct LogFilter {
    /// Only those of this function.
    pub function: Option<Name>,
    /// Only those of this call.
    pub call: Option<CallId>,
    /// Only those of this run.
    pub run: Option<RunId>,
    /// Only those of this step of the run, `name` or `name#trial`.
    pub step: Option<String>,
    /// Only those as loud as this, or louder.
    pub level: Option<Level>,
}

impl LogFilter {
    /// Whether a line is one of those asked for; the same answer as the database's.
    #[must_use]
    pub fn accepts(&self, line: &LogLine) -> bool {
        self.function.as_ref().is_none_or(|it| *it == line.function)
            && self.call.is_none_or(|it| it == line.call)
            && self.run.is_none_or(|it| Some(it) == line.run)
            && self.step.as_ref().is_none_or(|it| Some(it) == line.step.as_ref())
            && self.level.is_none_or(|it| line.level >= it)
    }
}

/// From which end lines are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// From the first line on.
    #[default]
    OldestFirst,
    /// From the last line back.
    NewestFirst,
}

const LEVELS: [Level; 5] = [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error];

/// How loud a level is, as it is stored.
pub(crate) fn rank(level: Level) -> i64 {
    match level {
        Level::Trace => 0,
        Level::Debug => 1,
        Level::Info => 2,
        Level::Warn => 3,
        Level::Error => 4,
    }
}

const START: &str = "SELECT id, logged_at, project, function, revision, call, run, step, stream, level, message, fields \
                     FROM log_line WHERE project = ?";

impl Store {
    /// Log lines of a project, page by page; `after` is the identity of the last line seen.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn logs(
        &self,
        project: &Name,
        filter: &LogFilter,
        order: Order,
        page: &PageRequest,
    ) -> Result<Page<StoredLine>, StoreError> {
        let select = Select::new(START, args![project])
            .when("function = ?", filter.function.as_ref())
            .when("call = ?", filter.call)
            .when("run = ?", filter.run)
            .when("step = ?", filter.step.as_deref())
            .when("level >= ?", filter.level.map(rank));
        let (condition, end) = match order {
            Order::OldestFirst => ("id > ?", "ORDER BY id LIMIT ?"),
            Order::NewestFirst => ("id < ?", "ORDER BY id DESC LIMIT ?"),
        };
        let (sql, args) = select.when(condition, page.after.as_deref()).end(end, vec![cursor::one_more(page)]);
        let rows = self.db().rows(sql, args).await?;
        cursor::page(rows, page, read, |it| it.id.clone())
    }

    /// Log lines of this host from now on, as they come. Whoever lags behind misses some and is told how many; the
    /// lines themselves are in the store a moment later.
    #[must_use]
    pub fn follow_logs(&self) -> broadcast::Receiver<Arc<StoredLine>> {
        self.recorder().follow_logs()
    }
}

fn read(row: &Row) -> Result<StoredLine, StoreError> {
    let level = usize::try_from(row.get::<i64>("level")?).ok().and_then(|it| LEVELS.get(it).copied());
    let line = LogLine {
        at: row.get("logged_at")?,
        project: row.get("project")?,
        function: row.get("function")?,
        revision: row.get("revision")?,
        call: row.get("call")?,
        run: row.get("run")?,
        step: row.get("step")?,
        stream: row.word("stream")?,
        level: level.unwrap_or(Level::Info),
        message: row.get("message")?,
        fields: row.json("fields")?,
    };
    Ok(StoredLine { id: row.get("id")?, line })
}
