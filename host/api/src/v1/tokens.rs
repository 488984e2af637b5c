//! Tokens: who may ask this host for what.

use host_core::identity::Denied;
use host_store::TokenError;
use http::StatusCode;

use crate::problem::Problem;

pub(super) mod create;
pub(super) mod list;
pub(super) mod revoke;

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        let detail = error.to_string();
        match error {
            TokenError::Taken(name) => Self::new(StatusCode::CONFLICT, "taken", detail)
                .hint(format!("choose another name, or fn tokens revoke {name}")),
            TokenError::Expired(_) => Self::unprocessable("expired", detail).hint("let it last longer, such as 30d"),
            TokenError::TooMany(_) => Self::new(StatusCode::CONFLICT, "too-many-tokens", detail)
                .hint("fn tokens list; revoke some, or raise max_tokens under [api] in the configuration"),
            TokenError::NoRandomness(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail),
            TokenError::Store(error) => error.into(),
        }
    }
}

/// Tokens of every project are for those who administer every project.
fn check(caller: &host_core::identity::Principal, project: Option<&host_core::Name>) -> Result<(), Denied> {
    project.map_or_else(|| caller.check_everywhere(), |project| caller.check_project(project.as_str()))
}
