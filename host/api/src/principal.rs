//! On whose behalf a request is made.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use host_core::identity;
use http::request::Parts;

/// The name of whoever asks.
pub(crate) struct Principal(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let Caller(principal) = Caller::from_request_parts(parts, state).await?;
        Ok(Self(principal.name))
    }
}

/// Whoever asks, with all that is known of them.
pub(crate) struct Caller(pub(crate) identity::Principal);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Absent only where everybody may ask; there, nothing is done in anybody's name.
        let principal = parts.extensions.get::<identity::Principal>().cloned();
        Ok(Self(
            principal.unwrap_or(identity::Principal { role: identity::Role::Viewer, ..identity::Principal::local() }),
        ))
    }
}
