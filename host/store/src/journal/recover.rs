//! Steps whose host has gone: given back, or failed once they have taken enough hosts with them.

use std::collections::BTreeMap;

use host_core::{
    RunId,
    event::Failure,
    pipeline::StepState,
    run::{StepKey, StepResult},
};

use super::{
    Turn, load,
    memory::Known,
    settle::{Ending, end},
    track::Before,
    turn,
};
use crate::{
    Store, StoreError,
    sql::{Db, Tx, args},
    steps,
};

/// How many leases one call looks at.
const AT_ONCE: i64 = 1_000;
/// How often a step may be claimed at least: a host that was restarted is no fault of a step that is never to be retried.
const CLAIMS: u32 = 3;

/// Ends every lease: for a database that one process owns, whose last owner is gone.
pub(crate) async fn expire_all(db: &Db) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    tx.execute("UPDATE step SET lease_until = 0 WHERE lease_until IS NOT NULL", vec![]).await?;
    tx.commit().await
}

pub(super) async fn recover(store: &Store) -> Result<u64, StoreError> {
    let mut recovered = 0;
    for (run, keys) in lost(store).await? {
        let mut tx = store.begin().await?;
        let Some(turn) = turn(&mut tx, run).await? else { continue };
        let mut known = load(&mut tx, run, turn.changes).await?;
        for key in &keys {
            recovered += u64::from(give_back(&mut tx, &mut known, key, turn).await?);
        }
        tx.commit().await?;
    }
    Ok(recovered)
}

async fn lost(store: &Store) -> Result<BTreeMap<RunId, Vec<StepKey>>, StoreError> {
    let now = store.db().now().await?;
    let sql = "SELECT run, step, trial FROM step WHERE lease_until IS NOT NULL AND lease_until <= $1 ORDER BY lease_until LIMIT $2";
    let rows = store.db().rows(sql, args![now, AT_ONCE]).await?;
    let mut lost: BTreeMap<RunId, Vec<StepKey>> = BTreeMap::new();
    for row in &rows {
        let key = steps::read_key(row)?;
        lost.entry(key.run).or_default().push(key);
    }
    Ok(lost)
}

/// Whether the lease was still lost when the run was held.
async fn give_back(tx: &mut Tx, known: &mut Known, key: &StepKey, turn: Turn) -> Result<bool, StoreError> {
    let sql = "UPDATE step SET host = NULL, lease_until = NULL WHERE run = $1 AND step = $2 AND trial = $3 AND state = 'running' \
               AND lease_until <= $4 RETURNING attempt, attempts_before, params, results";
    let row = tx.row(sql, args![key.run, key.step.as_str(), steps::trial(key.trial), turn.now]).await?;
    let Some(row) = row else { return Ok(false) };
    let claims = row.get::<u32>("attempt")?.saturating_sub(row.get("attempts_before")?);
    let allowed = known.run.pipeline.steps.get(&key.step).map_or(0, |step| step.retry.attempts).max(CLAIMS);
    if claims < allowed {
        let update = "UPDATE step SET state = 'ready', ready_at = $1 WHERE run = $2 AND step = $3 AND trial = $4";
        tx.execute(update, args![turn.now, key.run, key.step.as_str(), steps::trial(key.trial)]).await?;
    } else {
        let failure = Failure::transient("host-lost", format!("its host was gone {claims} times while it ran"));
        let result = StepResult::default();
        let ending = Ending { state: StepState::Failed, failure: Some(failure), result, before: Before::read(&row)? };
        end(tx, known, key, ending, turn.now).await?;
    }
    Ok(true)
}
