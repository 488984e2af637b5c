//! Fetching what a pipeline names by URL: under the address rules of all outgoing requests, with bounds of its own.

use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use host_core::{
    ports::{ArtifactError, ArtifactStream, Fetch, FetchError, shown_url},
    size::{ByteSize, Millis},
};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::http::{Addresses, Client, Download, Limits, Options, Policy, Reach, SendError};

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
    /// Whether private addresses may be fetched from; yes, when nobody says. Metadata services never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            size: ByteSize(4 << 30),
            connect: Millis(10_000),
            idle: Millis(60_000),
            timeout: Millis(30 * 60_000),
            redirects: 5,
            private: None,
        }
    }
}

/// Fetches http and https URLs.
pub struct Fetcher {
    reach: Reach,
    config: Config,
}

impl Fetcher {
    /// A fetcher with the given bounds, that goes out through `client`.
    #[must_use]
    pub fn new(config: &Config, client: &Client) -> Self {
        let addresses = if config.private.unwrap_or(true) { Addresses::Private } else { Addresses::Public };
        let limits = Limits {
            connect: config.connect,
            first_byte: config.idle,
            between_bytes: config.idle,
            request_body: ByteSize(0),
            response_body: config.size,
        };
        Self { reach: client.reach_within(Policy::Anywhere(addresses), limits), config: config.clone() }
    }

    /// One request, whatever it answers.
    async fn get(&self, url: &Url, over: Instant) -> Result<Response<Download>, FetchError> {
        let request = Request::get(url.as_str())
            .header(header::USER_AGENT, concat!("weft/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT, "*/*")
            .body(Empty::<Bytes>::new())
            .map_err(|error| refused(url, error.to_string()))?;
        let passage = self.reach.check(request.method(), request.uri());
        let passage = passage.map_err(|refusal| refused(url, refusal.to_string()))?;
        let options = Options { over: Some(over), ..Options::default() };
        self.reach.send(&passage, request, options).await.map_err(|error| failed(url, error))
    }
}

#[async_trait]
impl Fetch for Fetcher {
    async fn fetch(&self, url: &str) -> Result<ArtifactStream, FetchError> {
        let mut url = address(url)?;
        let over = Instant::now() + self.config.timeout.duration();
        for _ in 0..=self.config.redirects {
            let response = self.get(&url, over).await?;
            match next(&url, response.status(), response.headers())? {
                Some(next) => url = next,
                None => {
                    check(&url, response.status())?;
                    return Ok(bytes_of(response.into_body()));
                }
            }
        }
        Err(refused(&url, "it redirects too often".to_owned()))
    }
}

/// The URL, if it is one this host fetches.
fn address(text: &str) -> Result<Url, FetchError> {
    let wrong = |reason: String| FetchError::Refused { url: without_query(text), reason };
    let mut url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
    match url.scheme() {
        "http" | "https" => {
            url.set_fragment(None);
            Ok(url)
        }
        other => Err(wrong(format!("{other} URLs are not fetched; use http or https"))),
    }
}

/// Where a redirect leads; `None` for an answer of its own. What began over TLS does not go on without.
fn next(url: &Url, status: StatusCode, headers: &HeaderMap) -> Result<Option<Url>, FetchError> {
    let redirects = [301, 302, 303, 307, 308].contains(&status.as_u16());
    let Some(location) = headers.get(header::LOCATION).filter(|_| redirects) else { return Ok(None) };
    let next = location.to_str().ok().and_then(|it| url.join(it).ok());
    let next = next.ok_or_else(|| refused(url, "it redirects to no URL".to_owned()))?;
    if url.scheme() == "https" && next.scheme() != "https" {
        return Err(refused(url, format!("it redirects from https to {}", next.scheme())));
    }
    address(next.as_str()).map(Some)
}

/// Whether an answer is one; a busy or broken server is worth asking again.
fn check(url: &Url, status: StatusCode) -> Result<(), FetchError> {
    let again = status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS);
    let url = without_query(url.as_str());
    if status.is_success() {
        Ok(())
    } else if again {
        Err(FetchError::Unreachable { url, reason: format!("the server answered {status}") })
    } else {
        Err(FetchError::Status { url, status: status.as_u16() })
    }
}

/// The bytes of a body. Whatever follows an error is not looked at.
fn bytes_of(body: Download) -> ArtifactStream {
    let pieces = body.into_data_stream().map(|piece| {
        piece.map_err(|error| match error {
            SendError::ResponseBody(most) => ArtifactError::TooLarge(most),
            SendError::Over => ArtifactError::Source("it took longer than a fetch may take".into()),
            other => ArtifactError::Source(other.to_string()),
        })
    });
    let until_error = stream::unfold(Some(pieces.boxed()), |pieces| async {
        let mut pieces = pieces?;
        let piece = pieces.next().await?;
        let rest = piece.is_ok().then_some(pieces);
        Some((piece, rest))
    });
    until_error.boxed()
}

/// What asking again may help against, and what it may not.
fn failed(url: &Url, error: SendError) -> FetchError {
    match error {
        SendError::Refused(refusal) => refused(url, refusal.to_string()),
        SendError::ResponseBody(most) => refused(url, format!("it has more than {most} bytes")),
        other => FetchError::Unreachable { url: without_query(url.as_str()), reason: other.to_string() },
    }
}

fn refused(url: &Url, reason: String) -> FetchError {
    FetchError::Refused { url: without_query(url.as_str()), reason }
}

/// A URL as it may be told: signed ones carry their signature in the query, others a password before the host.
fn without_query(url: &str) -> String {
    shown_url(url)
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;
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

    fn client() -> Client {
        Client::new(crate::http::Config::default()).unwrap()
    }

    fn fetcher(size: u64) -> Fetcher {
        Fetcher::new(&Config { size: ByteSize(size), ..Config::default() }, &client())
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
        for secret in ["ftp://ann:secret@example.com/x?sig=secret", "http://ann:secret@169.254.169.254/x?sig=secret"] {
            let told = fetcher(9).fetch(secret).await.err().map(|it| it.to_string()).unwrap_or_default();
            assert!(told.contains("/x") && !told.contains("secret"), "{told}");
        }
        let gone = server("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        assert!(matches!(fetcher(9).fetch(&gone).await, Err(FetchError::Status { status: 404, .. })));
        let busy = server("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        assert!(matches!(fetcher(9).fetch(&busy).await, Err(FetchError::Unreachable { .. })));
        let round = server("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        assert!(matches!(fetcher(9).fetch(&round).await, Err(FetchError::Refused { .. })));
    }

    #[test]
    fn a_redirect_leads_on_and_never_from_https_to_http() {
        let next = |from: &str, to: &str| {
            let headers = HeaderMap::from_iter([(header::LOCATION, to.parse().unwrap())]);
            let next = next(&from.parse().unwrap(), StatusCode::FOUND, &headers);
            next.map(|it| it.unwrap().to_string()).map_err(|error| error.to_string())
        };
        assert_eq!(next("https://a.io/x/y?z", "../w").unwrap(), "https://a.io/w");
        assert_eq!(next("http://a.io/", "https://b.io/").unwrap(), "https://b.io/");
        assert!(next("https://a.io/", "http://a.io/").unwrap_err().contains("from https to http"));
        let told = next("https://a.io/?token=x", "file:///etc/passwd").unwrap_err();
        assert!(told.contains("https://a.io/") && !told.contains("token"), "{told}");
        let plain = super::next(&"http://a.io/".parse().unwrap(), StatusCode::FOUND, &HeaderMap::new());
        assert_eq!(plain.unwrap(), None);
    }
}
