//! Those who follow something: server-sent events from a task of their own.

use std::convert::Infallible;

use axum::response::{
    IntoResponse, Response,
    sse::{Event, KeepAlive, Sse},
};
use futures_util::StreamExt;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::{AppState, problem::Problem};

/// How many events may wait for a slow client before its follower waits, too.
const WAITING: usize = 64;

/// Where a follower sends what it sees.
pub(crate) struct Sender(mpsc::Sender<Event>);

/// The client went away.
pub(crate) struct Gone;

impl Sender {
    /// Sends an event; its id is what the client names when it comes back.
    pub(crate) async fn send(&self, name: &str, id: Option<&str>, content: &impl Serialize) -> Result<(), Gone> {
        // Plain values always serialise.
        let json = serde_json::to_string(content).unwrap_or_default();
        let event = Event::default().event(name).data(json);
        let event = id.into_iter().fold(event, |event, id| event.id(id));
        self.0.send(event).await.map_err(|_| Gone)
    }

    /// Resolves when the client went away.
    pub(crate) async fn gone(&self) {
        self.0.closed().await;
    }
}

/// Starts a follower, unless there are too many. It ends when the host shuts down.
pub(crate) fn follow<F>(state: &AppState, follower: impl FnOnce(Sender) -> F) -> Result<Response, Problem>
where
    F: Future<Output = Result<(), Gone>> + Send + 'static,
{
    let place = state.followers().clone().try_acquire_owned();
    let place = place.map_err(|_| Problem::busy("this host is followed by as many as it takes"))?;
    let (sender, receiver) = mpsc::channel(WAITING);
    let (follower, stop) = (follower(Sender(sender)), state.stop.clone());
    tokio::spawn(async move {
        let _place = place;
        // Ended by the client, by the follower itself, or because the host stops: the stream ends in each case.
        let _ = stop.run_until_cancelled(follower).await;
    });
    let events = ReceiverStream::new(receiver).map(Ok::<_, Infallible>);
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}
