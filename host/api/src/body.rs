//! Bodies that are read whole: each within its own bound and in time, all together within what the host holds.

use axum::body::Body;
use host_core::{
    body::{self, Unread, Whole},
    event::code,
};
use http::StatusCode;

use crate::{AppState, problem::Problem};

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// It is too large, does not fit beside the others, or broke off.
    #[error(transparent)]
    Unread(#[from] Unread),
    /// It did not come in time.
    #[error("body did not arrive in time")]
    Slow,
}

/// Reads a body of at most `most` bytes. What it holds of the host's budget is given back when the answer is dropped.
pub(crate) async fn read(state: &AppState, body: Body, most: u64) -> Result<Whole, Refused> {
    let longest = state.config().upload_pause.duration();
    let read = tokio::time::timeout(longest, body::read(body, most, &state.bodies)).await;
    Ok(read.map_err(|_| Refused::Slow)??)
}

impl Refused {
    /// What it is over HTTP.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Unread(Unread::TooLarge(_)) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unread(Unread::Exhausted(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unread(Unread::Broken) => StatusCode::BAD_REQUEST,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
        }
    }

    /// When it may go better, in seconds.
    pub(crate) fn retry_after_s(&self) -> Option<u32> {
        matches!(self, Self::Unread(Unread::Exhausted(_))).then_some(1)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let code = match &refused {
            Refused::Unread(Unread::TooLarge(_)) => code::TOO_LARGE,
            Refused::Unread(Unread::Exhausted(_)) => "bodies-full",
            Refused::Unread(Unread::Broken) => "broken-body",
            Refused::Slow => "slow-body",
        };
        match refused.retry_after_s() {
            Some(seconds) => Self::new(refused.status(), code, refused.to_string())
                .hint("raise `buffered` under [http] in the configuration, or send less at once")
                .retry_after_s(seconds),
            None => Self::new(refused.status(), code, format!("the {refused}")),
        }
    }
}
