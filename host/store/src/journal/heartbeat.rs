//! Prolongs leases, and tells which are lost.

use std::time::Duration;

use host_core::{id::HostId, run::StepKey};

use super::claim::until;
use crate::{Store, StoreError, sql::args, steps::trial};

/// One transaction per lease: taken together they could wait in a circle with a change of their run.
pub(super) async fn heartbeat(
    store: &Store,
    host: HostId,
    claims: &[(StepKey, u32)],
    lease: Duration,
) -> Result<Vec<StepKey>, StoreError> {
    let mut lost = Vec::new();
    for (key, attempt) in claims {
        let mut tx = store.begin().await?;
        let until = until(tx.now().await?, lease);
        let update = "UPDATE step SET lease_until = $1 WHERE run = $2 AND step = $3 AND trial = $4 AND attempt = $5 AND host = $6 \
                      AND state = 'running'";
        let args = args![until, key.run, key.step.as_str(), trial(key.trial), *attempt, host];
        if tx.execute(update, args).await? == 0 {
            lost.push(key.clone());
        }
        tx.commit().await?;
    }
    Ok(lost)
}
