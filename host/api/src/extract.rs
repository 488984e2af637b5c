//! Reading requests: what does not fit is refused as a problem that names the field.

use axum::extract::{FromRequest, FromRequestParts, Request, rejection};
use host_core::{
    body::{Unread, Whole},
    event::code,
};
use http::StatusCode;
use serde::de::DeserializeOwned;

use crate::{
    AppState,
    body::{self, Refused},
    problem::Problem,
};

/// A JSON body.
pub(crate) struct InBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<AppState> for InBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (head, body) = request.into_parts();
        let read = body::read(state, body, state.config().max_json.0).await.map_err(|refused| match refused {
            Refused::Unread(Unread::TooLarge(_)) => too_large(),
            other => other.into(),
        });
        let Whole { bytes, held: _held } = read?;
        let request = Request::from_parts(head, bytes.into());
        Ok(Self(axum::Json::<T>::from_request(request, state).await?.0))
    }
}

/// The parameters of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(crate) struct InPath<T>(pub(crate) T);

/// The parameters of the query.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub(crate) struct InQuery<T>(pub(crate) T);

impl From<rejection::JsonRejection> for Problem {
    fn from(rejection: rejection::JsonRejection) -> Self {
        match rejection {
            rejection::JsonRejection::JsonDataError(error) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-body", told(&error.body_text()))
            }
            rejection::JsonRejection::JsonSyntaxError(error) => {
                Self::new(StatusCode::BAD_REQUEST, "bad-json", told(&error.body_text()))
            }
            rejection::JsonRejection::MissingJsonContentType(_) => {
                Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "the body is not said to be JSON")
                    .hint("send it with `content-type: application/json`")
            }
            other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => too_large(),
            other => Self::new(StatusCode::BAD_REQUEST, "broken-body", other.body_text()),
        }
    }
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, code::TOO_LARGE, "the body is larger than this host takes")
        .hint("raise `max_json` under [api] in the configuration")
}

/// What axum says, without its preamble: `limit: invalid digit…`.
fn told(text: &str) -> String {
    text.split_once(": ").map_or(text, |(_, rest)| rest).to_owned()
}

impl From<rejection::PathRejection> for Problem {
    fn from(rejection: rejection::PathRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-path", told(&rejection.body_text()))
    }
}

impl From<rejection::QueryRejection> for Problem {
    fn from(rejection: rejection::QueryRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-query", told(&rejection.body_text()))
    }
}
