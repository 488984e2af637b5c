//! Requests that a function sends, whole: `weft::http::get("https://api.example.com/v1").send()`.
//!
//! Where they may go is said under `[grants]` in `function.toml`: `http = ["https://api.example.com"]`. For bodies that
//! stream, use the `wasip2` crate.

use std::{
    fmt,
    io::{self, Read as _, Write as _},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use wasip2::http::{
    outgoing_handler,
    types::{
        ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
        RequestOptions, Scheme,
    },
};

use crate::Failure;

/// The most bytes of an answer that are read, unless [`Fetch::at_most`] says otherwise.
const MOST: u64 = 16 << 20;

/// A request to be sent.
#[derive(Debug, Clone)]
#[must_use = "a request goes out with `send`"]
pub struct Fetch {
    method: String,
    url: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    timeout: Option<Duration>,
    most: u64,
}

/// What came back, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// 200, 404, …
    pub status: u16,
    /// The header fields, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchError {
    /// What should be sent is no request.
    Invalid(String),
    /// The function is not granted this request. Its log has the line to add to `function.toml`.
    Denied(String),
    /// The answer has more bytes than are wanted.
    TooLarge(u64),
    /// It did not work, and may work later.
    Failed(String),
}

/// A request of that method, such as `PATCH`.
pub fn fetch(method: impl Into<String>, url: impl Into<String>) -> Fetch {
    Fetch { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new(), timeout: None, most: MOST }
}

/// A GET request.
pub fn get(url: impl Into<String>) -> Fetch {
    fetch("GET", url)
}

/// A POST request.
pub fn post(url: impl Into<String>) -> Fetch {
    fetch("POST", url)
}

impl Fetch {
    /// A header field. Where its value is a placeholder such as `{{weft-secret:api-key}}`, the host puts the secret in.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.as_bytes().to_vec()));
        self
    }

    /// That body, of that media type.
    pub fn with(mut self, body: impl Into<Vec<u8>>, media_type: &str) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    /// Anything that serialises, as JSON.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Result<Self, Failure> {
        let body = serde_json::to_vec(value).map_err(|error| Failure::fatal("bad-output", error))?;
        Ok(self.with(body, "application/json"))
    }

    /// How long to wait at most: for the connection, for the answer to begin, and for each next piece of it. The host
    /// has bounds of its own, which this can only shorten.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The most bytes the answer may have.
    pub fn at_most(mut self, bytes: u64) -> Self {
        self.most = bytes;
        self
    }

    /// Sends it and waits for the whole answer. Redirects are not followed: each is an answer to look at.
    pub fn send(self) -> Result<Fetched, FetchError> {
        let (request, options) = (self.request()?, self.options()?);
        // A body that is asked for is announced, even when nothing is written.
        let has_body = !self.body.is_empty();
        let body = has_body.then(|| request.body().map_err(|()| invalid("the request takes no body"))).transpose()?;
        let answer = outgoing_handler::handle(request, options)?;
        if let Some(body) = body {
            // A server may answer without reading all of it: what it says counts, not that the rest was not taken.
            let _ = write(body, &self.body);
        }
        read(&wait(&answer)?, self.most)
    }

    fn request(&self) -> Result<OutgoingRequest, FetchError> {
        let (scheme, authority, path) = parts(&self.url)?;
        let mut headers = self.headers.clone();
        if !self.body.is_empty() {
            headers.push(("content-length".to_owned(), self.body.len().to_string().into_bytes()));
        }
        let headers = Fields::from_list(&headers).map_err(|error| invalid(format!("a header field: {error}")))?;
        let request = OutgoingRequest::new(headers);
        let wrong = |what: &'static str| move |()| invalid(format!("its {what} is none"));
        request.set_method(&method(&self.method)).map_err(wrong("method"))?;
        request.set_scheme(Some(&scheme)).map_err(wrong("scheme"))?;
        request.set_authority(Some(authority)).map_err(wrong("host"))?;
        request.set_path_with_query(Some(&path)).map_err(wrong("path"))?;
        Ok(request)
    }

    fn options(&self) -> Result<Option<RequestOptions>, FetchError> {
        let Some(timeout) = self.timeout else { return Ok(None) };
        let nanos = Some(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX));
        let options = RequestOptions::new();
        let unset = |()| invalid("its timeout cannot be set");
        options.set_connect_timeout(nanos).map_err(unset)?;
        options.set_first_byte_timeout(nanos).map_err(unset)?;
        options.set_between_bytes_timeout(nanos).map_err(unset)?;
        Ok(Some(options))
    }
}

impl Fetched {
    /// The first header field of that name, where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// The body as text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body read from JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| Failure::transient("bad-answer", error))
    }

    /// Itself when its status is 2xx; else a failure, which is transient where asking again may help.
    pub fn ok(self) -> Result<Self, Failure> {
        match self.status {
            200..=299 => Ok(self),
            408 | 425 | 429 | 500..=599 => {
                Err(Failure::transient("http-status", format!("it answered {}", self.status)))
            }
            status => Err(Failure::fatal("http-status", format!("it answered {status}"))),
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(why) => write!(f, "that is no request: {why}"),
            Self::Denied(whom) => write!(f, "{whom}: the function's log has the line to add to function.toml"),
            Self::TooLarge(most) => write!(f, "the answer has more than {most} bytes"),
            Self::Failed(why) => write!(f, "the request failed: {why}"),
        }
    }
}

impl std::error::Error for FetchError {}

impl FetchError {
    /// What the host should do about it: a request that did not work may work later, the others will not.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::Failed(_) => Failure::transient("http-failed", self),
            Self::Denied(_) => Failure::fatal("http-denied", self),
            Self::Invalid(_) | Self::TooLarge(_) => Failure::fatal("http-invalid", self),
        }
    }
}

impl From<ErrorCode> for FetchError {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::HttpRequestDenied => Self::Denied("the request was refused".to_owned()),
            ErrorCode::HttpRequestUriInvalid | ErrorCode::HttpRequestMethodInvalid => invalid(format!("{code:?}")),
            ErrorCode::HttpResponseBodySize(most) => Self::TooLarge(most.unwrap_or_default()),
            other => Self::Failed(format!("{other:?}")),
        }
    }
}

fn invalid(why: impl Into<String>) -> FetchError {
    FetchError::Invalid(why.into())
}

/// Scheme, host with port, path with query. A fragment stays at home.
fn parts(url: &str) -> Result<(Scheme, &str, String), FetchError> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("https", rest)) => (Scheme::Https, rest),
        Some(("http", rest)) => (Scheme::Http, rest),
        _ => return Err(invalid(format!("`{url}` begins with neither https:// nor http://"))),
    };
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Ok((scheme, authority, path))
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn write(body: OutgoingBody, bytes: &[u8]) -> io::Result<()> {
    let mut stream = body.write().map_err(|()| io::Error::other("the body is taken"))?;
    stream.write_all(bytes)?;
    io::Write::flush(&mut stream)?;
    // A stream has to end before its body does.
    drop(stream);
    OutgoingBody::finish(body, None).map_err(io::Error::other)
}

fn wait(answer: &FutureIncomingResponse) -> Result<IncomingResponse, FetchError> {
    answer.subscribe().block();
    let nothing = || FetchError::Failed("no answer came".to_owned());
    Ok(answer.get().ok_or_else(nothing)?.map_err(|()| nothing())??)
}

fn read(answer: &IncomingResponse, most: u64) -> Result<Fetched, FetchError> {
    let taken = |()| FetchError::Failed("the body is taken".to_owned());
    let incoming = answer.consume().map_err(taken)?;
    let stream = incoming.stream().map_err(taken)?;
    let mut body = Vec::new();
    stream
        .take(most.saturating_add(1))
        .read_to_end(&mut body)
        .map_err(|error| FetchError::Failed(format!("the answer broke off: {error}")))?;
    if body.len() as u64 > most {
        return Err(FetchError::TooLarge(most));
    }
    Ok(Fetched { status: answer.status(), headers: answer.headers().entries(), body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let parts = |url: &str| parts(url).map(|(_, authority, path)| format!("{authority} {path}"));
        assert_eq!(parts("https://api.example.com").unwrap(), "api.example.com /");
        assert_eq!(parts("http://api.example.com:8080/a/b?c=d#e").unwrap(), "api.example.com:8080 /a/b?c=d");
        assert_eq!(parts("https://api.example.com?q").unwrap(), "api.example.com /?q");
        assert!(parts("api.example.com").is_err());
        assert!(parts("ftp://api.example.com").is_err());
    }

    #[test]
    fn a_status_says_whether_asking_again_may_help() {
        let fetched = |status| Fetched { status, headers: Vec::new(), body: b"[1]".to_vec() };
        assert_eq!(fetched(204).ok().unwrap().json::<Vec<u8>>().unwrap(), [1]);
        assert_eq!(fetched(503).ok().unwrap_err().kind, crate::failure::Kind::Transient);
        assert_eq!(fetched(404).ok().unwrap_err().kind, crate::failure::Kind::Fatal);
    }

    #[test]
    fn only_what_may_work_later_is_tried_again() {
        let code = |error: FetchError| (Failure::from(error.clone()).kind, Failure::from(error).code);
        assert_eq!(code(FetchError::Failed("x".into())), (crate::failure::Kind::Transient, "http-failed".into()));
        assert_eq!(code(FetchError::Denied("x".into())), (crate::failure::Kind::Fatal, "http-denied".into()));
    }
}
