//! Works on one batch: calls the function, publishes what comes of it, and says which messages are settled.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use host_core::{
    call::Place,
    event::{Event, Failure, code},
    manifest::AmqpTrigger,
    ports::{SourceError, TriggerId, TriggerState},
};
use tokio_util::sync::CancellationToken;

use super::{
    batch::Taken,
    config::Config,
    link,
    plan::{Plan, Step, Then},
    retries::Bucket,
    routes::Routes,
    session::Session,
    topology,
    trouble::Trouble,
};
use crate::{
    board::Board,
    handover::{Fate, Handover},
    source::Rooms,
};

/// What a source works with, whatever connection it has.
pub(super) struct Desk {
    pub(super) handover: Handover,
    pub(super) rooms: Rooms,
    pub(super) id: TriggerId,
    pub(super) trigger: AmqpTrigger,
    pub(super) board: Arc<Board>,
    pub(super) config: Config,
}

/// What came of a batch.
#[derive(Debug, Default)]
pub(super) struct Worked {
    /// The messages that may be acknowledged.
    pub(super) settled: Vec<u64>,
    /// Why reading has to end, if it does.
    pub(super) end: Option<SourceError>,
}

impl Desk {
    /// Works on a batch until all of it is settled, or something ends the reading, or it has to stop.
    pub(super) async fn work(
        &self,
        session: &Session,
        routes: &Routes,
        mut batch: Vec<Taken>,
        stop: &CancellationToken,
    ) -> Worked {
        let (mut worked, began) = (Worked::default(), Instant::now());
        loop {
            let mut plan = self.plan(session, routes, batch).await;
            let cause = plan.cause.take();
            let waiting = std::mem::take(&mut plan.waiting);
            let oversized = self.carry_out(session, plan, &mut worked).await;
            if !oversized.is_empty() {
                self.give_up(session, routes, oversized, &mut worked).await;
            }
            let Some(wait) = waiting.iter().map(|(_, wait)| *wait).max() else { break };
            if worked.end.is_some() || stop.is_cancelled() {
                break;
            }
            if began.elapsed() + wait > self.config.patience() {
                worked.end = Some(SourceError::Failed(self.out_of_patience(cause)));
                break;
            }
            self.board.state(TriggerState::BackingOff, cause);
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
            }
            self.board.state(TriggerState::Running, None);
            batch = waiting.into_iter().map(|(taken, _)| taken).collect();
        }
        worked
    }

    /// Calls the function once with everything that is at the same attempt, and plans what follows.
    async fn plan<'a>(&'a self, session: &Session, routes: &'a Routes, batch: Vec<Taken>) -> Plan<'a> {
        let mut plan = self.empty(session, routes);
        let mut by_attempt: BTreeMap<u32, Vec<Taken>> = BTreeMap::new();
        for taken in batch {
            by_attempt.entry(taken.attempt).or_default().push(taken);
        }
        for (attempt, group) in by_attempt {
            let (group, events) = self.readable(group, &mut plan);
            if events.is_empty() || plan.end.is_some() {
                continue;
            }
            let fates = self.attempt(&group, events, attempt).await;
            for (taken, fate) in group.into_iter().zip(fates) {
                plan.add(taken, fate);
            }
        }
        plan
    }

    async fn attempt(&self, group: &[Taken], events: Vec<Event>, attempt: u32) -> Vec<Fate> {
        // A call that has begun may end; whoever runs the source sets a bound to that.
        let stop = CancellationToken::new();
        let origins = group.iter().map(|it| place(it, it.tag)).collect();
        let again = |index: usize| {
            let message = &group[index].message;
            message.event().unwrap_or_else(|_| message.plain())
        };
        self.handover.attempt(events, origins, attempt, again, &stop).await
    }

    /// What claims to be an event and is none is given up.
    fn readable(&self, group: Vec<Taken>, plan: &mut Plan<'_>) -> (Vec<Taken>, Vec<Event>) {
        let (mut readable, mut events) = (Vec::with_capacity(group.len()), Vec::with_capacity(group.len()));
        for taken in group {
            match taken.message.event() {
                Ok(event) => {
                    events.push(event);
                    readable.push(taken);
                }
                Err(invalid) => {
                    self.board.failed(1);
                    plan.dead(taken, Failure::invalid(code::INVALID_INPUT, invalid.to_string()));
                }
            }
        }
        (readable, events)
    }

    fn empty<'a>(&'a self, session: &Session, routes: &'a Routes) -> Plan<'a> {
        let frame = session.outbox.connection().configuration().frame_max();
        Plan::new(&self.trigger, routes, self.revision(), frame)
    }

    /// Gives messages up that left more than the server takes: trying them again would come to the same.
    async fn give_up(&self, session: &Session, routes: &Routes, oversized: Vec<(Taken, String)>, worked: &mut Worked) {
        let mut plan = self.empty(session, routes);
        self.board.failed(oversized.len() as u64);
        for (taken, why) in oversized {
            plan.dead(taken, Failure::invalid("output-too-large", why));
        }
        // The letter of one is as large as the message was; where that is too much as well, it is kept here alone.
        self.carry_out(session, plan, worked).await;
    }

    /// Publishes what is to be published; a message is settled once that is confirmed. Returned are those that left more
    /// than the server takes.
    async fn carry_out(&self, session: &Session, plan: Plan<'_>, worked: &mut Worked) -> Vec<(Taken, String)> {
        worked.end = worked.end.take().or(plan.end);
        let mut oversized = Vec::new();
        let mut trouble = self.see_to(session, &plan.buckets).await.err();
        let answers = session.outbox.send(&plan.letters).await;
        let mut finished = 0;
        for Step { taken, letters, then } in plan.steps {
            let lost = answers.get(letters).unwrap_or_default().iter().find_map(|it| it.as_ref().err());
            let done = match lost {
                Some(Trouble::TooLarge(why)) if !matches!(then, Then::Bury(_)) => {
                    oversized.push((taken, why.clone()));
                    continue;
                }
                Some(Trouble::TooLarge(_)) => self.conclude(&taken, then).await,
                Some(lost) => Err(SourceError::from(trouble.take().unwrap_or_else(|| lost.clone()))),
                None => self.conclude(&taken, then).await,
            };
            match done {
                Ok(counts) => {
                    worked.settled.push(taken.tag);
                    finished += u64::from(counts);
                }
                Err(error) => worked.end = worked.end.take().or(Some(error)),
            }
        }
        if finished > 0 {
            self.board.settled(finished, self.rooms.clock.now());
        }
        oversized
    }

    /// Whether that was the last of the message.
    async fn conclude(&self, taken: &Taken, then: Then) -> Result<bool, SourceError> {
        match then {
            Then::Done => Ok(true),
            Then::Again => Ok(false),
            Then::Bury(failure) => {
                let event = taken.message.event().unwrap_or_else(|_| taken.message.plain());
                // Without its number, so that a message that is read again stays the same letter.
                let place = Some(place(taken, 0));
                self.handover.bury(event, place, failure, taken.attempt).await.map(|()| true)
            }
        }
    }

    /// Declares retry queues that are used for the first time.
    async fn see_to(&self, session: &Session, buckets: &[Bucket]) -> Result<(), Trouble> {
        for bucket in buckets.iter().filter(|it| !session.retries.knows(it)) {
            let asked = topology::retry(session.outbox.connection(), &self.trigger, bucket);
            link::within(&self.config, "a retry queue was declared", asked).await?;
            session.retries.learn(bucket);
        }
        Ok(())
    }

    /// How long a call of its function may take; a moment, where that is not known.
    pub(super) fn timeout(&self) -> Duration {
        let functions = self.rooms.directory.functions();
        let function = functions.get(&self.id.project, &self.id.function);
        function.map_or(Duration::from_secs(1), |it| it.manifest.limits.call_timeout().duration())
    }

    fn revision(&self) -> Option<String> {
        let functions = self.rooms.directory.functions();
        functions.get(&self.id.project, &self.id.function).map(|it| it.id.to_string())
    }

    fn out_of_patience(&self, cause: Option<String>) -> String {
        let cause = cause.unwrap_or_default();
        let held = self.config.patience().as_secs();
        format!("messages were held for {held} s and are given back to the queue: {cause}")
    }
}

fn place(taken: &Taken, number: u64) -> Place {
    Place { topic: Arc::clone(&taken.message.queue), partition: 0, offset: number }
}
