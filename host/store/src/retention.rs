//! Forgets call records, log lines, dead letters, events of the platform and the runs they woke once they have grown old,
//! and adds up old totals. Other runs and audit events stay.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    Config, StoreError,
    recorder::compact,
    sql::{Db, args},
    triggers::{self, Bounds},
};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(3_600);
/// How many rows go in one transaction, so that nobody waits long for the writer.
const AT_ONCE: i64 = 2_000;

const CALLS: &str = "DELETE FROM call WHERE id IN (SELECT id FROM call WHERE started_at < $1 LIMIT $2)";
const LINES: &str = "DELETE FROM log_line WHERE id IN (SELECT id FROM log_line WHERE logged_at < $1 LIMIT $2)";
const EVENTS: &str =
    "DELETE FROM platform_event WHERE id IN (SELECT id FROM platform_event WHERE happened_at < $1 LIMIT $2)";
/// Runs that did no more than hand an event over; what they left goes with them.
const WOKEN: &str = "DELETE FROM run WHERE id IN (SELECT r.id FROM run r WHERE r.kind = 'event' AND r.state <> 'running' \
                     AND r.finished_at < $1 AND NOT EXISTS (SELECT 1 FROM run_label l WHERE l.run = r.id AND l.label = 'keep') \
                     AND NOT EXISTS (SELECT 1 FROM model_version v WHERE v.run = r.id AND v.retired_at IS NULL) LIMIT $2)";

/// From which age on what is forgotten or added up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ages {
    /// Call records and log lines; never, when absent.
    keep: Option<Duration>,
    /// Events of the platform.
    events: Option<Duration>,
    /// Runs that were woken by events.
    woken: Option<Duration>,
    by_second: Duration,
    by_minute: Duration,
}

impl Ages {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            keep: config.keep_records.map(|it| it.duration()),
            events: config.keep_events.map(|it| it.duration()),
            woken: config.keep_woken.map(|it| it.duration()),
            by_second: config.totals_by_second.duration(),
            by_minute: config.totals_by_minute.duration(),
        }
    }
}

/// What became of what had grown old.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Aged {
    /// Call records, log lines, dead letters, events of the platform and runs that were forgotten.
    pub forgotten: u64,
    /// Totals that were added to those of their minute or hour.
    pub added_up: u64,
}

/// Starts the task.
pub(crate) fn start(db: Db, ages: Ages, letters: Arc<Bounds>, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Err(error) = age(&db, ages, &letters, &stop).await {
                tracing::warn!(%error, "old records could not be deleted or added up; the next attempt is in an hour");
            }
        }
    })
}

/// Does what is due now.
pub(crate) async fn age(db: &Db, ages: Ages, letters: &Bounds, stop: &CancellationToken) -> Result<Aged, StoreError> {
    let mut aged = Aged::default();
    for (delete, keep) in [(CALLS, ages.keep), (LINES, ages.keep), (EVENTS, ages.events), (WOKEN, ages.woken)] {
        if let Some(keep) = keep {
            aged.forgotten += forget(db, delete, keep, stop).await?;
        }
    }
    aged.forgotten += triggers::forget(db, letters, stop).await?;
    // By the hour first: what goes there need not pass by its minute.
    for (age, span_s) in [(ages.by_minute, 3_600), (ages.by_second, 60)] {
        let now = db.now().await?;
        let before = now.checked_sub(SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX));
        let before = before.unwrap_or(jiff::Timestamp::MIN).as_second();
        aged.added_up += compact::add_up_before(db, before, span_s, stop).await?;
    }
    Ok(aged)
}

/// Deletes what is older than `keep`.
async fn forget(db: &Db, delete: &'static str, keep: Duration, stop: &CancellationToken) -> Result<u64, StoreError> {
    let mut gone = 0;
    loop {
        let mut tx = db.begin().await?;
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        let oldest = tx.now().await?.checked_sub(keep).unwrap_or(jiff::Timestamp::MIN);
        let rows = tx.execute(delete, args![oldest, AT_ONCE]).await?;
        tx.commit().await?;
        gone += rows;
        if rows < AT_ONCE.unsigned_abs() || stop.is_cancelled() {
            return Ok(gone);
        }
    }
}

#[cfg(test)]
mod tests {
    use host_core::{
        clock::ManualClock,
        page::PageRequest,
        ports::Recorder as _,
        record::{Level, LogLine, Stream},
    };

    use super::*;
    use crate::{LogFilter, Order, Store};

    fn line(at: jiff::Timestamp) -> LogLine {
        LogLine {
            at,
            project: host_core::Name::default_project(),
            function: host_core::Name::default_project(),
            revision: host_core::RevisionId::next(),
            call: host_core::CallId::next(),
            run: None,
            step: None,
            stream: Stream::Log,
            level: Level::Info,
            message: "x".into(),
            fields: serde_json::Map::new(),
        }
    }

    #[tokio::test]
    async fn only_what_is_old_is_forgotten() {
        let now: jiff::Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        let store = Store::memory(Arc::new(ManualClock::at(now))).await.unwrap();
        for number in 0..5_000 {
            let is_old = number % 2 == 0;
            store.recorder().log(line(if is_old { now - SignedDuration::from_hours(25) } else { now }));
        }
        store.recorder().flush().await;
        let gone = forget(store.db(), LINES, Duration::from_secs(24 * 3_600), &CancellationToken::new()).await.unwrap();
        assert_eq!((gone, store.recorder().dropped()), (2_500, 0));
        let page = PageRequest { limit: Some(1_000), after: None };
        let left = store
            .logs(&host_core::Name::default_project(), &LogFilter::default(), Order::NewestFirst, &page)
            .await
            .unwrap();
        assert!(left.items.iter().all(|it| it.line.at == now));
    }
}
