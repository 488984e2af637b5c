//! Writes a firing with its run, if nobody has: the database's clock says whether it is due.

use std::time::Duration;

use host_core::{
    RunId,
    manifest::Overlap,
    ports::{Fired, Firing, TriggerId},
    run::{NewRun, RunState},
};
use jiff::Timestamp;

use super::of;
use crate::{
    Store, StoreError, journal,
    sql::{Tx, args},
};

pub(super) async fn fire(store: &Store, firing: &Firing, run: NewRun) -> Result<Fired, StoreError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    if let Some(wait) = early(firing, now) {
        return Ok(Fired::TooEarly(wait));
    }
    if firing.at < firing.oldest || !is_turn(&mut tx, firing).await? || !insert(&mut tx, firing, run.id, now).await? {
        return Ok(Fired::Already);
    }
    let before = before(&mut tx, &firing.trigger, firing.at).await?;
    let replaced = match (before, firing.overlap) {
        (None, _) | (_, Overlap::Allow) => None,
        (Some(at_work), Overlap::Forbid) => {
            leave_out(&mut tx, firing, at_work).await?;
            tx.commit().await?;
            return Ok(Fired::LeftOut(at_work));
        }
        (Some(at_work), Overlap::Replace) => Some(at_work),
    };
    if let Some(at_work) = replaced {
        journal::cancel_in(&mut tx, at_work, &run.owner).await?;
    }
    journal::submit_in(&mut tx, &run, now).await?;
    tidy(&mut tx, firing).await?;
    tx.commit().await?;
    if let Some(at_work) = replaced {
        store.remembered().forget(at_work);
    }
    Ok(Fired::Run { run: run.id, replaced })
}

fn early(firing: &Firing, now: Timestamp) -> Option<Duration> {
    Duration::try_from(firing.due_at.duration_since(now)).ok().filter(|it| !it.is_zero())
}

/// Holds everyone else who fires this trigger back until this transaction ends; not when the trigger is gone.
async fn is_turn(tx: &mut Tx, firing: &Firing) -> Result<bool, StoreError> {
    let update = "UPDATE schedule SET since = CASE WHEN since < $4 THEN $4 ELSE since END \
                  WHERE project = $1 AND function = $2 AND name = $3";
    let mut values = of(&firing.trigger);
    values.extend(args![firing.at]);
    Ok(tx.execute(update, values).await? == 1)
}

/// Whether there was none of that moment.
async fn insert(tx: &mut Tx, firing: &Firing, run: RunId, now: Timestamp) -> Result<bool, StoreError> {
    let insert = "INSERT INTO firing (project, function, name, moment, run, fired_at) VALUES ($1, $2, $3, $4, $5, $6) \
                  ON CONFLICT DO NOTHING";
    let mut values = of(&firing.trigger);
    values.extend(args![firing.at, run, now]);
    Ok(tx.execute(insert, values).await? == 1)
}

/// The run of the firing before, if it is still at work.
async fn before(tx: &mut Tx, trigger: &TriggerId, at: Timestamp) -> Result<Option<RunId>, StoreError> {
    let select = "SELECT f.run, r.state FROM firing f JOIN run r ON r.id = f.run WHERE f.project = $1 AND f.function = $2 \
                  AND f.name = $3 AND f.moment < $4 ORDER BY f.moment DESC LIMIT 1";
    let mut values = of(trigger);
    values.extend(args![at]);
    let Some(row) = tx.row(select, values).await? else { return Ok(None) };
    let state: RunState = row.word("state")?;
    if state.is_over() { Ok(None) } else { row.get("run").map(Some) }
}

async fn leave_out(tx: &mut Tx, firing: &Firing, at_work: RunId) -> Result<(), StoreError> {
    let update = "UPDATE firing SET run = NULL, left_out_for = $5 WHERE project = $1 AND function = $2 AND name = $3 AND moment = $4";
    let mut values = of(&firing.trigger);
    values.extend(args![firing.at, at_work]);
    tx.execute(update, values).await.map(drop)
}

/// Forgets firings that are too old to be asked for again. The run before this one stays known while it is at work.
async fn tidy(tx: &mut Tx, firing: &Firing) -> Result<(), StoreError> {
    let delete = "DELETE FROM firing WHERE project = $1 AND function = $2 AND name = $3 AND moment < $4";
    let mut values = of(&firing.trigger);
    values.extend(args![firing.oldest.min(firing.at)]);
    tx.execute(delete, values).await.map(drop)
}
