//! On whose behalf a request is made.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

/// The longest name that is taken.
const LONGEST: usize = 100;

/// Who asks. This host has no tokens yet, so the name is what the client says, and `local` where it says nothing.
pub(crate) struct Principal(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let said = parts.headers.get("x-weft-user").and_then(|it| it.to_str().ok()).map(str::trim);
        let name = said.filter(|it| !it.is_empty() && it.len() <= LONGEST).unwrap_or("local");
        Ok(Self(name.to_owned()))
    }
}
