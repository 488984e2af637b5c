//! The head of a request as it goes out: to the host that was checked, under that host's name, within bounds.

use host_core::grant::Origin;
use http::{HeaderMap, HeaderName, Request, Uri, header, uri::PathAndQuery};

use super::error::SendError;

/// What concerns one connection alone, and is the client's own to say.
const OF_THE_CONNECTION: [HeaderName; 9] = [
    header::CONNECTION,
    header::HOST,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
];

/// What a field costs beside its name and value, as HTTP/2 counts.
const FIELD_BYTES: usize = 32;

/// The same request, addressed to `origin` whatever it said of hosts before.
pub(super) fn address<B>(mut request: Request<B>, origin: &Origin, most: u64) -> Result<Request<B>, SendError> {
    let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let uri = Uri::builder().scheme(origin.scheme.as_str()).authority(origin.authority()).path_and_query(path).build();
    *request.uri_mut() = uri.map_err(|error| SendError::Protocol(error.to_string()))?;
    for name in &OF_THE_CONNECTION {
        request.headers_mut().remove(name);
    }
    let size = request.uri().path().len() + request.uri().query().map_or(0, str::len) + size(request.headers());
    if size as u64 > most { Err(SendError::RequestHead(most)) } else { Ok(request) }
}

fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_BYTES).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_no_other_host_than_the_one_that_was_checked() {
        let request = Request::get("http://0x7f.1:8080/a?b=c").header("host", "elsewhere").header("x-mine", "1");
        let origin = Origin::of(&"http://127.0.0.1:8080/".parse().unwrap()).unwrap();
        let request = address(request.body(()).unwrap(), &origin, 1000).unwrap();
        assert_eq!(request.uri(), "http://127.0.0.1:8080/a?b=c");
        assert_eq!(request.headers().get("host"), None);
        assert_eq!(request.headers()["x-mine"], "1");
        assert_eq!(address(request, &origin, 20).unwrap_err(), SendError::RequestHead(20));
    }
}
