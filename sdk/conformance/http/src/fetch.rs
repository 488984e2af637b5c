//! Reaching for the network: the answer says how far it came.

use std::io::Read as _;

use wasip2::http::{
    outgoing_handler,
    types::{ErrorCode, Fields, IncomingResponse, Method, OutgoingRequest, Scheme},
};

use crate::{Query, refused};

/// `GET http://{authority}{path}`: `<status> <bytes>`, or `error: <code>`.
pub(crate) fn get(query: &Query<'_>) -> String {
    let authority = query.get("authority").unwrap_or("127.0.0.1:80");
    match send(authority, query.get("path").unwrap_or("/")) {
        Ok((status, bytes)) => format!("{status} {bytes}"),
        Err(error) => format!("error: {error:?}"),
    }
}

fn send(authority: &str, path: &str) -> Result<(u16, usize), ErrorCode> {
    let request = OutgoingRequest::new(Fields::new());
    request.set_method(&Method::Get).map_err(refused)?;
    request.set_scheme(Some(&Scheme::Http)).map_err(refused)?;
    request.set_authority(Some(authority)).map_err(refused)?;
    request.set_path_with_query(Some(path)).map_err(refused)?;
    let promise = outgoing_handler::handle(request, None)?;
    promise.subscribe().block();
    let response = promise.get().ok_or_else(|| refused("not ready"))?.map_err(refused)??;
    Ok((response.status(), length(&response)?))
}

fn length(response: &IncomingResponse) -> Result<usize, ErrorCode> {
    let body = response.consume().map_err(refused)?;
    let mut stream = body.stream().map_err(refused)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map_err(refused)
}
