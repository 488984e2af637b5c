//! What happens on the platform, handed to the functions and pipelines that want to know: each event once, by whichever
//! host takes it first.

mod source;
mod wants;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use host_core::{
    function::{FunctionRef, Revision},
    manifest::{EventTrigger, Trigger},
    ports::{Functions, StandingTriggers, Start, Started, Told, TriggerId, Wakening},
};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{board::Board, source::Rooms};

pub(crate) use source::EventSource;
pub(crate) use wants::Standing;

/// How many events are looked at, at once.
const AT_ONCE: u32 = 100;
/// How many times as many at most are looked at behind some that cannot be handed over.
const PAGES: u32 = 100;
/// The longest wait while the store does not answer.
const LONGEST: Duration = Duration::from_secs(10);

/// The boards of this host's event triggers, to write on when one is handed over.
#[derive(Default)]
pub struct Listeners(Mutex<HashMap<TriggerId, Arc<Board>>>);

/// Hands events over.
pub struct Happenings {
    rooms: Rooms,
}

/// Why events wait.
type Trouble = String;

/// Whoever may want to know.
struct Audience {
    functions: Arc<Functions>,
    standing: Vec<StandingTriggers>,
    paused: HashSet<TriggerId>,
}

impl Happenings {
    /// Hands over nothing before [`Happenings::run`].
    #[must_use]
    pub fn new(rooms: Rooms) -> Self {
        Self { rooms }
    }

    /// Looks for events every `poll`, until `stop`.
    pub async fn run(self, poll: Duration, stop: CancellationToken) {
        let mut trouble = 0_u32;
        while !stop.is_cancelled() {
            let wait = match self.hand_over().await {
                Ok(found) if found >= AT_ONCE as usize => continue,
                Ok(_) => {
                    trouble = 0;
                    poll
                }
                Err(error) => {
                    if trouble == 0 {
                        tracing::warn!(error, "an event of the platform cannot be handed over; trying again");
                    }
                    trouble = trouble.saturating_add(1).min(16);
                    (poll * 2_u32.pow(trouble)).min(LONGEST)
                }
            };
            stop.run_until_cancelled(tokio::time::sleep(wait)).await;
        }
    }

    /// Hands over what nobody has taken; how many events there were. One that cannot be handed over stays, and holds up
    /// none behind it.
    async fn hand_over(&self) -> Result<usize, Trouble> {
        let (mut found, mut trouble, mut last) = (0, None, None);
        for _ in 0..PAGES {
            let told = self.rooms.clockwork.told(last.as_ref(), AT_ONCE).await.map_err(text)?;
            if told.is_empty() {
                break;
            }
            found += told.len();
            let stuck = self.hand_out(&told).await?;
            let goes_on = stuck.is_some() && told.len() >= AT_ONCE as usize;
            trouble = trouble.or(stuck);
            last = told.into_iter().next_back().filter(|_| goes_on);
            if last.is_none() {
                break;
            }
        }
        trouble.map_or(Ok(found), Err)
    }

    /// Hands each of some events over; why the first of those stays that could not be.
    async fn hand_out(&self, told: &[Told]) -> Result<Option<Trouble>, Trouble> {
        // Asked after the events: whoever was put into service before they happened is known by now.
        let audience = self.audience().await?;
        let (mut nobodys, mut stuck) = (Vec::new(), None);
        for one in told {
            let started = audience.started(one);
            if started.is_empty() {
                nobodys.push(one.id.clone());
                continue;
            }
            let triggers: Vec<TriggerId> = started.iter().map(trigger).collect();
            match self.rooms.clockwork.take(one, started).await {
                Ok(runs) if runs.is_some_and(|it| it > 0) => self.note(&triggers),
                Ok(_) => {}
                Err(error) => _ = stuck.get_or_insert(format!("event {} ({}): {error}", one.id, one.r#type)),
            }
        }
        if !nobodys.is_empty() {
            self.rooms.clockwork.pass(&nobodys).await.map_err(text)?;
        }
        Ok(stuck)
    }

    async fn audience(&self) -> Result<Audience, Trouble> {
        let functions = self.rooms.directory.refresh().await.map_err(text)?;
        let standing = self.rooms.clockwork.standing().await.map_err(text)?;
        let paused = self.rooms.memory.paused().await.map_err(text)?;
        Ok(Audience { functions, standing, paused: paused.into_iter().map(|(id, _)| id).collect() })
    }

    fn note(&self, triggers: &[TriggerId]) {
        let now = self.rooms.clock.now();
        let boards = self.rooms.listeners.0.lock();
        triggers.iter().filter_map(|id| boards.get(id)).for_each(|board| board.settled(1, now));
    }
}

impl Audience {
    /// Everything that an event starts.
    fn started(&self, told: &Told) -> Vec<Started> {
        let revisions = self.functions.active.values().filter(|it| it.project == told.project);
        let functions = revisions.flat_map(|revision| self.functions_of(revision, told));
        let standing = self.standing.iter().filter(|it| it.project == told.project);
        functions.chain(standing.flat_map(|it| self.pipelines_of(it, told))).collect()
    }

    fn functions_of<'a>(&'a self, revision: &'a Revision, told: &'a Told) -> impl Iterator<Item = Started> + 'a {
        // Nobody waited for what happened before there was a first revision.
        let is_older = revision.number == 1 && told.at < revision.created_at;
        let triggers = revision.manifest.triggers.iter().filter_map(|it| match it {
            Trigger::Event(trigger) => Some(trigger),
            _ => None,
        });
        triggers.filter(move |trigger| !is_older && wants(trigger, told)).filter_map(move |trigger| {
            let name = trigger.name.as_ref().map_or("event", |it| it.as_str()).to_owned();
            let id =
                TriggerId { project: told.project.clone(), function: revision.function.clone(), name: name.clone() };
            let wakening = Wakening {
                id: Wakening::run_of(&format!("weft event\n{}\n{}\n{name}", told.id, id.function)),
                project: told.project.clone(),
                function: FunctionRef::from(revision.function.clone()),
                trigger: "event",
                trigger_name: name,
                event: told.event(),
                retry: trigger.retry.rule(),
                depth: told.depth,
                owner: revision.created_by.clone(),
            };
            (!self.paused.contains(&id)).then(|| Started::Function(Box::new(wakening)))
        })
    }

    fn pipelines_of<'a>(
        &'a self,
        standing: &'a StandingTriggers,
        told: &'a Told,
    ) -> impl Iterator<Item = Started> + 'a {
        let is_older = standing.since.is_some_and(|since| told.at < since);
        standing.triggers.iter().filter_map(move |it| {
            let Trigger::Event(trigger) = &it.trigger else { return None };
            let id = it.id(&standing.project, &standing.pipeline);
            if is_older || !wants(trigger, told) || self.paused.contains(&id) {
                return None;
            }
            let run = Wakening::run_of(&format!("weft event\n{}\n{}\n{}", told.id, id.function, id.name));
            Some(Started::Pipeline(Start { id: run, trigger: id, params: it.params.clone(), depth: told.depth }))
        })
    }
}

/// Whether a trigger wants an event. The end of a run is asked for by the run or by its name; that of a run that did no
/// more than hand an event over only by name, or every event would wake whoever wants the ends of runs again and again.
fn wants(trigger: &EventTrigger, told: &Told) -> bool {
    let name = told.content["name"].as_str().filter(|_| told.r#type.starts_with("run."));
    let is_handover = name.is_some() && told.content["kind"] == "event";
    if is_handover && trigger.subjects.is_empty() {
        return false;
    }
    trigger.wants(&told.r#type, &told.subject) || name.is_some_and(|name| trigger.wants(&told.r#type, name))
}

fn trigger(started: &Started) -> TriggerId {
    match started {
        Started::Function(it) => {
            TriggerId { project: it.project.clone(), function: it.function.name.clone(), name: it.trigger_name.clone() }
        }
        Started::Pipeline(it) => it.trigger.clone(),
    }
}

fn text(error: impl std::fmt::Display) -> Trouble {
    error.to_string()
}

#[cfg(test)]
pub(crate) mod tests;
