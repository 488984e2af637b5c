//! Keeps web pages out: without tokens, any page a browser shows could otherwise deploy.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use host_core::identity::Demand;
use http::{HeaderMap, StatusCode, Uri, header};
use marketplace::registry::{self, Registry};

use crate::{AppState, problem::Problem, v2::Refusal};

/// Lets a request pass that names this machine as its host and comes from no other site's page.
pub(crate) async fn same_site(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match check(&state, &request) {
        Ok(()) => next.run(request).await,
        Err(stranger) => stranger.problem().into_response(),
    }
}

/// The same for the inference protocol, whose errors have a form of their own.
pub(crate) async fn same_site_inference(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match check(&state, &request) {
        Ok(()) => next.run(request).await,
        Err(stranger) if Registry::owns(request.uri().path()) => {
            registry::Refusal::denied(stranger.to_string()).into_response()
        }
        Err(stranger) => Refusal::new(StatusCode::FORBIDDEN, stranger.to_string()).into_response(),
    }
}

/// Who may not ask.
#[derive(Debug, thiserror::Error)]
enum Stranger {
    /// It takes this machine for another: a page whose name was made to resolve here.
    #[error("`{0}` is not a name of this host's control plane (`hosts` under [api] lists others)")]
    Host(String),
    /// A page of another site.
    #[error("pages of other sites may not use the control plane")]
    Origin,
}

impl Stranger {
    fn problem(self) -> Problem {
        match &self {
            Self::Host(host) => {
                let detail = format!("`{host}` is not a name of this host's control plane");
                Problem::new(StatusCode::FORBIDDEN, "unknown-host", detail)
                    .hint(format!("add \"{}\" to `hosts` under [api] in the configuration", bare(host)))
            }
            Self::Origin => Problem::new(StatusCode::FORBIDDEN, "other-origin", self.to_string()),
        }
    }
}

fn check(state: &AppState, request: &Request) -> Result<(), Stranger> {
    if state.access.demand == Demand::Tokens {
        // A page has no token to show, and the host goes by whatever name its people gave it.
        return Ok(());
    }
    let host = authority(request.uri(), request.headers());
    if let Some(host) = &host
        && !is_known(host, &state.config().hosts)
    {
        return Err(Stranger::Host(host.clone()));
    }
    let origin = request.headers().get(header::ORIGIN).map(|it| it.to_str().unwrap_or_default());
    let from = origin.map(|it| it.split_once("://").map_or(it, |(_, authority)| authority).to_owned());
    if from.is_some() && from != host { Err(Stranger::Origin) } else { Ok(()) }
}

fn authority(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let named = uri.authority().map(|it| it.as_str());
    named.or_else(|| headers.get(header::HOST)?.to_str().ok()).map(str::to_owned)
}

/// A name that resolves to this machine whatever a name server says, or one that was configured.
fn is_known(host: &str, configured: &[String]) -> bool {
    let host = bare(host);
    let is_loopback = host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback());
    is_loopback || host == "localhost" || configured.iter().any(|it| it == host)
}

/// Without the port, and an IPv6 address without its brackets.
fn bare(host: &str) -> &str {
    if let Some(inside) = host.strip_prefix('[') {
        return inside.split(']').next().unwrap_or(inside);
    }
    host.split(':').next().unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_and_configured_ones_are_known() {
        for host in ["localhost", "localhost:7070", "127.0.0.1:80", "127.1.2.3", "[::1]:7070", "weft.example:443"] {
            assert!(is_known(host, &["weft.example".into()]), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "10.0.0.1", "[::2]", ""] {
            assert!(!is_known(host, &["weft.example".into()]), "{host}");
        }
    }
}
