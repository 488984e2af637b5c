//! Fetching what a pipeline names by URL: the host's own client, with its own bounds.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, future, stream};
use host_core::{
    ports::{ArtifactError, ArtifactStream, Fetch, FetchError},
    size::{ByteSize, Millis},
};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use serde::{Deserialize, Serialize};

/// Bounds on what is fetched.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The most bytes one URL may give.
    pub size: ByteSize,
    /// How long to wait for a connection.
    pub connect: Millis,
    /// How long to wait for the next piece.
    pub idle: Millis,
    /// How long one fetch may take in all.
    pub timeout: Millis,
    /// How many redirects are followed.
    pub redirects: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            size: ByteSize(4 << 30),
            connect: Millis(10_000),
            idle: Millis(60_000),
            timeout: Millis(30 * 60_000),
            redirects: 5,
        }
    }
}

/// Fetches http and https URLs.
pub struct Fetcher {
    client: Client,
    most: u64,
}

/// The client could not be made, such as for want of root certificates.
#[derive(Debug, thiserror::Error)]
#[error("the client that fetches URLs could not be made: {0}")]
pub struct FetcherError(String);

impl Fetcher {
    /// A client with the given bounds.
    ///
    /// # Errors
    /// When TLS cannot be set up on this machine.
    pub fn new(config: &Config) -> Result<Self, FetcherError> {
        // An error means that another room installed one already, which will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let millis = |it: Millis| Duration::from_millis(it.0);
        let client = Client::builder()
            .connect_timeout(millis(config.connect))
            .read_timeout(millis(config.idle))
            .timeout(millis(config.timeout))
            .redirect(redirect::Policy::limited(config.redirects))
            .user_agent(concat!("weft/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| FetcherError(chain(&error)))?;
        Ok(Self { client, most: config.size.0 })
    }
}

#[async_trait]
impl Fetch for Fetcher {
    async fn fetch(&self, url: &str) -> Result<ArtifactStream, FetchError> {
        let address = address(url)?;
        let response = self.client.get(address).send().await.map_err(|error| failed(url, &error))?;
        check(url, response.status())?;
        if response.content_length().is_some_and(|size| size > self.most) {
            return Err(refused(url, format!("it has more than {} bytes", self.most)));
        }
        Ok(bounded(response, self.most))
    }
}

/// The URL, if it is one this host fetches.
fn address(url: &str) -> Result<Url, FetchError> {
    let address = Url::parse(url).map_err(|error| refused(url, error.to_string()))?;
    match address.scheme() {
        "http" | "https" => Ok(address),
        other => Err(refused(url, format!("{other} URLs are not fetched; use http or https"))),
    }
}

/// Whether an answer is one; a busy or broken server is worth asking again.
fn check(url: &str, status: StatusCode) -> Result<(), FetchError> {
    let again = status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS);
    if status.is_success() {
        Ok(())
    } else if again {
        Err(FetchError::Unreachable { url: url.to_owned(), reason: format!("the server answered {status}") })
    } else {
        Err(FetchError::Status { url: url.to_owned(), status: status.as_u16() })
    }
}

/// The bytes of `response`, ending in an error beyond `most`.
fn bounded(response: Response, most: u64) -> ArtifactStream {
    let pieces = response.bytes_stream().map_err(|error| ArtifactError::Source(chain(&error)));
    let counted = pieces.scan(0_u64, move |seen, piece| {
        let piece = piece.and_then(|bytes| {
            *seen += bytes.len() as u64;
            if *seen > most { Err(ArtifactError::TooLarge(most)) } else { Ok(bytes) }
        });
        future::ready(Some(piece))
    });
    // Whatever follows an error is not looked at.
    let until_error = stream::unfold(Some(counted.boxed()), |pieces| async {
        let mut pieces = pieces?;
        let piece = pieces.next().await?;
        let rest = piece.is_ok().then_some(pieces);
        Some((piece, rest))
    });
    until_error.boxed()
}

fn failed(url: &str, error: &reqwest::Error) -> FetchError {
    if error.is_redirect() {
        return refused(url, "it redirects too often".to_owned());
    }
    FetchError::Unreachable { url: url.to_owned(), reason: chain(error) }
}

fn refused(url: &str, reason: String) -> FetchError {
    FetchError::Refused { url: url.to_owned(), reason }
}

/// An error with its causes: reqwest's own text stops short of the reason.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// Answers every connection with `answer`; returns its address.
    async fn server(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut request = [0; 1024];
                let _ = connection.read(&mut request).await;
                let _ = connection.write_all(answer.as_bytes()).await;
            }
        });
        format!("http://{address}/")
    }

    fn fetcher(size: u64) -> Fetcher {
        Fetcher::new(&Config { size: ByteSize(size), ..Config::default() }).unwrap()
    }

    async fn text(url: &str, most: u64) -> Result<String, String> {
        let stream = fetcher(most).fetch(url).await.map_err(|error| error.to_string())?;
        let pieces: Vec<_> = stream.try_collect().await.map_err(|error| error.to_string())?;
        Ok(String::from_utf8(pieces.concat()).unwrap())
    }

    #[tokio::test]
    async fn a_url_gives_its_bytes_up_to_the_bound() {
        let url = server("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello").await;
        assert_eq!(text(&url, 100).await.unwrap(), "hello");
        assert!(text(&url, 4).await.unwrap_err().contains("more than 4 bytes"));
        let chunked =
            server("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
                .await;
        assert!(text(&chunked, 4).await.unwrap_err().contains("more than 4 bytes"));
    }

    #[tokio::test]
    async fn other_schemes_are_refused_and_statuses_told_apart() {
        for url in ["file:///etc/passwd", "ftp://example.com/x", "not a url"] {
            assert!(matches!(fetcher(9).fetch(url).await, Err(FetchError::Refused { .. })), "{url}");
        }
        let gone = server("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        assert!(matches!(fetcher(9).fetch(&gone).await, Err(FetchError::Status { status: 404, .. })));
        let busy = server("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        assert!(matches!(fetcher(9).fetch(&busy).await, Err(FetchError::Unreachable { .. })));
        let round = server("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        assert!(matches!(fetcher(9).fetch(&round).await, Err(FetchError::Refused { .. })));
    }
}
