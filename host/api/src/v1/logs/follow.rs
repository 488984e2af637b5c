//! `GET /api/v1/projects/{project}/logs/follow`: log lines as they come, as server-sent events.
//!
//! A client that comes back with `Last-Event-ID` goes on after that line. Lines are read from the store first and
//! then taken as they come; whoever lags behind is sent to the store again, so that no line is missed.

use std::{collections::HashSet, sync::Arc, time::Duration};

use axum::{extract::State, response::Response};
use host_core::{CallId, Name, RunId, page::PageRequest};
use host_store::{LogFilter, Order, StoredLine};
use host_wire::log::{Level, LogLine};
use http::HeaderMap;
use serde::Deserialize;
use tokio::sync::broadcast::{self, error::RecvError};
use utoipa::IntoParams;

use crate::{
    AppState,
    extract::{InPath, InQuery},
    followers::{self, Gone, Sender},
    problem::Problem,
};

/// How many lines are read from the store at a time.
const AT_A_TIME: u32 = 500;
/// How many waiting lines are taken up before they are sorted out against the store's.
const REMEMBERED: usize = 5_000;

/// Which lines are followed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Only those of this function.
    #[param(value_type = Option<String>)]
    function: Option<Name>,
    /// Only those of this call.
    #[param(value_type = Option<String>)]
    call: Option<CallId>,
    /// Only those of this run; the stream ends when the run is over.
    #[param(value_type = Option<String>)]
    run: Option<RunId>,
    /// Only those of this step of the run, `name` or `name#trial`.
    step: Option<String>,
    /// Only those as loud as this, or louder.
    #[param(inline)]
    level: Option<Level>,
    /// How many earlier lines to begin with.
    tail: Option<u32>,
}

/// Follows log lines: events of name `line`, the line as JSON; `end` when the followed run is over.
#[utoipa::path(get, path = "/api/v1/projects/{project}/logs/follow", tag = "logs", operation_id = "follow_logs",
    params(("project" = String, Path), Query, ("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, content_type = "text/event-stream", body = LogLine)))]
pub(crate) async fn follow(
    State(state): State<AppState>,
    InPath(project): InPath<Name>,
    InQuery(query): InQuery<Query>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let last = headers.get("last-event-id").and_then(|it| it.to_str().ok()).map(str::to_owned);
    // From before the store is read, so that nothing falls between.
    let live = state.store.follow_logs();
    let run = query.run;
    let filter = super::filter(query.function, query.call, query.run, query.step, query.level);
    let last = match (last, query.tail) {
        (Some(last), _) => Some(last),
        (None, None) => newest(&state, &project, &LogFilter::default()).await?,
        (None, Some(tail)) => before_tail(&state, &project, &filter, tail).await?,
    };
    let follower = Follower { state: state.clone(), project, filter, run, last, sent: HashSet::new() };
    followers::follow(&state, move |sender| follower.run(live, sender))
}

/// The place of the last line there is.
async fn newest(state: &AppState, project: &Name, filter: &LogFilter) -> Result<Option<String>, Problem> {
    state.store.recorder().flush().await;
    let one = PageRequest { limit: Some(1), after: None };
    let page = state.store.logs(project, filter, Order::NewestFirst, &one).await?;
    Ok(page.items.into_iter().next().map(|it| it.id))
}

/// The place before the last `tail` lines.
async fn before_tail(
    state: &AppState,
    project: &Name,
    filter: &LogFilter,
    tail: u32,
) -> Result<Option<String>, Problem> {
    if tail == 0 {
        return newest(state, project, &LogFilter::default()).await;
    }
    state.store.recorder().flush().await;
    // A page has one line more than the longest tail, by which the place before it is known.
    let tail = tail.min(PageRequest::MOST - 1);
    let one_more = PageRequest { limit: Some(tail + 1), after: None };
    let page = state.store.logs(project, filter, Order::NewestFirst, &one_more).await?;
    Ok(page.items.into_iter().nth(tail as usize).map(|it| it.id))
}

/// One that follows.
struct Follower {
    state: AppState,
    project: Name,
    filter: LogFilter,
    run: Option<RunId>,
    /// The last line sent from the store.
    last: Option<String>,
    /// Lines sent from the store that may come again as they come.
    sent: HashSet<String>,
}

impl Follower {
    async fn run(mut self, mut live: broadcast::Receiver<Arc<StoredLine>>, sender: Sender) -> Result<(), Gone> {
        self.catch_up(&sender).await?;
        let mut looks =
            tokio::time::interval(self.state.config().follow_every.duration().max(Duration::from_millis(10)));
        loop {
            tokio::select! {
                () = sender.gone() => return Err(Gone),
                line = live.recv() => match line {
                    Ok(line) => self.send_live(&sender, &line).await?,
                    Err(RecvError::Lagged(_)) => self.catch_up(&sender).await?,
                    Err(RecvError::Closed) => return Ok(()),
                },
                _ = looks.tick(), if self.run.is_some() => {
                    if self.is_over().await {
                        self.catch_up(&sender).await?;
                        return sender.send("end", None, &serde_json::json!({})).await;
                    }
                }
            }
        }
    }

    /// Sends what the store has after the last line.
    async fn catch_up(&mut self, sender: &Sender) -> Result<(), Gone> {
        self.state.store.recorder().flush().await;
        loop {
            let page = PageRequest { limit: Some(AT_A_TIME), after: self.last.clone() };
            let page = match self.state.store.logs(&self.project, &self.filter, Order::OldestFirst, &page).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "could not read log lines for a follower");
                    return Ok(());
                }
            };
            if self.sent.len() > REMEMBERED {
                self.sent.clear();
            }
            for stored in page.items {
                self.last = Some(stored.id.clone());
                if self.sent.insert(stored.id.clone()) {
                    let line = super::line(stored);
                    sender.send("line", Some(&line.id), &line).await?;
                }
            }
            if page.next.is_none() {
                return Ok(());
            }
        }
    }

    async fn send_live(&mut self, sender: &Sender, stored: &Arc<StoredLine>) -> Result<(), Gone> {
        let wanted = stored.line.project == self.project && self.filter.accepts(&stored.line);
        if !wanted || !self.sent.insert(stored.id.clone()) {
            return Ok(());
        }
        if self.last.as_ref().is_none_or(|last| *last < stored.id) {
            self.last = Some(stored.id.clone());
        }
        let line: LogLine = super::line(StoredLine::clone(stored));
        sender.send("line", Some(&line.id), &line).await
    }

    async fn is_over(&self) -> bool {
        let Some(run) = self.run else { return false };
        self.state.runs.journal().run(run).await.is_ok_and(|it| it.state.is_over())
    }
}
