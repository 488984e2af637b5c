//! The registry: the OCI distribution API, version 1.1, over artifact bytes and rows.

mod blobs;
mod config;
mod library;
mod manifests;
mod parse;
mod refusal;
mod route;
mod tags;
mod uploads;

use std::sync::Arc;

use axum::{body::Body, response::IntoResponse as _};
use host_core::{
    identity::{Principal, Role},
    package::{Publisher, Repository},
    ports::{Artifacts, Repositories},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};

pub use config::Config;
pub use library::LibraryError;
pub use refusal::{Code, Refusal};

use crate::catalogue::Catalogue;
use route::{Asked, Route};
use uploads::Uploads;

/// What clients of Docker's registry look for.
const VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("docker-distribution-api-version"), HeaderValue::from_static("registry/2.0"));
/// The digest of what an answer is about.
const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A registry.
pub struct Registry {
    config: Config,
    rows: Arc<dyn Repositories>,
    artifacts: Arc<dyn Artifacts>,
    catalogue: Arc<Catalogue>,
    uploads: Uploads,
}

/// Whose request it is, and what it brings.
struct Call<'r> {
    repository: &'r Repository,
    who: Publisher,
    asked: Asked<'r>,
    headers: &'r HeaderMap,
}

impl Registry {
    /// A registry that keeps unfinished uploads below `spool`, or among the system's temporary files.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(
        config: Config,
        rows: Arc<dyn Repositories>,
        artifacts: Arc<dyn Artifacts>,
        catalogue: Arc<Catalogue>,
        spool: Option<std::path::PathBuf>,
    ) -> std::io::Result<Self> {
        let uploads = Uploads::new(&config, spool)?;
        Ok(Self { config, rows, artifacts, catalogue, uploads })
    }

    /// What is offered.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// Whether a path is the registry's: the inference protocol has the rest of `/v2/`.
    #[must_use]
    pub fn owns(path: &str) -> bool {
        path == "/v2/" || path.strip_prefix("/v2/").is_some_and(|rest| route::repository(rest).is_some())
    }

    /// Answers one request of `principal`.
    pub async fn answer(&self, principal: &Principal, request: Request<Body>) -> Response<Body> {
        let mut response = match self.attempt(principal, request).await {
            Ok(response) => response,
            Err(refusal) => refusal.into_response(),
        };
        response.headers_mut().insert(VERSION.0, VERSION.1);
        response
    }

    async fn attempt(&self, principal: &Principal, request: Request<Body>) -> Result<Response<Body>, Refusal> {
        let (head, body) = request.into_parts();
        let asked = Asked::read(&head.uri);
        let Some((repository, route)) = route::parse(head.uri.path())? else { return Ok(here()) };
        check_role(principal, &head.method, &route)?;
        let call = Call { repository: &repository, who: Publisher::from(principal), asked, headers: &head.headers };
        match (&head.method, route) {
            (&Method::HEAD, Route::Blob(digest)) => self.head_blob(&call, &digest).await,
            (&Method::GET, Route::Blob(digest)) => self.get_blob(&call, &digest).await,
            (&Method::DELETE, Route::Blob(digest)) => self.delete_blob(&call, &digest).await,
            (&Method::POST, Route::Uploads) => self.begin_upload(&call, body).await,
            (&Method::GET, Route::Upload(id)) => self.upload_status(&call, id).await,
            (&Method::PATCH, Route::Upload(id)) => self.append(&call, id, body).await,
            (&Method::PUT, Route::Upload(id)) => self.finish_upload(&call, id, body).await,
            (&Method::DELETE, Route::Upload(id)) => self.cancel_upload(&call, id).await,
            (&Method::GET | &Method::HEAD, Route::Manifest(reference)) => {
                self.get_manifest(&call, &reference, &head.method).await
            }
            (&Method::PUT, Route::Manifest(reference)) => self.put_manifest(&call, reference, body).await,
            (&Method::DELETE, Route::Manifest(reference)) => self.delete_manifest(&call, &reference).await,
            (&Method::GET, Route::Tags) => self.list_tags(&call).await,
            (&Method::GET, Route::Referrers(digest)) => self.list_referrers(&call, &digest).await,
            (method, _) => Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                Code::Unsupported,
                format!("{} does not take {method}", head.uri.path()),
            )),
        }
    }
}

/// That there is a registry.
fn here() -> Response<Body> {
    (StatusCode::OK, axum::Json(serde_json::json!({}))).into_response()
}

/// Whoever reads is a viewer; whoever pushes, a developer. What they may in a namespace is for its owners to say.
fn check_role(principal: &Principal, method: &Method, route: &Route) -> Result<(), Refusal> {
    let is_reading = matches!(*method, Method::GET | Method::HEAD) && !matches!(route, Route::Upload(_));
    let needs = if is_reading { Role::Viewer } else { Role::Developer };
    principal.check_role(needs).map_err(|denied| Refusal::denied(denied.to_string()))
}

/// A header of text that we made.
fn text(value: impl Into<String>) -> HeaderValue {
    HeaderValue::try_from(value.into()).unwrap_or(HeaderValue::from_static(""))
}

/// An answer without a body.
fn empty(status: StatusCode, headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().extend(headers);
    response
}

#[cfg(test)]
mod tests;
