//! Who may call a function by its trigger: anybody, bearers of a token, or those a secret names.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use ::http::{HeaderMap, Request, header};
use async_trait::async_trait;
use axum::{body::Body, extract::ConnectInfo};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use host_core::{
    Digest, Name,
    identity::{Access, Attempts, Demand, Principal, Role, TOKEN_PREFIX, bearer},
    manifest::Auth,
    ports::{NoSecrets, Secrets, TokenRefusal, Tokens},
};
use parking_lot::Mutex;
use subtle::{Choice, ConstantTimeEq as _};

use super::{problem::Problem, table::Route};

/// How many wrong passwords an address may show in a minute before it has to wait.
const MOST_FAILURES: u32 = 20;
const WINDOW: Duration = Duration::from_secs(60);

/// What the host asks of callers, and whom it asks about them.
pub struct Guard {
    access: Access,
    tokens: Arc<dyn Tokens>,
    secrets: Arc<dyn Secrets>,
    attempts: Mutex<Attempts>,
}

impl Guard {
    /// A guard of a host that is reached like this.
    #[must_use]
    pub fn new(access: Access, tokens: Arc<dyn Tokens>, secrets: Arc<dyn Secrets>) -> Self {
        Self { access, tokens, secrets, attempts: Mutex::new(Attempts::new(MOST_FAILURES, WINDOW)) }
    }

    /// The guard of a host without tokens and secrets: routes that ask for either let nobody in.
    #[must_use]
    pub fn open() -> Self {
        Self::new(Access::default(), Arc::new(NoTokens), Arc::new(NoSecrets))
    }

    /// The name of the caller, empty for nobody in particular. What the host asked for does not reach the function.
    pub(super) async fn admit(&self, route: &Route, request: &mut Request<Body>) -> Result<String, Problem> {
        match (&route.auth, self.access.demand) {
            (Some(Auth::Token), _) | (None, Demand::Tokens) => {
                let principal = self.token(route, request.headers()).await;
                request.headers_mut().remove(header::AUTHORIZATION);
                principal.map(|it| it.name)
            }
            (Some(Auth::Basic(secret)), _) => {
                let from = self.from(request);
                let user = self.basic(route, secret, from, request.headers()).await;
                request.headers_mut().remove(header::AUTHORIZATION);
                user
            }
            (Some(Auth::Public), _) | (None, Demand::Nothing) => {
                drop_token(request.headers_mut());
                Ok(String::new())
            }
        }
    }

    async fn token(&self, route: &Route, headers: &HeaderMap) -> Result<Principal, Problem> {
        let token = bearer(headers).ok_or_else(Problem::no_token)?;
        let principal = self.tokens.verify(token).await.map_err(Problem::bad_token)?;
        principal.check_role(Role::Developer).map_err(Problem::denied)?;
        principal.check_project(route.project.as_str()).map_err(Problem::denied)?;
        Ok(principal)
    }

    /// Passwords can be guessed, unlike tokens, so an address that guesses has to wait before it is listened to again.
    async fn basic(
        &self,
        route: &Route,
        secret: &Name,
        from: Option<IpAddr>,
        headers: &HeaderMap,
    ) -> Result<String, Problem> {
        let wait = from.and_then(|from| self.attempts.lock().wait(from, Instant::now()));
        if let Some(wait) = wait {
            return Err(Problem::too_many_attempts(wait));
        }
        let shown = credentials(headers).ok_or_else(|| Problem::no_password(&route.function))?;
        let users = self.secrets.value(&route.project, secret).await.map_err(|error| {
            tracing::error!(function = %route.function, secret = %secret, %error, "could not read the users of a trigger");
            Problem::no_users()
        })?;
        if knows(users.reveal(), &shown) {
            let user = shown.split_once(':').map_or(shown.as_str(), |(user, _)| user);
            return Ok(user.to_owned());
        }
        if let Some(from) = from {
            self.attempts.lock().fail(from, Instant::now());
        }
        Err(Problem::bad_password(&route.function))
    }

    fn from(&self, request: &Request<Body>) -> Option<IpAddr> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|it| it.0.ip());
        self.access.address(peer, request.headers())
    }
}

/// A token of this host is no business of a function that anybody may call: with it, the function could act as its
/// bearer.
fn drop_token(headers: &mut HeaderMap) {
    if bearer(headers).is_some_and(|token| token.starts_with(TOKEN_PREFIX)) {
        headers.remove(header::AUTHORIZATION);
    }
}

/// `user:password`, as shown.
fn credentials(headers: &HeaderMap) -> Option<String> {
    let (scheme, encoded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let shown = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(encoded.trim()).ok())??;
    String::from_utf8(shown).ok().filter(|it| it.contains(':'))
}

/// Whether one of the lines is what was shown. Every line is looked at, and digests are compared, so that the time it
/// takes tells neither which line nor how much of it was right.
fn knows(lines: &str, shown: &str) -> bool {
    let shown = Digest::of(shown.as_bytes());
    let users = lines.lines().map(str::trim).filter(|line| line.contains(':'));
    let is_one = users.fold(Choice::from(0), |found, line| {
        found | Digest::of(line.as_bytes()).as_raw().as_slice().ct_eq(shown.as_raw().as_slice())
    });
    is_one.into()
}

/// A host without tokens.
struct NoTokens;

#[async_trait]
impl Tokens for NoTokens {
    async fn verify(&self, _: &str) -> Result<Principal, TokenRefusal> {
        Err(TokenRefusal::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_known_by_whole_lines() {
        let users = "ann:secret\n  bob:pass:word \n\nnobody\n";
        for known in ["ann:secret", "bob:pass:word"] {
            assert!(knows(users, known), "{known}");
        }
        for other in ["ann:", "ann:secre", "ann:secret ", "bob:pass", "nobody", ":", "", "ann:secret\n  bob:pass:word"]
        {
            assert!(!knows(users, other), "{other}");
        }
    }
}
