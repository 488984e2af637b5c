//! An answer read to its end, as far as it can be kept.

use ::http::{HeaderMap, Response, header};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use host_core::ports::KeptResponse;

use crate::http::problem::Problem;

/// What is kept, and what the client gets.
pub(super) struct Kept {
    pub(super) response: KeptResponse,
    pub(super) answer: Response<Body>,
}

/// Reads an answer of at most `most` bytes. A larger one is not kept, and goes on to the client as it comes.
pub(super) async fn read(answer: Response<Body>, most: usize) -> Kept {
    let (head, body) = answer.into_parts();
    let status = head.status.as_u16();
    let headers = texts(&head.headers);
    let mut rest = body.into_data_stream();
    let mut read = BytesMut::new();
    while let Some(piece) = rest.next().await {
        let Ok(piece) = piece else { return broken() };
        read.extend_from_slice(&piece);
        if read.len() > most {
            let read = stream::once(async move { Ok(read.freeze()) });
            let answer = Response::from_parts(head, Body::from_stream(read.chain(rest)));
            return Kept { response: KeptResponse { status, headers, body: None }, answer };
        }
    }
    let body = read.freeze();
    let answer = Response::from_parts(head, Body::from(body.clone()));
    Kept { response: KeptResponse { status, headers, body: Some(body) }, answer }
}

fn broken() -> Kept {
    let answer = Problem::broken_answer().into_response();
    let (status, headers) = (answer.status().as_u16(), texts(answer.headers()));
    let body = Some(Bytes::from_static(b""));
    Kept { response: KeptResponse { status, headers, body }, answer }
}

/// Headers that are text and speak of the answer rather than of the connection.
fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let of_connection = [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH, header::TRAILER];
    let kept = headers.iter().filter(|(name, _)| !of_connection.contains(name));
    kept.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect()
}
