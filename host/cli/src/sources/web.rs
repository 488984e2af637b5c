//! Files of static mirrors, fetched over HTTP.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use marketplace::client::Download;
use reqwest::StatusCode;

/// Fetches with the client's own HTTP.
pub(super) struct Web(pub(super) reqwest::Client);

#[async_trait]
impl Download for Web {
    async fn get(&self, url: &str, most: u64) -> Result<Option<Bytes>, String> {
        let answer = self.0.get(url).send().await.map_err(|error| cause(&error))?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !answer.status().is_success() {
            return Err(format!("it answered {}", answer.status()));
        }
        let (mut stream, mut bytes) = (answer.bytes_stream(), BytesMut::new());
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| cause(&error))?;
            if (bytes.len() + piece.len()) as u64 > most {
                return Err(format!("it sent more than {most} bytes"));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(bytes.freeze()))
    }
}

/// The last cause, which is what happened; the error itself repeats the URL.
fn cause(error: &reqwest::Error) -> String {
    let last = std::iter::successors(std::error::Error::source(error), |it| it.source()).last();
    last.map_or_else(|| error.to_string(), ToString::to_string)
}
