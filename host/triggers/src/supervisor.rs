//! Keeps the sources running that are wanted: opens them, stops them, and leaves alone those that did not change.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Weak},
    time::Instant,
};

use host_core::ports::{SourceError, TriggerId, TriggerState, TriggerStatus};
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Config,
    board::Board,
    happening::Standing,
    models,
    source::{Rooms, Source},
    supervisor::{
        wanted::{Deployed, Wanted, Wants},
        worker::{Turn, Worker},
    },
};

mod asked;
pub(crate) mod wanted;
mod worker;

/// The running sources of this host.
pub struct Supervisor {
    rooms: Rooms,
    config: Config,
    wants: Vec<Arc<dyn Wants>>,
    kept: Mutex<BTreeMap<TriggerId, Kept>>,
    /// Whose turn it is to run a trigger: a source that was opened anew waits for the one before to settle.
    turns: Mutex<HashMap<TriggerId, Weak<tokio::sync::Mutex<()>>>>,
    /// What was known last. One at a time makes what runs match what is wanted.
    known: tokio::sync::Mutex<Known>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// What the rest of the host said last; where it cannot be asked, it still counts.
#[derive(Default)]
struct Known {
    /// By who wants it.
    wanted: Vec<Vec<Wanted>>,
    /// Nothing runs before it is known what must not.
    paused: Option<HashMap<TriggerId, String>>,
}

/// A source that is wanted.
struct Kept {
    wanted: Wanted,
    board: Arc<Board>,
    source: Arc<dyn Source>,
    turn: Turn,
    /// Why it is paused, where it is.
    paused: Option<String>,
    worker: Option<(CancellationToken, JoinHandle<()>)>,
    /// Set when a pause is over; there while it is paused.
    resting: Option<CancellationToken>,
    /// What was told last: the cause, or that it reads. Nothing by this host so far, and maybe something by one before.
    told: Option<Option<String>>,
}

impl Kept {
    /// Has its worker settle and end.
    fn end(&mut self) {
        if let Some((stop, _)) = self.worker.take() {
            stop.cancel();
        }
    }

    /// Nobody waits for its pause any more.
    fn wake(&mut self) {
        if let Some(over) = self.resting.take() {
            over.cancel();
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.wake();
    }
}

impl Supervisor {
    /// Of functions, model streams and kept pipelines; what model streams bring goes to `registry`. Nothing runs before
    /// [`Supervisor::run`].
    #[must_use]
    pub fn new(rooms: Rooms, config: Config, registry: models::Registry) -> Arc<Self> {
        let wants: Vec<Arc<dyn Wants>> = vec![
            Arc::new(Deployed::new(rooms.directory.clone())),
            Arc::new(models::Streams::new(registry.streams.clone(), rooms.directory.clone())),
            Arc::new(Standing(rooms.clockwork.clone())),
        ];
        let dispatch = Arc::new(models::Descriptors::new(registry, rooms.dispatch.clone()));
        Self::of(Rooms { dispatch, ..rooms }, config, wants)
    }

    fn of(rooms: Rooms, config: Config, wants: Vec<Arc<dyn Wants>>) -> Arc<Self> {
        Arc::new(Self {
            rooms,
            config,
            wants,
            kept: Mutex::default(),
            turns: Mutex::default(),
            known: tokio::sync::Mutex::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// Makes what runs match what is wanted, again and again, until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let seen = self.rooms.directory.functions().generation;
            self.reconcile().await;
            self.look().await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.rooms.directory.changed(seen) => {}
                () = tokio::time::sleep(self.config.poll.duration()) => {}
            }
        }
    }

    /// Stops every source and waits until what is in flight is settled, as long as `triggers.drain` allows.
    pub async fn drain(&self) {
        self.stop.cancel();
        self.kept.lock().values_mut().for_each(Kept::end);
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Every trigger of this host, in order of project, function and name.
    pub(crate) fn statuses(&self) -> Vec<TriggerStatus> {
        self.kept.lock().values().map(|it| it.board.status()).collect()
    }

    /// Makes what runs match what is wanted.
    async fn reconcile(&self) {
        let mut known = self.known.lock().await;
        // Asked before the pauses are: whoever ended because of a failure has noted the pause by then.
        let ended: HashSet<TriggerId> = {
            let kept = self.kept.lock();
            let is_over = |it: &Kept| it.worker.as_ref().is_some_and(|(_, task)| task.is_finished());
            kept.iter().filter(|(_, it)| is_over(it)).map(|(id, _)| id.clone()).collect()
        };
        let are_known = self.ask(&mut known).await;
        let Some(paused) = &known.paused else { return };
        let mut kept = self.kept.lock();
        // Asked while they are held: whoever drains ends what is there by then.
        if self.stop.is_cancelled() {
            return;
        }
        self.match_up(&mut kept, &known.wanted);
        for (id, it) in kept.iter_mut() {
            // One that has ended may have paused itself; where nobody can say, it does not begin again.
            if are_known && ended.contains(id) {
                it.worker = None;
            }
            self.set_going(id, it, paused.get(id));
        }
    }

    /// Asks who wants what, and what is paused; whether the latter could be said.
    async fn ask(&self, known: &mut Known) -> bool {
        known.wanted.resize_with(self.wants.len(), Vec::new);
        for (wants, wanted) in self.wants.iter().zip(&mut known.wanted) {
            match wants.wanted().await {
                Ok(now) => *wanted = now,
                Err(error) => tracing::warn!(%error, "could not ask which triggers there are; those known go on"),
            }
        }
        let paused = self.rooms.memory.paused().await;
        let paused = paused.inspect_err(|error| {
            tracing::warn!(%error, "could not ask which triggers are paused; what was known goes on");
        });
        let are_known = paused.is_ok();
        known.paused = paused.map(|it| it.into_iter().collect()).ok().or_else(|| known.paused.take());
        are_known
    }

    /// Forgets what is not wanted any more, and opens what is new or different. Others are not touched.
    fn match_up(&self, kept: &mut BTreeMap<TriggerId, Kept>, wanted: &[Vec<Wanted>]) {
        let all: HashSet<&TriggerId> = wanted.iter().flatten().map(|it| &it.id).collect();
        kept.retain(|id, it| {
            let stays = all.contains(id);
            if !stays {
                tracing::info!(trigger = %id, kind = it.wanted.kind, "a trigger is gone");
                it.end();
            }
            stays
        });
        for wanted in wanted.iter().flatten() {
            match kept.get_mut(&wanted.id) {
                Some(it) if it.wanted.is_same(wanted) => {}
                Some(it) => {
                    tracing::info!(trigger = %wanted.id, kind = wanted.kind, "a trigger has changed");
                    it.end();
                    *it = self.open(wanted, Some(&it.board));
                }
                None => {
                    tracing::info!(trigger = %wanted.id, kind = wanted.kind, reads = wanted.reads, "a trigger is new");
                    kept.insert(wanted.id.clone(), self.open(wanted, None));
                }
            }
        }
    }

    fn open(&self, wanted: &Wanted, before: Option<&Board>) -> Kept {
        let board = Arc::new(Board::after(before, wanted.id.clone(), wanted.kind, wanted.reads.clone()));
        let source = (wanted.open)(&self.config, self.rooms.clone(), board.clone());
        let turn = self.turn(&wanted.id);
        Kept { wanted: wanted.clone(), board, source, turn, paused: None, worker: None, resting: None, told: None }
    }

    fn turn(&self, id: &TriggerId) -> Turn {
        let mut turns = self.turns.lock();
        if let Some(turn) = turns.get(id).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, it| it.strong_count() > 0);
        let turn = Turn::default();
        turns.insert(id.clone(), Arc::downgrade(&turn));
        turn
    }

    /// Runs it, or has it rest, as it should.
    fn set_going(&self, id: &TriggerId, it: &mut Kept, paused: Option<&String>) {
        it.paused = paused.cloned();
        if let Some(reason) = paused {
            it.end();
            if it.resting.is_none() {
                let over = self.stop.child_token();
                it.resting = Some(over.clone());
                let (turn, board, reason) = (it.turn.clone(), it.board.clone(), reason.clone());
                self.tasks.spawn(async move { worker::rest(&turn, &board, reason, &over).await });
            }
            return;
        }
        it.wake();
        if it.worker.is_none() {
            it.board.state(TriggerState::Starting, None);
            let stop = CancellationToken::new();
            let worker = Worker {
                id: id.clone(),
                source: it.source.clone(),
                board: it.board.clone(),
                memory: self.rooms.memory.clone(),
                turn: it.turn.clone(),
                config: self.config.clone(),
                stop: stop.clone(),
            };
            it.worker = Some((stop, self.tasks.spawn(worker.run())));
        }
    }

    /// Notes rates, and tells of those that cannot read, once per cause.
    async fn look(&self) {
        let mut news = Vec::new();
        let now = Instant::now();
        for (id, it) in self.kept.lock().iter_mut() {
            it.board.mark(now);
            let status = it.board.status();
            let cause = match status.state {
                TriggerState::Failing => Some(status.cause.unwrap_or_default()),
                TriggerState::Running => None,
                _ => continue,
            };
            if it.told.as_ref() != Some(&cause) {
                news.push((id.clone(), cause));
            }
        }
        for (id, cause) in news {
            let told = match &cause {
                Some(cause) => self.rooms.memory.unhealthy(&id, cause).await,
                None => self.rooms.memory.healthy(&id).await,
            };
            match told {
                Ok(()) => {
                    if let Some(it) = self.kept.lock().get_mut(&id) {
                        it.told = Some(cause);
                    }
                }
                Err(error) => tracing::warn!(trigger = %id, %error, "could not tell how a trigger is doing"),
            }
        }
    }

    /// What is asked of one trigger by people.
    fn find<T>(&self, id: &TriggerId, ask: impl FnOnce(&Kept) -> T) -> Result<T, SourceError> {
        self.kept.lock().get(id).map(ask).ok_or_else(|| SourceError::NotFound(id.to_string()))
    }
}

#[cfg(test)]
mod tests;
