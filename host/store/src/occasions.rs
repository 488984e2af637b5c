//! Firings of the clock and events of the platform, each written with the runs that it starts.

mod fire;
mod take;

use async_trait::async_trait;
use host_core::{
    Name,
    ports::{Fired, Firing, OccasionError, Occasions, Told, TriggerId},
    run::NewRun,
};
use jiff::Timestamp;

use crate::{
    Store, StoreError,
    sql::{Arg, Tx, args},
};

impl From<StoreError> for OccasionError {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

#[async_trait]
impl Occasions for Store {
    async fn since(&self, trigger: &TriggerId, says: &str) -> Result<Timestamp, OccasionError> {
        Ok(since(self, trigger, says).await?)
    }

    async fn fire(&self, firing: &Firing, run: NewRun) -> Result<Fired, OccasionError> {
        Ok(fire::fire(self, firing, run).await?)
    }

    async fn told(&self, after: Option<&Told>, most: u32) -> Result<Vec<Told>, OccasionError> {
        Ok(take::told(self, after, most).await?)
    }

    async fn pass(&self, ids: &[String]) -> Result<(), OccasionError> {
        Ok(take::pass(self, ids).await?)
    }

    async fn take(&self, told: &Told, runs: Vec<NewRun>, stopped: Vec<String>) -> Result<bool, OccasionError> {
        Ok(take::take(self, told, runs, stopped).await?)
    }
}

/// A schedule that says something else begins anew: what it said before was never missed.
async fn since(store: &Store, trigger: &TriggerId, says: &str) -> Result<Timestamp, StoreError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    let upsert = "INSERT INTO schedule (project, function, name, says, since) VALUES ($1, $2, $3, $4, $5) \
                  ON CONFLICT (project, function, name) DO UPDATE SET says = excluded.says, since = excluded.since \
                  WHERE schedule.says <> excluded.says";
    let mut values = of(trigger);
    values.extend(args![says, now]);
    tx.execute(upsert, values).await?;
    let select = "SELECT since FROM schedule WHERE project = $1 AND function = $2 AND name = $3";
    let since = tx.row(select, of(trigger)).await?.map_or(Ok(now), |row| row.get("since"))?;
    tx.commit().await?;
    Ok(since)
}

/// Whose schedules they are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of {
    Function,
    Pipeline,
}

/// Forgets the schedules of what is taken out of service: when it comes back, nothing was missed.
pub(crate) async fn forget(tx: &mut Tx, of: Of, project: &Name, name: &Name) -> Result<(), StoreError> {
    let [schedules, firings] = match of {
        Of::Function => [
            "DELETE FROM schedule WHERE project = $1 AND function = $2 AND name NOT LIKE 'pipeline.%'",
            "DELETE FROM firing WHERE project = $1 AND function = $2 AND name NOT LIKE 'pipeline.%'",
        ],
        Of::Pipeline => [
            "DELETE FROM schedule WHERE project = $1 AND function = $2 AND name LIKE 'pipeline.%'",
            "DELETE FROM firing WHERE project = $1 AND function = $2 AND name LIKE 'pipeline.%'",
        ],
    };
    tx.execute(schedules, args![project, name]).await?;
    tx.execute(firings, args![project, name]).await.map(drop)
}

/// Forgets the schedules that somebody stays without: those of any other name. Should one come back, nothing was missed.
pub(crate) async fn forget_others(
    tx: &mut Tx,
    of: Of,
    (project, name): (&Name, &Name),
    stay: &[String],
) -> Result<(), StoreError> {
    let pattern = match of {
        Of::Function => "SELECT name FROM schedule WHERE project = $1 AND function = $2 AND name NOT LIKE 'pipeline.%'",
        Of::Pipeline => "SELECT name FROM schedule WHERE project = $1 AND function = $2 AND name LIKE 'pipeline.%'",
    };
    for row in tx.rows(pattern, args![project, name]).await? {
        let trigger: String = row.get("name")?;
        if stay.contains(&trigger) {
            continue;
        }
        let schedule = "DELETE FROM schedule WHERE project = $1 AND function = $2 AND name = $3";
        tx.execute(schedule, args![project, name, trigger.as_str()]).await?;
        let firings = "DELETE FROM firing WHERE project = $1 AND function = $2 AND name = $3";
        tx.execute(firings, args![project, name, trigger.as_str()]).await?;
    }
    Ok(())
}

fn of(trigger: &TriggerId) -> Vec<Arg> {
    args![&trigger.project, &trigger.function, trigger.name.as_str()]
}
