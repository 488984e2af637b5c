//! The host's control plane, as a client sees it.

use std::path::Path;

use axum::Router;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use reqwest::{
    Method, RequestBuilder, Response, StatusCode,
    header::{self, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};
use tower::ServiceExt;

use host_wire::Problem;

use crate::{
    contexts::Connection,
    ui::{Exit, Stop},
};

/// Talks to one host, about one project.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    /// `Bearer weft_…`, marked so that nothing prints it.
    token: Option<HeaderValue>,
    project: String,
    /// The routes of a host in this very process, which needs no network.
    local: Option<Router>,
    /// A certificate to trust beside those the machine knows.
    ca: Option<std::path::PathBuf>,
}

impl Client {
    /// A client of the host that `connection` names.
    pub(crate) fn new(connection: &Connection) -> Result<Self, Stop> {
        let mut http = reqwest::Client::builder().no_proxy();
        if let Some(ca) = &connection.ca {
            http = http.tls_certs_merge(certificates(ca)?);
        }
        let http =
            http.build().map_err(|error| Stop::new(Exit::Failed, format!("could not make an HTTP client: {error}")))?;
        let base = connection.host.trim_end_matches('/').to_owned();
        Ok(Self {
            http,
            base,
            token: token(connection)?,
            project: connection.project.clone(),
            local: None,
            ca: connection.ca.clone(),
        })
    }

    /// A client of the host whose routes these are.
    pub(crate) fn local(router: Router, project: &str) -> Result<Self, Stop> {
        // Whoever has the data folder needs no token.
        let (host, project) = ("http://localhost".to_owned(), project.to_owned());
        let client = Self::new(&Connection { host, project, token: None, ca: None })?;
        Ok(Self { local: Some(router), ..client })
    }

    /// The address of the host.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The token it shows, if any.
    pub(crate) fn bearer(&self) -> Option<String> {
        self.token.as_ref()?.to_str().ok()?.strip_prefix("Bearer ").map(str::to_owned)
    }

    /// The certificate it trusts beside those the machine knows, in PEM.
    pub(crate) fn ca(&self) -> Result<Option<Vec<u8>>, Stop> {
        let read = |file: &std::path::PathBuf| {
            std::fs::read(file).map_err(|error| {
                Stop::new(Exit::Usage, format!("could not read the certificate: {error}"))
                    .at(file.display().to_string())
            })
        };
        self.ca.as_ref().map(read).transpose()
    }

    /// The project it is about.
    pub(crate) fn project(&self) -> &str {
        &self.project
    }

    /// `/api/v1/projects/<project>` and what follows.
    pub(crate) fn in_project(&self, path: &str) -> String {
        format!("/api/v1/projects/{}{path}", self.project)
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T, Stop> {
        self.json(self.request(Method::GET, path).query(query)).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Stop> {
        self.json(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<(), Stop> {
        self.send(self.request(Method::DELETE, path)).await.map(drop)
    }

    /// Whether there is something under `path`.
    pub(crate) async fn exists(&self, path: &str) -> Result<bool, Stop> {
        let answer = self.send_any(self.request(Method::HEAD, path)).await?;
        Ok(answer.status().is_success())
    }

    /// Sends bytes as they are.
    pub(crate) async fn put_bytes(&self, path: &str, bytes: Vec<u8>) -> Result<(), Stop> {
        self.send(self.request(Method::PUT, path).body(bytes)).await.map(drop)
    }

    /// A request of any kind; the answer as it is, when it is a success.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, Stop> {
        let answer = self.send_any(request).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(problem(answer).await)
    }

    /// A request of any kind; the answer as it is, whatever its status.
    pub(crate) async fn send_any(&self, request: RequestBuilder) -> Result<Response, Stop> {
        match &self.local {
            None => request.send().await.map_err(|error| self.unreachable(&error)),
            Some(router) => in_process(router.clone(), request).await,
        }
    }

    /// The bytes of an answer, piece by piece.
    pub(crate) async fn stream(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<impl Stream<Item = Result<Bytes, Stop>> + use<>, Stop> {
        let answer = self.send(self.request(Method::GET, path).query(query)).await?;
        Ok(answer.bytes_stream().map(|piece| piece.map_err(|error| broke_off(&error))))
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.header(header::AUTHORIZATION, token.clone()),
            None => request,
        }
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Stop> {
        self.read(self.send(request).await?).await
    }

    /// An answer that is JSON.
    pub(crate) async fn read<T: DeserializeOwned>(&self, answer: Response) -> Result<T, Stop> {
        let bytes = answer.bytes().await.map_err(|error| broke_off(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Stop::new(Exit::Failed, format!("could not read the host's answer: {error}"))
                .hint("is the host of the same release?")
        })
    }

    pub(crate) async fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Stop> {
        self.json(self.request(Method::PUT, path).json(body)).await
    }

    fn unreachable(&self, error: &reqwest::Error) -> Stop {
        if error.is_builder() {
            return Stop::new(Exit::Usage, format!("`{}` is not the address of a host", self.base))
                .hint("write it like --host http://127.0.0.1:7070");
        }
        let cause = std::iter::successors(std::error::Error::source(error), |it| it.source()).last();
        let cause = cause.map_or_else(|| error.to_string(), ToString::to_string);
        let hint = match cause.contains("certificate") || cause.contains("UnknownIssuer") {
            true => "say whom to trust with `fn login URL --ca FILE`, or WEFT_CA",
            false => "start one with `fn up`, or name another with --host URL",
        };
        Stop::new(Exit::Unreachable, format!("could not reach the host at {}: {cause}", self.base)).hint(hint)
    }
}

fn token(connection: &Connection) -> Result<Option<HeaderValue>, Stop> {
    let Some(token) = &connection.token else { return Ok(None) };
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| {
        Stop::new(Exit::Usage, "the token has characters that no token has").hint("fn login URL, and paste it again")
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// Whom to trust beside those the machine knows.
fn certificates(file: &Path) -> Result<Vec<reqwest::Certificate>, Stop> {
    let wrong = |error: &dyn std::fmt::Display| {
        Stop::new(Exit::Usage, format!("could not read the certificate: {error}")).at(file.display().to_string())
    };
    let text = std::fs::read(file).map_err(|error| wrong(&error))?;
    reqwest::Certificate::from_pem_bundle(&text).map_err(|error| wrong(&error))
}

/// The same request and answer, without a socket between.
async fn in_process(router: Router, request: RequestBuilder) -> Result<Response, Stop> {
    let wrong = |error: &dyn std::fmt::Display| Stop::new(Exit::Failed, format!("could not make the request: {error}"));
    let request = request.build().map_err(|error| wrong(&error))?;
    let request: http::Request<reqwest::Body> = request.try_into().map_err(|error: reqwest::Error| wrong(&error))?;
    let Ok(response) = router.oneshot(request.map(axum::body::Body::new)).await;
    Ok(response.map(|body| reqwest::Body::wrap_stream(body.into_data_stream())).into())
}

fn broke_off(error: &reqwest::Error) -> Stop {
    Stop::new(Exit::Unreachable, format!("the host's answer broke off: {error}"))
}

async fn problem(answer: Response) -> Stop {
    let status = answer.status();
    let exit = match status {
        StatusCode::NOT_FOUND => Exit::NotFound,
        StatusCode::BAD_REQUEST => Exit::Usage,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            Exit::Unreachable
        }
        _ if status.is_client_error() => Exit::Refused,
        _ => Exit::Failed,
    };
    let text = answer.text().await.unwrap_or_default();
    let Ok(problem) = serde_json::from_str::<Problem>(&text) else {
        return Stop::new(exit, format!("the host answered {status}: {}", text.trim()));
    };
    let exit = if problem.mistakes.is_empty() { exit } else { Exit::Usage };
    let what = if problem.detail.is_empty() { problem.title } else { problem.detail };
    let mut stop = Stop::new(exit, what).mistakes(problem.mistakes);
    if let Some(place) = problem.place {
        stop = stop.at(place);
    }
    if let Some(hint) = problem.hint {
        stop = stop.hint(hint);
    }
    stop
}

/// The `data:` lines of a server-sent event stream, one by one.
pub(crate) fn sse_data(
    stream: impl Stream<Item = Result<Bytes, Stop>> + Unpin,
) -> impl Stream<Item = Result<String, Stop>> + Unpin {
    Box::pin(futures_util::stream::unfold((stream, Vec::<u8>::new()), |(mut stream, mut buffer)| async move {
        loop {
            if let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                // Only a whole line is text: a piece may end in the middle of a character.
                let line: Vec<u8> = buffer.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                if let Some(data) = line.trim_end().strip_prefix("data:") {
                    return Some((Ok(data.trim_start().to_owned()), (stream, buffer)));
                }
                continue;
            }
            match stream.next().await? {
                Ok(piece) => buffer.extend_from_slice(&piece),
                Err(stop) => return Some((Err(stop), (stream, buffer))),
            }
        }
    }))
}
