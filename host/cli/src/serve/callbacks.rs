//! The way to those who want to be told of the end of a request: under the same policy as the function itself.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use host_capabilities::http::{Client, Options, Passage, Policy, Reach, SendError};
use host_core::{
    function::Revision,
    ports::{Notify, NotifyError},
};
use http::{Method, Request, Uri, header};
use http_body_util::Full;

/// Posts by the client that guests use, each time with the grants of the function at hand.
pub(super) struct Callbacks(pub(super) Client);

impl Callbacks {
    /// The way there, if the function may go it.
    fn passage(&self, revision: &Revision, url: &str) -> Result<(Reach, Passage, Uri), NotifyError> {
        let invalid = |reason: String| NotifyError::Invalid { url: url.to_owned(), reason };
        let uri: Uri = url.parse().map_err(|error: http::uri::InvalidUri| invalid(error.to_string()))?;
        if uri.host().is_none() || !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(invalid("write an address such as https://api.example.com/done".to_owned()));
        }
        let reach = self.0.reach(Policy::of(&revision.manifest.grants.http));
        match reach.check(&Method::POST, &uri) {
            Ok(passage) => Ok((reach, passage, uri)),
            Err(refusal) => Err(NotifyError::Refused { url: url.to_owned(), reason: refusal.advice() }),
        }
    }
}

#[async_trait]
impl Notify for Callbacks {
    fn check(&self, revision: &Revision, url: &str) -> Result<(), NotifyError> {
        self.passage(revision, url).map(drop)
    }

    async fn post(
        &self,
        revision: &Revision,
        url: &str,
        content_type: &'static str,
        body: Bytes,
        longest: Duration,
    ) -> Result<u16, NotifyError> {
        let (reach, passage, uri) = self.passage(revision, url)?;
        let request = Request::post(uri).header(header::CONTENT_TYPE, content_type).body(Full::new(body));
        let request =
            request.map_err(|error| NotifyError::Invalid { url: url.to_owned(), reason: error.to_string() })?;
        let options = Options { over: Instant::now().checked_add(longest), ..Options::default() };
        let unreachable = |reason: String| NotifyError::Unreachable { url: url.to_owned(), reason };
        match tokio::time::timeout(longest, reach.send(&passage, request, options)).await {
            Ok(Ok(response)) => Ok(response.status().as_u16()),
            Ok(Err(SendError::Refused(refusal))) => {
                Err(NotifyError::Refused { url: url.to_owned(), reason: refusal.advice() })
            }
            Ok(Err(error)) => Err(unreachable(error.to_string())),
            Err(_) => Err(unreachable(format!("nobody answered within {} ms", longest.as_millis()))),
        }
    }
}
