//! A `wasi:http` component that greets, and imports no more than that takes: for the benchmarks of hosts, whose fresh
//! instances cost what they import. It knows nothing of Weft.

use wasip2::{
    exports::http::incoming_handler::Guest,
    http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam},
};

struct Server;

impl Guest for Server {
    fn handle(_: IncomingRequest, out: ResponseOutparam) {
        // Without its greeting or its end, the host sees an answer that was broken off.
        let _ = greet(out);
    }
}

const _: fn(IncomingRequest, ResponseOutparam) = <Server as Guest>::handle;

#[cfg(target_arch = "wasm32")]
wasip2::http::proxy::export!(Server);

fn greet(out: ResponseOutparam) -> Option<()> {
    let fields = Fields::new();
    fields.append("content-type", b"text/plain").ok()?;
    let response = OutgoingResponse::new(fields);
    let body = response.body().ok()?;
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().ok()?;
    stream.blocking_write_and_flush(b"Hello, World!").ok()?;
    // A stream has to end before its body does.
    drop(stream);
    OutgoingBody::finish(body, None).ok()
}
