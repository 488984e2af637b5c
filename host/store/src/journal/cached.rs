//! Finds equal work that is done.

use host_core::{Digest, Name, RunId, run::StepResult};

use crate::{
    Store, StoreError,
    sql::args,
    steps::{self, select_step},
};

pub(super) async fn cached(
    store: &Store,
    project: &Name,
    key: &Digest,
) -> Result<Option<(RunId, StepResult)>, StoreError> {
    let sql = select_step!(
        "WHERE s.project = $1 AND s.cache_key = $2 AND s.state = 'done' ORDER BY s.finished_at DESC LIMIT 1"
    );
    let row = store.db().row(sql, args![project, key]).await?;
    row.map(|row| steps::read(&row).map(steps::result)).transpose()
}
