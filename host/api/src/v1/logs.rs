//! Log lines.

use host_core::{CallId, Name, RunId};
use host_store::LogFilter;
use host_wire::log::{Level, LogLine};

pub(super) mod follow;
pub(super) mod list;

/// What a query asks for, as the store understands it.
fn filter(
    function: Option<Name>,
    call: Option<CallId>,
    run: Option<RunId>,
    step: Option<String>,
    level: Option<Level>,
) -> LogFilter {
    LogFilter { function, call, run, step, level: level.map(Into::into) }
}

fn line(stored: host_store::StoredLine) -> LogLine {
    LogLine::new(stored.id, stored.line)
}
