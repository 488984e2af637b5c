//! Bodies on their way into the artifact store.

use axum::body::Body;
use futures_util::{StreamExt, stream};
use host_core::ports::{ArtifactError, ArtifactStream};
use tokio::sync::SemaphorePermit;

use crate::{AppState, problem::Problem};

/// A place among those who upload.
pub(crate) fn place(state: &AppState) -> Result<SemaphorePermit<'_>, Problem> {
    state.uploads().try_acquire().map_err(|_| Problem::busy("this host takes no more uploads at a time"))
}

/// The bytes of a body, as long as they keep coming.
pub(crate) fn bytes(state: &AppState, body: Body) -> ArtifactStream {
    let pause = state.config().upload_pause.duration();
    let chunks = body.into_data_stream();
    stream::unfold(Some(chunks), move |chunks| async move {
        let mut chunks = chunks?;
        match tokio::time::timeout(pause, chunks.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(chunks))),
            Ok(Some(Err(error))) => Some((Err(ArtifactError::Source(error.to_string())), None)),
            Err(_) => Some((Err(ArtifactError::Source("nothing came for too long".into())), None)),
        }
    })
    .boxed()
}
