//! What people ask of triggers: to rest, to go on, to read elsewhere, to take a dead letter once more.

use async_trait::async_trait;
use host_core::{
    Name,
    ports::{DeadLetter, Seek, SourceError, Sources, TriggerId, TriggerStatus},
    retry::Retry,
};

use super::{Supervisor, worker};
use crate::handover::{Fate, Handover};

#[async_trait]
impl Sources for Supervisor {
    fn list(&self, project: &Name) -> Vec<TriggerStatus> {
        self.statuses().into_iter().filter(|it| it.id.project == *project).collect()
    }

    fn all(&self) -> Vec<TriggerStatus> {
        self.statuses()
    }

    async fn pause(&self, id: &TriggerId, who: &str) -> Result<(), SourceError> {
        let (turn, board) = self.find(id, |it| (it.turn.clone(), it.board.clone()))?;
        let reason = if who.is_empty() { "somebody paused it".to_owned() } else { format!("{who} paused it") };
        self.rooms.memory.set_paused(id, Some(&reason), who).await?;
        self.reconcile().await;
        // Whatever paused it first is the reason.
        let reason = self.find(id, |it| it.paused.clone())?.unwrap_or(reason);
        worker::rest(&turn, &board, reason).await;
        Ok(())
    }

    async fn resume(&self, id: &TriggerId, who: &str) -> Result<(), SourceError> {
        self.find(id, |_| ())?;
        self.rooms.memory.set_paused(id, None, who).await?;
        self.reconcile().await;
        Ok(())
    }

    async fn seek(&self, id: &TriggerId, to: Seek, who: &str) -> Result<(), SourceError> {
        let (turn, source, is_paused) =
            self.find(id, |it| (it.turn.clone(), it.source.clone(), it.paused.is_some()))?;
        if !is_paused {
            let text = format!("trigger `{id}` is running: `fn triggers pause {id}` first, and resume it afterwards");
            return Err(SourceError::State(text));
        }
        let _turn = turn.lock().await;
        source.seek(&to).await?;
        self.rooms.memory.moved(id, &to, who).await
    }

    async fn replay(&self, letter: &DeadLetter, who: &str) -> Result<(), SourceError> {
        let id = &letter.trigger;
        let (kind, source, board) = self.find(id, |it| (it.wanted.kind, it.source.clone(), it.board.clone()))?;
        let handover = Handover::new(self.rooms.clone(), id.clone(), kind, Retry::never(), board);
        let origins = letter.place.iter().cloned().collect();
        let attempt = letter.attempts.saturating_add(1);
        let mut fates = handover.attempt(vec![letter.event.clone()], origins, attempt, &self.stop).await;
        match fates.pop() {
            Some(Fate::Done(outputs)) => source.send(outputs).await?,
            Some(Fate::Again(failure, _) | Fate::Dead(failure) | Fate::Halt(failure) | Fate::NotYet(failure, _)) => {
                return Err(SourceError::Failed(format!("it failed again ({}): {}", failure.code, failure.message)));
            }
            None => return Err(SourceError::Failed("the function gave no answer".into())),
        }
        self.rooms.letters.replayed(&id.project, &letter.id, who).await
    }
}
