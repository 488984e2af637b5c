//! `GET /api/v1/projects/{project}/runs/{id}/events`: a run as it goes on, as server-sent events.

use std::{collections::HashMap, time::Duration};

use axum::{extract::State, response::Response};
use host_core::{Name, RunId, run::StepKey};
use host_wire::{run::Run, step::Step};
use serde_json::{Value, json};

use crate::{
    AppState,
    extract::InPath,
    followers::{self, Gone, Sender},
    problem::Problem,
};

/// Follows a run: `run` and `step` events, each with its whole present state; `end` when it is over. A client that
/// comes back begins with the present state of everything.
#[utoipa::path(get, path = "/api/v1/projects/{project}/runs/{id}/events", tag = "runs", operation_id = "follow_run",
    params(("project" = String, Path), ("id" = String, Path)),
    responses((status = 200, content_type = "text/event-stream", body = Step), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn events(
    State(state): State<AppState>,
    InPath((project, id)): InPath<(Name, RunId)>,
) -> Result<Response, Problem> {
    super::find(&state, &project, id).await?;
    let follower = Follower { state: state.clone(), id, run: Value::Null, steps: HashMap::new() };
    followers::follow(&state, move |sender| follower.run(sender))
}

/// One that follows, with what it has told.
struct Follower {
    state: AppState,
    id: RunId,
    run: Value,
    steps: HashMap<StepKey, Value>,
}

impl Follower {
    async fn run(mut self, sender: Sender) -> Result<(), Gone> {
        let every = self.state.config().follow_every.duration().max(Duration::from_millis(10));
        let mut looks = tokio::time::interval(every);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = sender.gone() => return Err(Gone),
                _ = looks.tick() => {}
            }
            if self.look(&sender).await? {
                return sender.send("end", None, &json!({})).await;
            }
        }
    }

    /// Tells what changed, and whether the run is over.
    async fn look(&mut self, sender: &Sender) -> Result<bool, Gone> {
        let journal = self.state.runs.journal();
        // The run first: its last steps are settled in the same transaction that ends it.
        let (run, steps) = match (journal.run(self.id).await, journal.steps(self.id).await) {
            (Ok(run), Ok(steps)) => (run, steps),
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(%error, run = %self.id, "could not look at a run for a follower");
                return Ok(false);
            }
        };
        let is_over = run.state.is_over();
        for step in steps {
            let key = step.key.clone();
            // Plain values always serialise.
            let now = serde_json::to_value(Step::from(step)).unwrap_or_default();
            if self.steps.get(&key) != Some(&now) {
                sender.send("step", None, &now).await?;
                self.steps.insert(key, now);
            }
        }
        let now = serde_json::to_value(Run::from(run)).unwrap_or_default();
        if self.run != now {
            sender.send("run", None, &now).await?;
            self.run = now;
        }
        Ok(is_over)
    }
}
