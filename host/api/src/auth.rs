//! Who may do what. Every request of the control plane and of the inference protocol passes here before its handler.

use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use host_core::{
    Name,
    identity::{Demand, Denied, Principal, Role, bearer},
    pipeline::{Action, Pipeline, Step},
    ports::{TokenRefusal, Tokens as _},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use marketplace::registry::{self, Registry};

use crate::{AppState, problem::Problem, v2::Refusal};

mod rules;

pub(crate) use rules::declare;
use rules::{Reach, Rule};

/// The longest name that is taken from a client of a host that demands no tokens.
const LONGEST_NAME: usize = 100;

/// Why a request does not reach its handler.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// It shows no token.
    #[error("this host wants to know who asks, and the request shows no token")]
    Nobody,
    /// It shows one that is of no use.
    #[error(transparent)]
    Token(#[from] TokenRefusal),
    /// Its address has shown too many that are of no use.
    #[error("too many tokens that are of no use came from this address")]
    TooMany(Duration),
    /// Its bearer may not.
    #[error(transparent)]
    Denied(#[from] Denied),
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let (code, hint) = match &denied {
            Denied::Role { needs, .. } => ("role", format!("fn tokens create NAME --role {needs}, by an admin")),
            Denied::Project { project, .. } => ("other-project", format!("work in that one, with --project {project}")),
        };
        Self::new(StatusCode::FORBIDDEN, code, denied.to_string()).hint(hint)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let detail = refused.to_string();
        match refused {
            Refused::Denied(denied) => denied.into(),
            Refused::TooMany(wait) => {
                let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-attempts", detail).retry_after_s(seconds)
            }
            Refused::Nobody => Self::new(StatusCode::UNAUTHORIZED, "no-token", detail)
                .hint("fn login URL, or set WEFT_TOKEN; an admin makes one with `fn tokens create NAME`"),
            Refused::Token(_) => Self::new(StatusCode::UNAUTHORIZED, "bad-token", detail)
                .hint("fn login URL, with a token that an admin made with `fn tokens create NAME`"),
        }
    }
}

impl Refused {
    /// The answer, in the form of the path that was asked.
    fn answer(self, form: Form) -> Response {
        let challenge = match &self {
            // The tools that speak to registries have passwords; a token is one.
            Self::Nobody | Self::Token(_) if form == Form::Registry => Some("Basic realm=\"weft\""),
            Self::Nobody => Some("Bearer realm=\"weft\""),
            Self::Token(_) => Some("Bearer realm=\"weft\", error=\"invalid_token\""),
            _ => None,
        };
        let mut response = match form {
            Form::Problem => Problem::from(self).into_response(),
            Form::Inference => Refusal::from(self).into_response(),
            Form::Registry => registry::Refusal::from(self).into_response(),
        };
        if let Some(challenge) = challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let status = match &refused {
            Refused::Nobody | Refused::Token(_) => StatusCode::UNAUTHORIZED,
            Refused::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Refused::Denied(_) => StatusCode::FORBIDDEN,
        };
        Self::new(status, refused.to_string())
    }
}

impl From<Refused> for registry::Refusal {
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        let (status, code) = match refused {
            Refused::Nobody | Refused::Token(_) => (StatusCode::UNAUTHORIZED, registry::Code::Unauthorized),
            Refused::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, registry::Code::TooManyRequests),
            Refused::Denied(_) => (StatusCode::FORBIDDEN, registry::Code::Denied),
        };
        Self::new(status, code, message)
    }
}

/// The form in which a path is answered where it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As everywhere else.
    Problem,
    /// As the inference protocol has it.
    Inference,
    /// As OCI has it.
    Registry,
}

impl Form {
    fn of(path: &str) -> Self {
        match path {
            _ if Registry::owns(path) => Self::Registry,
            _ if path.starts_with("/v2") => Self::Inference,
            _ => Self::Problem,
        }
    }
}

/// Lets a request pass whose bearer may do what it asks for, and puts what it changes down to them.
pub(crate) async fn check(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let pattern = request.extensions().get::<MatchedPath>().cloned();
    let pattern = pattern.as_ref().map_or("", MatchedPath::as_str);
    let rule = rules::of(request.method(), pattern);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|it| it.0.ip());
    let (headers, path) = (request.headers(), request.uri().path());
    let from = state.access.address(peer, headers);
    match admit(&state, rule, Asked { headers, from, path, pattern }).await {
        Ok(Some(principal)) => {
            request.extensions_mut().insert(principal.clone());
            host_store::on_behalf_of(principal, next.run(request)).await
        }
        Ok(None) => next.run(request).await,
        Err(refused) => {
            tracing::info!(method = %request.method(), path, from = ?from, reason = %refused, "refused a request");
            refused.answer(Form::of(path))
        }
    }
}

/// A request as far as it matters who makes it.
struct Asked<'r> {
    headers: &'r HeaderMap,
    /// Where it comes from.
    from: Option<IpAddr>,
    /// The path, and the pattern it fits.
    path: &'r str,
    pattern: &'r str,
}

/// Who asks; nobody in particular where everybody may.
async fn admit(state: &AppState, rule: Option<Rule>, asked: Asked<'_>) -> Result<Option<Principal>, Refused> {
    if rule.is_some_and(|it| it.reach == Reach::Everybody) {
        return Ok(None);
    }
    let principal = Principal { from: asked.from, ..identify(state, &asked).await? };
    // A path that is none, or that takes other methods, is told so to whoever may ask anything at all.
    if let Some(rule) = rule {
        principal.check_role(rule.role)?;
        match rule.reach {
            Reach::Everybody | Reach::Anywhere => {}
            Reach::Host => principal.check_everywhere()?,
            Reach::DefaultProject => principal.check_project(Name::default_project().as_str())?,
            Reach::Project => principal.check_project(rules::project(asked.pattern, asked.path))?,
        }
    }
    Ok(Some(principal))
}

async fn identify(state: &AppState, asked: &Asked<'_>) -> Result<Principal, Refused> {
    let (headers, from) = (asked.headers, asked.from);
    let password = if Form::of(asked.path) == Form::Registry { password(headers) } else { None };
    let shown = bearer(headers).or(password.as_deref());
    let shown = shown.or_else(|| headers.contains_key(header::AUTHORIZATION).then_some(""));
    let Some(token) = shown else {
        return match state.access.demand {
            Demand::Tokens => Err(Refused::Nobody),
            Demand::Nothing => Ok(Principal { name: said(headers), ..Principal::local() }),
        };
    };
    match state.store.keyring().verify(token).await {
        Ok(principal) => Ok(principal),
        Err(refusal) => Err(failed(state, from, refusal)),
    }
}

/// The password of a request to the registry, whoever it says it is.
fn password(headers: &HeaderMap) -> Option<String> {
    let (scheme, pair) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let pair = String::from_utf8(STANDARD.decode(pair.trim()).ok()?).ok()?;
    let (_, password) = pair.split_once(':')?;
    scheme.eq_ignore_ascii_case("basic").then(|| password.to_owned())
}

/// Counts what is of no use by address. Tokens cannot be guessed, so whoever shows a good one is never kept waiting for
/// what a neighbour did; the count keeps the noise down.
fn failed(state: &AppState, from: Option<IpAddr>, refusal: TokenRefusal) -> Refused {
    let Some(address) = from else { return refusal.into() };
    let (mut attempts, now) = (state.attempts().lock(), Instant::now());
    if let Some(wait) = attempts.wait(address, now) {
        return Refused::TooMany(wait);
    }
    attempts.fail(address, now);
    refusal.into()
}

/// The name a client gives itself where nobody asks for more.
fn said(headers: &HeaderMap) -> String {
    let said = headers.get("x-weft-user").and_then(|it| it.to_str().ok()).map(str::trim);
    said.filter(|it| !it.is_empty() && it.len() <= LONGEST_NAME).unwrap_or("local").to_owned()
}

/// What a pipeline needs of whoever runs it: one that moves what others depend on needs whoever may do so by hand.
pub(crate) fn role_for(pipeline: &Pipeline) -> Role {
    let moves = |it: &Step| match &it.action {
        Action::PromoteModel(_) | Action::Deploy(_) => true,
        Action::RegisterModel(register) => register.alias.is_some(),
        _ => false,
    };
    if pipeline.steps.values().any(moves) { Role::Operator } else { Role::Developer }
}
