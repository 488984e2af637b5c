//! Reaching for the network: the answer says how far it came.

use std::io::Read as _;

use wasip2::http::{
    outgoing_handler,
    types::{ErrorCode, Fields, IncomingResponse, Method, OutgoingRequest, RequestOptions, Scheme},
};

use crate::{Query, refused};

/// `{method} {scheme}://{authority}{path}`: `<status> <bytes>`, or `error: <code>`. With `text`, the body follows.
pub(crate) fn get(query: &Query<'_>) -> String {
    match send(query) {
        Ok((status, body)) if query.get("text").is_some() => format!("{status} {}", String::from_utf8_lossy(&body)),
        Ok((status, body)) => format!("{status} {}", body.len()),
        Err(error) => format!("error: {error:?}"),
    }
}

fn send(query: &Query<'_>) -> Result<(u16, Vec<u8>), ErrorCode> {
    let request = request(query, "GET")?;
    let promise = outgoing_handler::handle(request, options(query)?)?;
    promise.subscribe().block();
    let response = promise.get().ok_or_else(|| refused("not ready"))?.map_err(refused)??;
    Ok((response.status(), whole(&response)?))
}

/// The request that the query describes: `method`, `scheme`, `authority`, `path`, and `header` as `name:value`.
pub(crate) fn request(query: &Query<'_>, method: &str) -> Result<OutgoingRequest, ErrorCode> {
    let headers = query.get("header").and_then(|it| it.split_once(':'));
    let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    let request = OutgoingRequest::new(Fields::from_list(&headers).map_err(refused)?);
    let scheme = if query.get("scheme") == Some("https") { Scheme::Https } else { Scheme::Http };
    request.set_method(&named(query.get("method").unwrap_or(method))).map_err(refused)?;
    request.set_scheme(Some(&scheme)).map_err(refused)?;
    request.set_authority(Some(query.get("authority").unwrap_or("127.0.0.1:80"))).map_err(refused)?;
    request.set_path_with_query(Some(query.get("path").unwrap_or("/"))).map_err(refused)?;
    Ok(request)
}

/// The timeouts that the query asks for, in milliseconds: `connect`, `first`, `between`.
pub(crate) fn options(query: &Query<'_>) -> Result<Option<RequestOptions>, ErrorCode> {
    let nanos = |name: &str| query.get(name).and_then(|it| it.parse::<u64>().ok()).map(|ms| ms * 1_000_000);
    let options = RequestOptions::new();
    options.set_connect_timeout(nanos("connect")).map_err(refused)?;
    options.set_first_byte_timeout(nanos("first")).map_err(refused)?;
    options.set_between_bytes_timeout(nanos("between")).map_err(refused)?;
    Ok(Some(options))
}

fn named(method: &str) -> Method {
    match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        other => Method::Other(other.to_owned()),
    }
}

fn whole(response: &IncomingResponse) -> Result<Vec<u8>, ErrorCode> {
    let body = response.consume().map_err(refused)?;
    let mut stream = body.stream().map_err(refused)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map_err(refused)?;
    Ok(bytes)
}
