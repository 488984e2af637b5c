//! URLs of pipelines: the same address rules, with redirects that are followed and checked one by one.

use futures_util::TryStreamExt as _;
use host_capabilities::{
    fetch::{self, Fetcher},
    http,
};
use host_core::ports::{Fetch as _, FetchError};

use crate::support::{HELLO, Names, Server, client};

type Answers<'a> = &'a [(&'a str, &'a [&'a [&'a str]])];

async fn fetch(names: Answers<'_>, private: bool, url: &str) -> Result<String, FetchError> {
    let client = client(Names::of(names), http::Config::default());
    let fetcher = Fetcher::new(&fetch::Config { private: Some(private), ..fetch::Config::default() }, &client);
    let pieces: Vec<_> = fetcher.fetch(url).await?.try_collect().await.unwrap();
    Ok(String::from_utf8(pieces.concat()).unwrap())
}

async fn redirecting(to: &str) -> Server {
    Server::saying(format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")).await
}

#[tokio::test]
async fn private_addresses_are_fetched_from_only_where_the_host_says_so() {
    let server = Server::saying(HELLO).await;
    let names: Answers<'_> = &[("data.internal", &[&["127.0.0.1"]])];
    for host in ["127.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]", "data.internal"] {
        let url = format!("http://{host}:{}/data.csv?signature=hidden", server.port());
        assert_eq!(fetch(names, true, &url).await.unwrap(), "hello", "{host}");
        let refused = fetch(names, false, &url).await.unwrap_err();
        assert!(matches!(&refused, FetchError::Refused { .. }), "{refused}");
        let told = refused.to_string();
        assert!(told.contains("a loopback address") && !told.contains("hidden"), "{told}");
    }
}

#[tokio::test]
async fn metadata_services_are_never_fetched_from() {
    let names: Answers<'_> = &[("innocent.example", &[&["169.254.169.254"]])];
    for url in ["http://169.254.169.254/latest", "http://0xa9fea9fe/", "http://innocent.example/"] {
        assert!(matches!(fetch(names, true, url).await, Err(FetchError::Refused { .. })), "{url}");
    }
}

#[tokio::test]
async fn redirects_are_followed_and_every_hop_is_checked() {
    let last = Server::saying(HELLO).await;
    let middle = redirecting(&format!("http://127.0.0.1:{}/end", last.port())).await;
    let first = redirecting(&format!("http://localhost.example:{}/middle", middle.port())).await;
    let url = format!("http://127.0.0.1:{}/", first.port());
    let names: Answers<'_> = &[("localhost.example", &[&["127.0.0.1"]])];
    assert_eq!(fetch(names, true, &url).await.unwrap(), "hello");
    for to in ["http://169.254.169.254/", "file:///etc/passwd", "http://user@127.0.0.1/", "http://[::]/"] {
        let server = redirecting(to).await;
        let refused = fetch(names, true, &format!("http://127.0.0.1:{}/", server.port())).await.unwrap_err();
        assert!(matches!(refused, FetchError::Refused { .. }), "{to}: {refused}");
    }
    let round = redirecting("/again").await;
    let refused = fetch(names, true, &format!("http://127.0.0.1:{}/", round.port())).await.unwrap_err();
    assert!(refused.to_string().contains("redirects too often"), "{refused}");
}
