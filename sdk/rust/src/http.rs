//! Requests as a whole, over `wasi:http`: what `#[weft::http]` serves, and what a function sends with [`get`], [`post`]
//! or [`fetch()`].
//!
//! The host bounds the size of a body (`max_body` under `[limits]`). For bodies that stream, use the `wasip2` crate.

use std::io::{self, Read as _, Write as _};

use serde::{Serialize, de::DeserializeOwned};
use wasip2::http::types::{Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam};

use crate::{Failure, failure::Kind};

mod fetch;

pub use fetch::{Fetch, FetchError, Fetched, fetch, get, post};

/// A request, body and all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// What follows the `?`.
    pub query: Option<String>,
    /// The header fields, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A request as a test makes it, with neither fields nor body.
    pub fn new(method: impl Into<String>, path: impl Into<String>) -> Self {
        Self { method: method.into(), path: path.into(), query: None, headers: Vec::new(), body: Vec::new() }
    }

    /// The same request with that body.
    #[must_use]
    pub fn with(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The first header field of that name, where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// The body read from JSON; an invalid failure, that is a 422, where it is not what `T` asks for.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| Failure::invalid("bad-json", error))
    }
}

/// An answer, body and all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// 200, 404, …
    pub status: u16,
    /// The header fields.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer of that status with nothing in it.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// A plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(200).with(text.into().into_bytes(), "text/plain; charset=utf-8")
    }

    /// Anything that serialises, as JSON.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Result<Self, Failure> {
        let body = serde_json::to_vec(value).map_err(|error| Failure::fatal("bad-output", error))?;
        Ok(Self::new(200).with(body, "application/json"))
    }

    /// That body, of that media type.
    #[must_use]
    pub fn with(mut self, body: Vec<u8>, media_type: &str) -> Self {
        self.body = body;
        self.header("content-type", media_type)
    }

    /// That status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// A further header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.as_bytes().to_vec()));
        self
    }
}

/// What a server may answer with: a [`Response`], or a `Result` of one.
pub trait IntoResponse {
    /// The response.
    #[doc(hidden)]
    fn into_response(self) -> Response;
}

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl<E: Into<Failure>> IntoResponse for Result<Response, E> {
    fn into_response(self) -> Response {
        self.unwrap_or_else(|error| problem(&error.into()))
    }
}

/// A failure as problem+json, with the status the host gives the failures of handlers.
fn problem(failure: &Failure) -> Response {
    let status = match failure.kind {
        Kind::Invalid => 422,
        Kind::Transient => 503,
        Kind::Fatal => 500,
    };
    let body = serde_json::json!({ "status": status, "title": failure.message, "code": failure.code });
    let response = Response::new(status).with(body.to_string().into_bytes(), "application/problem+json");
    match failure.retry_after {
        Some(wait) => response.header("retry-after", &wait.as_millis().div_ceil(1000).to_string()),
        None => response,
    }
}

/// Serves one request: what the export does.
#[doc(hidden)]
pub fn serve<R: IntoResponse>(request: IncomingRequest, out: ResponseOutparam, server: impl FnOnce(Request) -> R) {
    let response = match read(&request) {
        Ok(request) => server(request).into_response(),
        Err(error) => problem(&Failure::invalid("bad-request", error)),
    };
    if let Err(error) = write(response, out) {
        // Not `weft::log`: the component is to run under any host of wasi:http.
        let _ = writeln!(io::stderr(), "the response was not sent: {error}");
    }
}

fn read(request: &IncomingRequest) -> io::Result<Request> {
    let target = request.path_with_query().unwrap_or_default();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (target, None),
    };
    let mut body = Vec::new();
    let incoming = request.consume().map_err(|()| io::Error::other("the body is taken"))?;
    let mut stream = incoming.stream().map_err(|()| io::Error::other("the body is taken"))?;
    stream.read_to_end(&mut body)?;
    Ok(Request { method: method(request.method()), path, query, headers: request.headers().entries(), body })
}

fn method(method: Method) -> String {
    let name = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => return name,
    };
    name.to_owned()
}

fn write(response: Response, out: ResponseOutparam) -> Result<(), String> {
    let headers = Fields::from_list(&response.headers).map_err(|error| error.to_string())?;
    let outgoing = OutgoingResponse::new(headers);
    outgoing.set_status_code(response.status).map_err(|()| format!("{} is not a status", response.status))?;
    let body = outgoing.body().map_err(|()| "the body is taken".to_owned())?;
    ResponseOutparam::set(out, Ok(outgoing));
    let mut stream = body.write().map_err(|()| "the body is taken".to_owned())?;
    stream.write_all(&response.body).map_err(|error| error.to_string())?;
    io::Write::flush(&mut stream).map_err(|error| error.to_string())?;
    // A stream has to end before its body does.
    drop(stream);
    OutgoingBody::finish(body, None).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_answers_as_the_host_answers_for_handlers() {
        let wait = std::time::Duration::from_millis(1500);
        let failure = Failure::transient("later", "come back").retry_after(wait);
        let response = Err::<Response, _>(failure).into_response();
        assert_eq!(response.status, 503);
        assert!(response.headers.contains(&("retry-after".to_owned(), b"2".to_vec())));
        assert!(String::from_utf8(response.body).unwrap().contains(r#""code":"later""#));
    }
}
