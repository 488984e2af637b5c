//! Takes away what nobody needs any more: runs, revisions and uploads that a policy lets go, then the bytes that nothing
//! names.
//!
//! Rows go first and bytes last, so that a row never names bytes that are gone. Bytes are marked by reading everything
//! that is kept, and taken away group by group; each group is looked at once more in the transaction that condemns it.
//! What is young, or was wanted lately, or was written since the oldest running step began, is never condemned: its
//! name may still be on its way into a row.

mod apply;
mod keeper;
mod mark;
mod plan;
mod policy;
mod report;
mod sweep;

pub(crate) use keeper::{Keeper, Kept, mention, refer};
pub use policy::Policy;
pub use report::{Group, Item, Report, Tally};

use crate::{ArtifactStore, Store, StoreError, audit::HostDeed, sql::args};
use host_core::ports::ArtifactError;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// How far the clocks of a database and of a store of bytes may be apart.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

/// Why nothing, or not everything, was taken away.
#[derive(Debug, thiserror::Error)]
pub enum GcError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store of the bytes failed.
    #[error(transparent)]
    Bytes(#[from] ArtifactError),
    /// This process has no bytes to speak of.
    #[error("this host has no artifact store")]
    NoArtifacts,
}

/// Before when bytes must have been written and wanted to go.
#[derive(Debug, Clone, Copy)]
struct Moments {
    now: Timestamp,
    cutoff: Timestamp,
}

impl Store {
    /// Says what `policy` lets go, and with `apply` takes it away.
    ///
    /// # Errors
    /// When the database or the store of the bytes does not answer. What was taken away by then stays so; the rest goes
    /// the next time.
    pub async fn gc(&self, policy: &Policy, apply: bool, who: &str) -> Result<Report, GcError> {
        let artifacts = self.artifacts_at_hand().ok_or(GcError::NoArtifacts)?;
        let moments = self.moments(policy).await?;
        // On the heap, because the parts are large and the threads that drive them are small.
        let plan = Box::pin(plan::make(self, policy, moments)).await?;
        let mut report = plan.report(apply);
        let needed = if apply {
            Box::pin(apply::rows(self, &plan, policy, moments, &mut report)).await?
        } else {
            plan.needed.clone()
        };
        Box::pin(sweep::bytes(self, artifacts, &plan, &needed, moments, &mut report)).await?;
        if apply {
            Box::pin(self.tidy_up(artifacts, moments)).await?;
            Box::pin(self.note(&report, who)).await?;
        }
        Ok(report)
    }

    async fn moments(&self, policy: &Policy) -> Result<Moments, StoreError> {
        let now = self.db().now().await?;
        let grace = now.checked_sub(policy.grace()).unwrap_or(Timestamp::MIN);
        let oldest = "SELECT MIN(started_at) AS at FROM step WHERE lease_until IS NOT NULL AND state = 'running'";
        let running: Option<Timestamp> = match self.db().row(oldest, vec![]).await? {
            Some(row) => row.get("at")?,
            None => None,
        };
        let running = running.map(|at| at.checked_sub(SKEW).unwrap_or(Timestamp::MIN));
        Ok(Moments { now, cutoff: running.map_or(grace, |running| running.min(grace)) })
    }

    /// Forgets what was noted of bytes, once it says nothing any more.
    async fn tidy_up(&self, artifacts: &ArtifactStore, moments: Moments) -> Result<(), StoreError> {
        artifacts.clean(moments.now).await;
        let mut tx = self.begin().await?;
        let old = moments.cutoff.checked_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
        let delete = "DELETE FROM stored_bytes WHERE wanted_at < $1 AND (condemned_at IS NULL OR removed_at < $1)";
        tx.execute(delete, args![old]).await?;
        tx.commit().await
    }

    async fn note(&self, report: &Report, who: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        let details = json!({
            "runs": report.runs.count, "revisions": report.revisions.count, "uploads": report.uploads.count,
            "artifacts": report.artifacts.count, "bytes": report.artifacts.bytes,
        });
        HostDeed { who, action: "gc.applied", subject: "artifacts" }.record(&mut tx, None, now, details).await?;
        tx.commit().await
    }
}
