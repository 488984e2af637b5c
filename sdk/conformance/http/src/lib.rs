//! A `wasi:http` component that does what the path says, for the tests of hosts. It knows nothing of Weft.

use std::io::{self, Write as _};

use wasip2::{
    exports::http::incoming_handler::Guest,
    http::types::{ErrorCode, Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam},
    io::streams::{OutputStream, StreamError},
};

mod fetch;
mod relay;
mod routes;

struct Server;

impl Guest for Server {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        // An error means that the client or the host is gone: there is nobody left to tell.
        let _ = routes::serve(path, &Query(query), &request, out);
    }
}

const _: fn(IncomingRequest, ResponseOutparam) = <Server as Guest>::handle;

#[cfg(target_arch = "wasm32")]
wasip2::http::proxy::export!(Server);

/// The query of a URL, taken apart as it is asked for. Nothing is unescaped.
struct Query<'a>(&'a str);

impl Query<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    fn number(&self, name: &str, default: u64) -> u64 {
        self.get(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    }
}

/// A response whose head is sent and whose body is being written.
struct Sending {
    body: OutgoingBody,
    stream: OutputStream,
}

impl Sending {
    fn begin(out: ResponseOutparam, status: u16, headers: &[(&str, &str)]) -> Result<Self, ErrorCode> {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        let fields = Fields::from_list(&headers).map_err(refused)?;
        let response = OutgoingResponse::new(fields);
        response.set_status_code(status).map_err(refused)?;
        let body = response.body().map_err(refused)?;
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().map_err(refused)?;
        Ok(Self { body, stream })
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        io::Write::flush(&mut self.stream)
    }

    fn end(self, trailers: Option<Fields>) -> Result<(), ErrorCode> {
        // A stream has to end before its body does.
        drop(self.stream);
        OutgoingBody::finish(self.body, trailers)
    }
}

fn refused(error: impl std::fmt::Debug) -> ErrorCode {
    ErrorCode::InternalError(Some(format!("{error:?}")))
}

/// Sends a whole response at once.
fn reply(out: ResponseOutparam, status: u16, body: &[u8]) -> Result<(), ErrorCode> {
    let mut sending = Sending::begin(out, status, &[("content-type", "text/plain")])?;
    sending.send(body).map_err(refused)?;
    sending.end(None)
}

/// Gives the body of a request to `take`, piece by piece as it arrives; then its trailers.
fn receive(
    request: &IncomingRequest,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<Vec<(String, Vec<u8>)>, ErrorCode> {
    let body = request.consume().map_err(refused)?;
    let stream = body.stream().map_err(refused)?;
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(piece) => take(&piece).map_err(refused)?,
            Err(StreamError::Closed) => break,
            Err(error) => return Err(refused(error)),
        }
    }
    drop(stream);
    let trailers = wasip2::http::types::IncomingBody::finish(body);
    trailers.subscribe().block();
    let fields = trailers.get().and_then(Result::ok).transpose()?.flatten();
    Ok(fields.map(|fields| fields.entries()).unwrap_or_default())
}
