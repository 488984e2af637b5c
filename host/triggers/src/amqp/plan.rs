//! What is to be done for the messages of a batch, after its function has answered.

use std::{ops::Range, time::Duration};

use host_core::{event::Failure, manifest::AmqpTrigger, ports::SourceError};

use super::{batch::Taken, message::Verdict, outbox::Letter, retries::Bucket, routes::Routes};
use crate::handover::Fate;

/// What our own headers take at most.
const OUR_HEADERS: usize = 4 << 10;

/// What is to be done for a message before it is settled.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) taken: Taken,
    /// Which letters have to be confirmed.
    pub(super) letters: Range<usize>,
    pub(super) then: Then,
}

/// What follows when its letters are confirmed.
#[derive(Debug)]
pub(super) enum Then {
    /// It is done.
    Done,
    /// It comes again.
    Again,
    /// It is kept as a dead letter.
    Bury(Failure),
}

/// What is to be done for a batch.
pub(super) struct Plan<'a> {
    trigger: &'a AmqpTrigger,
    routes: &'a Routes,
    /// Which code answered.
    revision: Option<String>,
    /// How many bytes the header of a message may have.
    room: usize,
    pub(super) steps: Vec<Step>,
    pub(super) letters: Vec<Letter>,
    /// Which retry queues letters go to.
    pub(super) buckets: Vec<Bucket>,
    /// Messages that wait where they are, and for how long.
    pub(super) waiting: Vec<(Taken, Duration)>,
    /// Why messages wait.
    pub(super) cause: Option<String>,
    /// Why reading has to end, if it does.
    pub(super) end: Option<SourceError>,
}

impl<'a> Plan<'a> {
    /// For a trigger whose server takes frames of so many bytes.
    pub(super) fn new(trigger: &'a AmqpTrigger, routes: &'a Routes, revision: Option<String>, frame: u32) -> Self {
        let frame = if frame == 0 { usize::MAX } else { frame as usize };
        Self {
            trigger,
            routes,
            revision,
            room: frame.saturating_sub(OUR_HEADERS),
            steps: Vec::new(),
            letters: Vec::new(),
            buckets: Vec::new(),
            waiting: Vec::new(),
            cause: None,
            end: None,
        }
    }

    /// What follows from the fate of a message.
    pub(super) fn add(&mut self, taken: Taken, fate: Fate) {
        match fate {
            Fate::Done(outputs) => {
                let letters: Vec<_> = self.routes.letters(&outputs.whole()).collect();
                self.step(taken, letters, Then::Done);
            }
            Fate::Again(failure, wait) => self.again(taken, failure, wait),
            Fate::Dead(failure) => self.dead(taken, failure),
            Fate::Halt(failure) => self.end = Some(SourceError::State(failure.message)),
            Fate::NotYet(failure, wait) => self.wait(taken, failure, wait),
        }
    }

    /// Through a retry queue; where order counts, or there is no room for our headers, it waits where it is.
    fn again(&mut self, mut taken: Taken, failure: Failure, wait: Duration) {
        let may_leave = !self.trigger.ordered && self.has_room(&taken);
        let Some(bucket) = Bucket::of(&self.trigger.queue, wait).filter(|_| may_leave) else {
            taken.attempt = taken.attempt.saturating_add(1);
            return self.wait(taken, failure, wait);
        };
        let message = taken.message.again(taken.attempt, bucket.wait_ms(wait));
        let letter = Letter { to: bucket.address.clone(), message };
        if !self.buckets.contains(&bucket) {
            self.buckets.push(bucket);
        }
        self.step(taken, vec![letter], Then::Again);
    }

    /// It is given up.
    pub(super) fn dead(&mut self, taken: Taken, failure: Failure) {
        let verdict = Verdict { failure: &failure, attempts: taken.attempt, revision: self.revision.as_deref() };
        let message = taken.message.dead(&verdict, self.has_room(&taken));
        let letter = Letter { to: self.routes.dead_letters(), message };
        self.step(taken, vec![letter], Then::Bury(failure));
    }

    fn wait(&mut self, taken: Taken, failure: Failure, wait: Duration) {
        self.cause = Some(failure.message);
        self.waiting.push((taken, wait));
    }

    fn step(&mut self, taken: Taken, letters: Vec<Letter>, then: Then) {
        let first = self.letters.len();
        self.letters.extend(letters);
        self.steps.push(Step { taken, letters: first..self.letters.len(), then });
    }

    fn has_room(&self, taken: &Taken) -> bool {
        taken.message.headers_size() <= self.room
    }
}
