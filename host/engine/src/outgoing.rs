//! The requests a guest sends: each passes its function's policy first, and ends with the call that sent it.

use std::{sync::Arc, time::Instant};

use host_capabilities::{
    http::{BoxError, Options, Passage, Policy, Refusal, SendError},
    secret,
};
use host_core::grant::Destination;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::{current::Current, supervise::Watch};

/// What a function without an http grant may send.
const NOTHING: Policy = Policy::Granted(Vec::new());

/// What wasi:http asks the host about a guest.
pub(crate) struct Hooks {
    current: Arc<Current>,
    over: Instant,
}

type Exchange = Box<dyn Future<Output = Result<(), Error>> + Send>;

type Answer = Result<(Response<WasiBody>, Exchange), Error>;

impl Hooks {
    pub(crate) fn new(current: Arc<Current>, watch: &Watch) -> Self {
        Self { current, over: watch.deadline }
    }
}

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Exchange,
    ) -> Box<dyn Future<Output = Answer> + Send> {
        let asked = options.unwrap_or_default();
        let options = Options {
            connect: asked.connect_timeout,
            first_byte: asked.first_byte_timeout,
            between_bytes: asked.between_bytes_timeout,
            over: Some(self.over),
        };
        Box::new(send(self.current.clone(), request, options))
    }
}

async fn send(current: Arc<Current>, mut request: Request<WasiBody>, options: Options) -> Answer {
    let checked = match &current.ways.http {
        Some(reach) => reach.check(request.method(), request.uri()).map(|passage| (reach.clone(), passage)),
        None => Err(refusal(&request)),
    };
    let (reach, passage) = checked.map_err(|refusal| refused(&current, &refusal))?;
    fill(&current, &passage, &mut request)?;
    let sent = reach.send(&passage, request.map(|body| body.map_err(BoxError::from)), options).await;
    let tell = move |error: SendError| failed(&current, &passage, error);
    match sent {
        Ok(response) => {
            let response = response.map(|body| body.map_err(tell).boxed_unsync());
            Ok((response, Box::new(async { Ok(()) })))
        }
        Err(error) => Err(tell(error)),
    }
}

/// Puts secrets in the place of their placeholders in header fields. One that may not go there stops the request.
fn fill(current: &Current, passage: &Passage, request: &mut Request<WasiBody>) -> Result<(), Error> {
    let Some(held) = &current.held else { return Ok(()) };
    let to: Destination = passage.origin.to_string().parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    for value in request.headers_mut().values_mut() {
        match held.fill(value, &to) {
            Ok(Some(filled)) => *value = filled,
            Ok(None) => {}
            Err(refusal) => return Err(withheld(current, &refusal)),
        }
    }
    Ok(())
}

/// Tells the function which secret was not sent.
fn withheld(current: &Current, refusal: &secret::Refusal) -> Error {
    match refusal.line_to_add() {
        Some(line) => current.lines().note(&format!("{refusal}: add `{line}` under [grants]")),
        None => current.lines().note(&refusal.to_string()),
    }
    Error::HttpRequestDenied
}

/// Why a function without the grant may not send a request.
fn refusal(request: &Request<WasiBody>) -> Refusal {
    match NOTHING.check(request.method(), request.uri()) {
        Err(refusal) => refusal,
        Ok(passage) => Refusal::NotGranted { method: request.method().to_string(), origin: passage.origin },
    }
}

/// Tells the function what was refused and what to add to its manifest.
fn refused(current: &Current, refusal: &Refusal) -> Error {
    current.lines().note(&refusal.advice());
    Error::HttpRequestDenied
}

/// Tells the function why an exchange failed, and its guest as much as wasi:http has words for.
fn failed(current: &Current, passage: &Passage, error: SendError) -> Error {
    match &error {
        SendError::Refused(refusal) => return refused(current, refusal),
        // The guest broke off itself, or its call was over: nothing it would not know.
        SendError::Aborted | SendError::Over => {}
        other => current.lines().note(&format!("a request to {} failed: {other}", passage.origin)),
    }
    code(error)
}

fn code(error: SendError) -> Error {
    let short = |most: u64| Some(u32::try_from(most).unwrap_or(u32::MAX));
    match error {
        SendError::Refused(_) => Error::HttpRequestDenied,
        SendError::Busy => Error::ConnectionLimitReached,
        SendError::NoAddress { .. } => {
            Error::DnsError { rcode: Some("address not available".to_owned()), info_code: None }
        }
        SendError::Unreachable(..) => Error::ConnectionRefused,
        SendError::ConnectTimeout(_) => Error::ConnectionTimeout,
        SendError::Tls(_) => Error::TlsProtocolError,
        SendError::Certificate(_) => Error::TlsCertificateError,
        SendError::FirstByte(_) => Error::HttpResponseTimeout,
        SendError::BetweenBytes(_) => Error::ConnectionReadTimeout,
        SendError::Over => Error::ConnectionTerminated,
        SendError::RequestHead(most) => Error::HttpRequestHeaderSectionSize(short(most)),
        SendError::RequestBody(most) => Error::HttpRequestBodySize(Some(most)),
        SendError::ResponseHead(most) => Error::HttpResponseHeaderSectionSize(short(most)),
        SendError::ResponseBody(most) => Error::HttpResponseBodySize(Some(most)),
        SendError::Incomplete(_) => Error::HttpResponseIncomplete,
        SendError::Aborted | SendError::Protocol(_) => Error::HttpProtocolError,
    }
}
