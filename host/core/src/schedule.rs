//! When the clock strikes: cron expressions read in a time zone, and which firings are due.

use std::time::Duration;

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{
    SignedDuration, Timestamp, Zoned,
    tz::{TimeZone, TimeZoneDatabase},
};

use crate::{
    Digest,
    manifest::{Missed, ScheduleTrigger},
    size::Millis,
};

/// How late a firing may be and still not count as missed.
const PUNCTUAL: SignedDuration = SignedDuration::from_secs(5);
/// The most missed firings that are done, and the most punctual ones that are found at once.
const MOST_MISSED: usize = 100;
/// What helps whoever wrote something else.
const EXAMPLE: &str = "write minute, hour, day, month and weekday, such as `0 2 * * *` for two o'clock every night, or six fields with \
                       the second first";

/// A cron expression in a time zone.
///
/// Where clocks are put forward, a fixed time in the gap fires right after it, and one that repeats skips the gap. Where
/// they are put back, a fixed time fires once, the first time, and one that repeats does so in both hours.
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
}

/// Whether a cron expression and a time zone are understood.
///
/// # Errors
/// What is wrong, with an example of what is right.
pub fn check(cron: &str, zone: &str) -> Result<(), String> {
    Schedule::parse(cron, zone).map(drop)
}

impl Schedule {
    /// Reads an expression of five fields, of six with seconds first, or one such as `@daily`.
    ///
    /// # Errors
    /// What is wrong, with an example of what is right.
    pub fn parse(cron: &str, zone: &str) -> Result<Self, String> {
        // The zones this release was built with, so that all hosts of a database agree on the moments.
        let zone = TimeZoneDatabase::bundled().get(zone).map_err(|_| {
            format!("`{zone}` is not a time zone: write its IANA name, such as `Europe/Berlin` or `UTC`")
        })?;
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Optional).build();
        let wrong = |reason: &str| format!("`{cron}` is not understood: {reason}; {EXAMPLE}");
        let fields = cron.split_whitespace().count();
        if !cron.trim().starts_with('@') && !(5..=6).contains(&fields) {
            return Err(wrong(&format!("it has {fields} fields")));
        }
        let parsed = parser.parse(cron).map_err(|error| wrong(error.to_string().trim_end_matches('.')))?;
        let schedule = Self { cron: parsed, zone };
        let begin = Timestamp::from_second(1_750_000_000).unwrap_or(Timestamp::UNIX_EPOCH);
        match schedule.after(begin) {
            Some(_) => Ok(schedule),
            None => Err(wrong("no day fits it")),
        }
    }

    /// The first firing after a moment.
    #[must_use]
    pub fn after(&self, at: Timestamp) -> Option<Timestamp> {
        let found = self.cron.find_next_occurrence(&self.zoned(at)?, false).ok()?;
        Some(found.timestamp()).filter(|it| *it > at)
    }

    /// The last firing at or before a moment.
    #[must_use]
    pub fn until(&self, at: Timestamp) -> Option<Timestamp> {
        let found = self.cron.find_previous_occurrence(&self.zoned(at)?, true).ok()?;
        Some(found.timestamp()).filter(|it| *it <= at)
    }

    /// Cron knows whole seconds.
    fn zoned(&self, at: Timestamp) -> Option<Zoned> {
        Some(Timestamp::from_second(at.as_second()).ok()?.to_zoned(self.zone.clone()))
    }
}

/// What is to be done at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What is due, the earliest first: which moments of the schedule.
    pub due: Vec<Timestamp>,
    /// Until when all of the schedule has been looked at: firings up to here are done or not done any more.
    pub seen: Timestamp,
    /// When the next one is due, and which moment of the schedule it is.
    pub next: Option<(Timestamp, Timestamp)>,
}

/// A schedule with what its manifest says of late and simultaneous firings.
#[derive(Debug, Clone)]
pub struct Timetable {
    schedule: Schedule,
    missed: Missed,
    grace: SignedDuration,
    jitter: Millis,
    /// What draws this trigger's jitter.
    seed: String,
}

impl Timetable {
    /// The timetable of a trigger; `seed` makes its jitter its own.
    ///
    /// # Errors
    /// When its expression or zone is not understood.
    pub fn new(trigger: &ScheduleTrigger, seed: String) -> Result<Self, String> {
        Ok(Self {
            schedule: Schedule::parse(&trigger.cron, &trigger.zone)?,
            missed: trigger.missed,
            grace: SignedDuration::try_from(trigger.grace.duration()).unwrap_or(SignedDuration::MAX),
            jitter: trigger.jitter,
            seed,
        })
    }

    /// What is due at `now`, when everything up to `since` has been seen.
    #[must_use]
    pub fn plan(&self, since: Timestamp, now: Timestamp) -> Plan {
        let mut due = self.passed(since, now);
        let seen = due.last().copied().unwrap_or(since).max(since);
        let is_late = |at: &Timestamp| now.duration_since(self.due_at(*at)) > PUNCTUAL;
        let punctual = due.iter().position(|at| !is_late(at)).unwrap_or(due.len());
        match self.missed {
            Missed::Skip => drop(due.drain(..punctual)),
            // One that is on time stands for those before it.
            Missed::Last => drop(due.drain(..punctual.min(due.len().saturating_sub(1)))),
            Missed::All => {}
        }
        let next = self.schedule.after(seen.max(self.oldest(now))).map(|at| (self.due_at(at), at));
        Plan { due, seen, next }
    }

    /// Firings before this are not done any more.
    #[must_use]
    pub fn oldest(&self, now: Timestamp) -> Timestamp {
        let longest = SignedDuration::try_from(self.jitter.duration()).unwrap_or(SignedDuration::MAX);
        let back = self.grace.checked_add(longest).unwrap_or(SignedDuration::MAX);
        now.checked_sub(back).unwrap_or(Timestamp::MIN)
    }

    /// When a moment of the schedule is due: put off by its jitter, but never as far as the next one.
    #[must_use]
    pub fn due_at(&self, at: Timestamp) -> Timestamp {
        if self.jitter.0 == 0 {
            return at;
        }
        let drawn = Digest::of(format!("weft jitter\n{}\n{at}", self.seed).as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&drawn.as_raw()[..8]);
        let room = self.schedule.after(at).map_or(SignedDuration::MAX, |next| next.duration_since(at));
        let room = u64::try_from(room.as_millis()).unwrap_or(u64::MAX);
        let wait = Duration::from_millis(u64::from_le_bytes(first) % (self.jitter.0 + 1).min(room.max(1)));
        SignedDuration::try_from(wait).ok().and_then(|it| at.checked_add(it).ok()).unwrap_or(at)
    }

    /// Moments that are due and neither seen nor too old: the latest hundred, the earliest first.
    fn passed(&self, since: Timestamp, now: Timestamp) -> Vec<Timestamp> {
        let oldest = self.oldest(now);
        let mut passed = Vec::new();
        let mut next = self.schedule.until(now);
        while let Some(at) = next.filter(|at| *at > since && *at >= oldest && passed.len() < MOST_MISSED) {
            if self.due_at(at) <= now {
                passed.push(at);
            }
            next = at.checked_sub(SignedDuration::from_secs(1)).ok().and_then(|it| self.schedule.until(it));
        }
        passed.reverse();
        passed
    }
}

#[cfg(test)]
mod tests;
