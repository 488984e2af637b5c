//! What people ask of triggers: to rest, to go on, to read elsewhere, to take a dead letter once more.

use std::sync::Arc;

use async_trait::async_trait;
use host_core::{
    Name,
    event::Failure,
    ports::{DeadLetter, Seek, SourceError, Sources, TriggerId, TriggerStatus},
    retry::Retry,
};

use super::{Kept, Supervisor, worker};
use crate::{
    board::Board,
    handover::{Fate, Handover},
    source::Source,
};

#[async_trait]
impl Sources for Supervisor {
    fn list(&self, project: &Name) -> Vec<TriggerStatus> {
        self.statuses().into_iter().filter(|it| it.id.project == *project).collect()
    }

    fn all(&self) -> Vec<TriggerStatus> {
        self.statuses()
    }

    async fn pause(&self, id: &TriggerId, who: &str) -> Result<(), SourceError> {
        self.find(id, |_| ())?;
        let reason = if who.is_empty() { "somebody paused it".to_owned() } else { format!("{who} paused it") };
        self.rooms.memory.set_paused(id, Some(&reason), who).await?;
        self.reconcile().await;
        // Whatever paused it first is the reason. Somebody may have let it go on meanwhile.
        let rests = |it: &Kept| Some((it.turn.clone(), it.board.clone(), it.paused.clone()?, it.resting.clone()?));
        if let Some((turn, board, reason, over)) = self.find(id, rests)? {
            worker::rest(&turn, &board, reason, &over).await;
        }
        Ok(())
    }

    async fn resume(&self, id: &TriggerId, who: &str) -> Result<(), SourceError> {
        self.find(id, |_| ())?;
        self.rooms.memory.set_paused(id, None, who).await?;
        self.reconcile().await;
        Ok(())
    }

    async fn seek(&self, id: &TriggerId, to: Seek, who: &str) -> Result<(), SourceError> {
        let rest = |it: &Kept| (it.turn.clone(), it.source.clone(), it.resting.clone());
        let (mut turn, mut source, mut over) = self.find(id, rest)?;
        if over.is_none() {
            // It may have paused itself this moment.
            self.reconcile().await;
            (turn, source, over) = self.find(id, rest)?;
        }
        let runs = || {
            let text = format!("trigger `{id}` is running: `fn triggers pause {id}` first, and resume it afterwards");
            SourceError::State(text)
        };
        let over = over.ok_or_else(runs)?;
        let _turn = over.run_until_cancelled(turn.lock()).await.ok_or_else(runs)?;
        source.seek(&to).await?;
        self.rooms.memory.moved(id, &to, who).await
    }

    async fn replay(&self, letter: &DeadLetter, who: &str) -> Result<(), SourceError> {
        let Way { id, kind, source, board } = self.way(letter)?;
        let handover = Handover::new(self.rooms.clone(), id, kind, Retry::never(), board).replaying(letter.at);
        let origins = letter.place.iter().cloned().collect();
        let attempt = letter.attempts.saturating_add(1);
        let mut fates = handover.once(vec![letter.event.clone()], origins, attempt, &self.stop).await;
        let failed =
            |failure: &Failure| SourceError::Failed(format!("it failed again ({}): {}", failure.code, failure.message));
        match fates.pop() {
            Some(Fate::Done(left)) => match source {
                Some(source) => source.send(left.whole()).await?,
                None => tracing::info!(
                    letter = letter.id,
                    outputs = left.outputs.len(),
                    "nothing takes what a replayed event left"
                ),
            },
            Some(Fate::NotYet(failure, _)) => return Err(failed(&failure)),
            Some(Fate::Again(failure, _) | Fate::Dead(failure) | Fate::Halt(failure)) => {
                let told = failed(&failure);
                self.buried_again(letter, failure, attempt).await?;
                return Err(told);
            }
            None => return Err(SourceError::Failed("the function gave no answer".into())),
        }
        self.rooms.letters.replayed(&letter.trigger.project, &letter.id, who).await
    }
}

/// By which way a letter is handed over once more.
struct Way {
    id: TriggerId,
    kind: &'static str,
    /// Where its outputs go; nowhere, for what runs as a run.
    source: Option<Arc<dyn Source>>,
    board: Arc<Board>,
}

/// The kinds whose outputs go nowhere but into the record of their run.
const KEPT: [&str; 3] = ["publish", "schedule", "event"];

impl Supervisor {
    /// The way of a letter's own trigger. Where that is gone: by the only other one of its kind that its function has, as
    /// it may have been renamed.
    fn way(&self, letter: &DeadLetter) -> Result<Way, SourceError> {
        let id = &letter.trigger;
        let way = |it: &Kept| Way {
            id: it.wanted.id.clone(),
            kind: it.wanted.kind,
            source: Some(it.source.clone()),
            board: it.board.clone(),
        };
        let kept = self.kept.lock();
        if let Some(it) = kept.get(id) {
            return Ok(way(it));
        }
        let is_kin = |it: &&Kept| {
            let other = &it.wanted.id;
            (&other.project, &other.function) == (&id.project, &id.function) && it.wanted.kind == letter.kind
        };
        let mut kin = kept.values().filter(is_kin);
        if let (Some(it), None) = (kin.next(), kin.next()) {
            return Ok(way(it));
        }
        let Some(kind) = KEPT.into_iter().find(|it| *it == letter.kind) else {
            let (function, kind) = (&id.function, &letter.kind);
            let text = format!(
                "trigger `{id}` is gone, and with it where its outputs went: deploy `{function}` with one {kind} trigger"
            );
            return Err(SourceError::State(text));
        };
        let board = Arc::new(Board::new(id.clone(), kind, String::new()));
        Ok(Way { id: id.clone(), kind, source: None, board })
    }

    /// A letter that failed once more says so.
    async fn buried_again(&self, letter: &DeadLetter, failure: Failure, attempts: u32) -> Result<(), SourceError> {
        let (functions, id) = (self.rooms.directory.functions(), &letter.trigger);
        let revision = functions.get(&id.project, &id.function).map(|it| it.id);
        let at = self.rooms.clock.now();
        let again = DeadLetter { at, failure, revision, attempts, times: 1, ..letter.clone() };
        self.rooms.letters.keep(vec![again]).await
    }
}
