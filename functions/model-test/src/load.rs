//! The load: so many requests under way at once, each timed from its first byte out to its last byte in.

use std::{
    io::{Read as _, Write as _},
    time::{Duration, Instant},
};

use wasip2::{
    http::{
        outgoing_handler,
        types::{
            ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
            RequestOptions, Scheme,
        },
    },
    io::poll::{Pollable, poll},
};
use weft::Failure;

/// The most bytes of an answer that are read; it is what takes the time that is measured.
const ANSWER: u64 = 16 << 20;

/// Whom to ask.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    is_secure: bool,
    authority: String,
    path: String,
    method: String,
    authorization: Option<String>,
    timeout_ms: u64,
}

/// Why nobody can be asked.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum Unknown {
    #[error("`{0}` is no address: it begins with http:// or https:// and ends with the host or its port")]
    Url(String),
    #[error("`{0}` is no method: GET, HEAD, POST, PUT, PATCH or DELETE")]
    Method(String),
}

impl Target {
    /// Takes the address apart.
    pub(crate) fn new(
        url: &str,
        path: String,
        method: &str,
        authorization: Option<String>,
        timeout_ms: u64,
    ) -> Result<Self, Unknown> {
        let (is_secure, authority) = match url.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            _ => return Err(Unknown::Url(url.to_owned())),
        };
        let authority = authority.trim_end_matches('/');
        if authority.is_empty() || authority.contains(['/', '?', '#', '@']) {
            return Err(Unknown::Url(url.to_owned()));
        }
        method_of(method).ok_or_else(|| Unknown::Method(method.to_owned()))?;
        let (authority, method) = (authority.to_owned(), method.to_owned());
        Ok(Self { is_secure, authority, path, method, authorization, timeout_ms })
    }

    /// The whole address.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.path)
    }
}

fn method_of(name: &str) -> Option<Method> {
    Some(match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => return None,
    })
}

/// A request that came to its end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shot {
    pub(crate) ms: f64,
    /// The status, or what went wrong.
    pub(crate) outcome: Result<u16, String>,
}

/// What to send, and how many at once.
pub(crate) struct Load<'a> {
    pub(crate) target: &'a Target,
    pub(crate) bodies: &'a [Vec<u8>],
    pub(crate) concurrency: usize,
}

/// A request under way. Fields drop in order: what waits for the answer goes before it.
struct Flight {
    began: Instant,
    ready: Pollable,
    answer: FutureIncomingResponse,
}

impl Load<'_> {
    /// Sends `requests` of them and waits for all; how each ended, and how many seconds all took.
    ///
    /// A request that is not let out at all ends the whole load: none of the others would be.
    pub(crate) fn run(&self, requests: usize, progress: impl Fn(usize)) -> Result<(Vec<Shot>, f64), Failure> {
        let began = Instant::now();
        let mut shots = Vec::with_capacity(requests);
        let mut flights: Vec<Flight> = Vec::new();
        let mut sent = 0;
        while shots.len() < requests {
            while sent < requests && flights.len() < self.concurrency {
                match self.send(sent) {
                    Ok(flight) => flights.push(flight),
                    Err(ErrorCode::HttpRequestDenied) => return Err(denied(self.target)),
                    Err(error) => shots.push(Shot { ms: 0.0, outcome: Err(word(&error)) }),
                }
                sent += 1;
            }
            if flights.is_empty() {
                continue;
            }
            let waits: Vec<&Pollable> = flights.iter().map(|it| &it.ready).collect();
            let mut ready = poll(&waits);
            ready.sort_unstable();
            for at in ready.into_iter().rev() {
                let flight = flights.swap_remove(at as usize);
                let outcome = end(&flight);
                if matches!(&outcome, Err(ErrorCode::HttpRequestDenied)) {
                    return Err(denied(self.target));
                }
                let ms = flight.began.elapsed().as_secs_f64() * 1e3;
                shots.push(Shot { ms, outcome: outcome.map_err(|it| word(&it)) });
            }
            progress(shots.len());
        }
        Ok((shots, began.elapsed().as_secs_f64()))
    }

    fn send(&self, at: usize) -> Result<Flight, ErrorCode> {
        let bytes = self.bodies.get(at % self.bodies.len().max(1)).map(Vec::as_slice).unwrap_or_default();
        let request = self.request(bytes)?;
        let body = if bytes.is_empty() { None } else { Some(request.body().map_err(|()| internal("body"))?) };
        let options = self.options()?;
        let began = Instant::now();
        let answer = outgoing_handler::handle(request, Some(options))?;
        if let Some(body) = body {
            write(body, bytes)?;
        }
        let ready = answer.subscribe();
        Ok(Flight { began, ready, answer })
    }

    fn request(&self, bytes: &[u8]) -> Result<OutgoingRequest, ErrorCode> {
        let target = self.target;
        let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
        if !bytes.is_empty() {
            headers.push(("content-type".to_owned(), b"application/json".to_vec()));
            headers.push(("content-length".to_owned(), bytes.len().to_string().into_bytes()));
        }
        headers.extend(target.authorization.iter().map(|it| ("authorization".to_owned(), it.clone().into_bytes())));
        let request = OutgoingRequest::new(Fields::from_list(&headers).map_err(|_| internal("headers"))?);
        let wrong = |what: &'static str| move |()| internal(what);
        let method = method_of(&target.method).unwrap_or(Method::Post);
        request.set_method(&method).map_err(wrong("method"))?;
        let scheme = if target.is_secure { Scheme::Https } else { Scheme::Http };
        request.set_scheme(Some(&scheme)).map_err(wrong("scheme"))?;
        request.set_authority(Some(&target.authority)).map_err(wrong("host"))?;
        request.set_path_with_query(Some(&target.path)).map_err(wrong("path"))?;
        Ok(request)
    }

    fn options(&self) -> Result<RequestOptions, ErrorCode> {
        let wait = Duration::from_millis(self.target.timeout_ms.max(1));
        let nanos = Some(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX));
        let options = RequestOptions::new();
        let unset = |()| internal("timeout");
        options.set_connect_timeout(nanos).map_err(unset)?;
        options.set_first_byte_timeout(nanos).map_err(unset)?;
        options.set_between_bytes_timeout(nanos).map_err(unset)?;
        Ok(options)
    }
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), ErrorCode> {
    let mut stream = body.write().map_err(|()| internal("body"))?;
    // A server may answer without reading all of it: what it says counts, not that the rest was not taken.
    let _ = stream.write_all(bytes).and_then(|()| std::io::Write::flush(&mut stream));
    // A stream has to end before its body does.
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
    Ok(())
}

/// The status, once the whole body is in.
fn end(flight: &Flight) -> Result<u16, ErrorCode> {
    let answer: IncomingResponse = match flight.answer.get() {
        Some(Ok(answer)) => answer?,
        _ => return Err(internal("answer")),
    };
    let body = answer.consume().map_err(|()| internal("answer"))?;
    let stream = body.stream().map_err(|()| internal("answer"))?;
    let read = std::io::copy(&mut stream.take(ANSWER), &mut std::io::sink());
    read.map_err(|_| ErrorCode::HttpResponseIncomplete)?;
    Ok(answer.status())
}

fn internal(what: &str) -> ErrorCode {
    ErrorCode::InternalError(Some(what.to_owned()))
}

/// A word for what went wrong, without what is of one request alone.
fn word(error: &ErrorCode) -> String {
    match error {
        ErrorCode::ConnectionTimeout | ErrorCode::HttpResponseTimeout | ErrorCode::ConnectionReadTimeout => {
            "timeout".to_owned()
        }
        ErrorCode::ConnectionRefused => "connection refused".to_owned(),
        ErrorCode::DnsError(_) | ErrorCode::DnsTimeout => "name not found".to_owned(),
        ErrorCode::HttpResponseIncomplete => "answer broke off".to_owned(),
        ErrorCode::InternalError(_) => "failed".to_owned(),
        other => format!("{other:?}"),
    }
}

fn denied(target: &Target) -> Failure {
    Failure::fatal(
        "http-denied",
        format!("{} is not granted: the function's log has the line to add to function.toml", target.authority),
    )
}
