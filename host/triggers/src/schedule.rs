//! The clock as a source: each moment of a schedule starts a run, once on all hosts, by the database's time.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use host_core::{
    RunId,
    event::Event,
    function::FunctionRef,
    manifest::ScheduleTrigger,
    ports::{Fired, Firing, SourceError, Start, Started, TriggerId, TriggerState, WakeError, Wakening},
    schedule::Timetable,
};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::{
    board::Board,
    handover::Outgoing,
    source::{Rooms, Source},
};

/// The longest sleep, so that a clock that was set, or a machine that slept, is noticed.
const NAP: Duration = Duration::from_secs(30);

/// One schedule, of a function or of a pipeline.
pub(crate) struct ScheduleSource {
    rooms: Rooms,
    id: TriggerId,
    trigger: ScheduleTrigger,
    /// The params of the runs it starts, where it is a pipeline's.
    params: Option<Map<String, Value>>,
    board: Arc<Board>,
}

impl ScheduleSource {
    /// The schedule of a function.
    pub(crate) fn new(rooms: Rooms, id: TriggerId, trigger: ScheduleTrigger, board: Arc<Board>) -> Self {
        Self { rooms, id, trigger, params: None, board }
    }

    /// The schedule of a pipeline that is kept.
    pub(crate) fn of_pipeline(
        rooms: Rooms,
        id: TriggerId,
        (trigger, params): (ScheduleTrigger, Map<String, Value>),
        board: Arc<Board>,
    ) -> Self {
        Self { rooms, id, trigger, params: Some(params), board }
    }

    /// Does what is due, again and again.
    async fn keep_time(&self, table: &Timetable, stop: &CancellationToken) -> Result<(), SourceError> {
        let says = format!("{} {}", self.trigger.cron.trim(), self.trigger.zone);
        let mut since = self.rooms.clockwork.since(&self.id, &says).await.map_err(failed)?;
        self.board.state(TriggerState::Running, None);
        while !stop.is_cancelled() {
            let now = self.rooms.clock.now();
            let plan = table.plan(since, now);
            self.board.next(plan.next.map(|(due, _)| due));
            for at in plan.due {
                if !self.fire(table, at, stop).await? {
                    return Ok(());
                }
            }
            since = plan.seen;
            let wait = plan.next.map_or(NAP, |(due, _)| until(due, self.rooms.clock.now()));
            stop.run_until_cancelled(tokio::time::sleep(wait.min(NAP))).await;
        }
        Ok(())
    }

    /// Does one firing; not when it is stopped before the database's clock is as far.
    async fn fire(&self, table: &Timetable, at: Timestamp, stop: &CancellationToken) -> Result<bool, SourceError> {
        loop {
            let firing = Firing {
                trigger: self.id.clone(),
                at,
                due_at: table.due_at(at),
                oldest: table.oldest(self.rooms.clock.now()),
                overlap: self.trigger.overlap,
            };
            match self.rooms.clockwork.fire(firing, self.started(at)).await.map_err(failed)? {
                Fired::TooEarly(wait) => {
                    if stop.run_until_cancelled(tokio::time::sleep(wait.min(NAP))).await.is_none() {
                        return Ok(false);
                    }
                }
                fired => {
                    self.note(at, &fired);
                    return Ok(true);
                }
            }
        }
    }

    fn note(&self, at: Timestamp, fired: &Fired) {
        match fired {
            Fired::Run { run, replaced } => {
                self.board.settled(1, self.rooms.clock.now());
                tracing::debug!(trigger = %self.id, %at, %run, ?replaced, "the clock has struck");
            }
            Fired::LeftOut(run) => {
                tracing::info!(trigger = %self.id, %at, %run, "a firing is left out: the one before is still at work");
            }
            Fired::Already | Fired::TooEarly(_) => {}
        }
    }

    /// What a moment starts; the same however often it is asked.
    fn started(&self, at: Timestamp) -> Started {
        let id = self.run_at(at);
        match &self.params {
            Some(params) => Started::Pipeline(Start { id, trigger: self.id.clone(), params: params.clone(), depth: 0 }),
            None => Started::Function(Box::new(Wakening {
                id,
                project: self.id.project.clone(),
                function: FunctionRef::from(self.id.function.clone()),
                trigger: "schedule",
                trigger_name: self.id.name.clone(),
                event: self.event(at),
                retry: self.trigger.retry.rule(),
                depth: 0,
                owner: self.owner(),
            })),
        }
    }

    fn run_at(&self, at: Timestamp) -> RunId {
        Wakening::run_of(&format!("weft schedule\n{}\n{}\n{}\n{at}", self.id.project, self.id.function, self.id.name))
    }

    fn event(&self, at: Timestamp) -> Event {
        let has_data = !self.trigger.data.is_null();
        Event {
            id: format!("{}/{}/{at}", self.id.function, self.id.name),
            source: format!("/api/v1/projects/{}/triggers/{}/{}", self.id.project, self.id.function, self.id.name),
            r#type: "weft.schedule.fired".to_owned(),
            subject: Some(self.id.name.clone()),
            time: Some(at.to_string()),
            content_type: has_data.then(|| "application/json".to_owned()),
            key: None,
            inlet: String::new(),
            extensions: Vec::new(),
            data: if has_data { self.trigger.data.to_string().into() } else { bytes::Bytes::new() },
        }
    }

    /// Whoever deployed the function.
    fn owner(&self) -> String {
        let functions = self.rooms.directory.functions();
        functions.get(&self.id.project, &self.id.function).map(|it| it.created_by.clone()).unwrap_or_default()
    }
}

#[async_trait]
impl Source for ScheduleSource {
    async fn run(&self, stop: CancellationToken) -> Result<(), SourceError> {
        let table = Timetable::new(&self.trigger, self.id.to_string()).map_err(SourceError::Failed)?;
        let ended = self.keep_time(&table, &stop).await;
        self.board.next(None);
        ended
    }

    /// What its function gives back stands in the run.
    async fn send(&self, _: Vec<Outgoing>) -> Result<(), SourceError> {
        Ok(())
    }
}

fn until(due: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO)
}

fn failed(error: WakeError) -> SourceError {
    SourceError::Failed(error.to_string())
}

#[cfg(test)]
mod tests;
