//! The load against a server that answers by a script.

use std::net::Ipv4Addr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

/// Answers every request on every connection with `answer`; gives its address.
async fn server(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 1024];
                while connection.read(&mut request).await.is_ok_and(|length| length > 0) {
                    if connection.write_all(answer.as_bytes()).await.is_err() || answer.contains("close") {
                        return;
                    }
                }
            });
        }
    });
    address
}

async fn outcome(answer: &'static str) -> Outcome {
    let address = server(answer).await;
    let request = Request::get("/hello").encode("localhost");
    load(address, request, 2, Duration::from_millis(30)).await
}

#[tokio::test]
async fn answers_are_counted_whatever_their_framing() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
    ] {
        let outcome = outcome(answer).await;
        assert!(outcome.requests >= 2, "{answer}: {outcome:?}");
        assert_eq!((outcome.failures, &outcome.first_failure), (0, &None), "{answer}");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_success_is_a_failure_with_its_text() {
    let outcome = outcome("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy").await;
    assert!(outcome.failures > 0);
    assert_eq!(outcome.first_failure.as_deref(), Some("status 503: busy"));
}

#[tokio::test]
async fn what_is_not_http_is_a_failure() {
    let outcome = outcome("I am no server\r\n\r\n").await;
    assert_eq!(outcome.requests, 0);
    assert!(outcome.first_failure.unwrap().contains("not HTTP"));
}

#[tokio::test]
async fn nobody_there_is_a_failure() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcome = load(address, Request::get("/").encode("x"), 3, Duration::from_millis(10)).await;
    assert_eq!((outcome.requests, outcome.failures), (0, 3));
}
