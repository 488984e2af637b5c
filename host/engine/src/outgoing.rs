//! The requests a guest sends: every one passes the function's rule first.

use host_capabilities::http::Outgoing;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// What wasi:http asks the host about a guest.
pub(crate) struct Hooks;

type Exchange = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Exchange,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Exchange), Error>> + Send> {
        let answer = match Outgoing::default().check(request.uri()) {
            Err(denied) => {
                tracing::debug!(%denied, "outgoing request");
                Error::HttpRequestDenied
            }
            // No rule allows anything yet, so there is no client to send it with.
            Ok(()) => Error::ConfigurationError,
        };
        Box::new(async { Err(answer) })
    }
}
