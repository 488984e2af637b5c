//! Bounds on size and time, and servers that misbehave.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream;
use host_capabilities::http::{BoxError, Config, Options, SendError};
use host_core::size::{ByteSize, Millis};
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{HELLO, Names, Server, client, head, policy, send, text};

const SHORT: Millis = Millis(100);

/// A way to `server`, and a request to it.
fn to(server: &Server, config: Config) -> (host_capabilities::http::Reach, String) {
    let url = format!("http://127.0.0.1:{}", server.port());
    let reach = client(Names::of(&[]), config).reach(policy(&format!("{{ url = \"{url}\", private = true }}")));
    (reach, format!("POST {url}/"))
}

/// Answers with these bytes and then keeps quiet.
async fn stalling(answer: &'static str) -> Server {
    Server::start(move |mut connection: TcpStream| async move {
        head(&mut connection).await;
        let _ = connection.write_all(answer.as_bytes()).await;
        let _ = connection.read_u8().await;
    })
    .await
}

/// Answers with these bytes and then hangs up.
async fn dying(answer: &'static str) -> Server {
    Server::start(move |mut connection: TcpStream| async move {
        head(&mut connection).await;
        let _ = connection.write_all(answer.as_bytes()).await;
    })
    .await
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let server = stalling("").await;
    let (reach, request) = to(&server, Config { first_byte: SHORT, ..Config::default() });
    assert_eq!(text(&reach, &request).await.unwrap_err(), SendError::FirstByte(100));
}

#[tokio::test]
async fn a_response_that_stops_is_given_up() {
    let server = stalling("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhell").await;
    let (reach, request) = to(&server, Config { between_bytes: SHORT, ..Config::default() });
    assert_eq!(text(&reach, &request).await.unwrap_err(), SendError::BetweenBytes(100));
}

#[tokio::test]
async fn whoever_sends_can_only_ask_for_less() {
    let server = stalling("").await;
    let (reach, request) = to(&server, Config { first_byte: SHORT, ..Config::default() });
    let request = Request::post(request.split_once(' ').unwrap().1).body(Full::<Bytes>::default()).unwrap();
    let passage = reach.check(request.method(), request.uri()).unwrap();
    for (asked, got) in [(10, 10), (100_000, 100)] {
        let options = Options { first_byte: Some(Duration::from_millis(asked)), ..Options::default() };
        let error = reach.send(&passage, request.clone(), options).await.err().unwrap();
        assert_eq!(error, SendError::FirstByte(got));
    }
}

#[tokio::test]
async fn what_is_left_of_a_response_goes_with_its_call() {
    let server = stalling("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhell").await;
    let (reach, request) = to(&server, Config { per_function: 1, ..Config::default() });
    let request = Request::post(request.split_once(' ').unwrap().1).body(Full::<Bytes>::default()).unwrap();
    let passage = reach.check(request.method(), request.uri()).unwrap();
    let over = Instant::now() + Duration::from_millis(300);
    let options = Options { over: Some(over), ..Options::default() };
    let leaked = reach.send(&passage, request.clone(), options).await.unwrap();
    // Nobody reads it, nobody drops it; its turn is free all the same once its call is over.
    let next = reach.send(&passage, request, Options::default()).await.unwrap();
    assert_eq!(leaked.into_body().collect().await.unwrap_err(), SendError::Over);
    drop(next);
}

#[tokio::test]
async fn a_request_without_an_end_goes_with_its_call() {
    let server = stalling("").await;
    let (reach, request) = to(&server, Config::default());
    let never = StreamBody::new(stream::pending::<Result<Frame<Bytes>, BoxError>>());
    let request = Request::post(request.split_once(' ').unwrap().1).body(never).unwrap();
    let passage = reach.check(request.method(), request.uri()).unwrap();
    let options = Options { over: Some(Instant::now() + Duration::from_millis(100)), ..Options::default() };
    assert_eq!(reach.send(&passage, request, options).await.err().unwrap(), SendError::Over);
}

#[tokio::test]
async fn bodies_are_bounded_both_ways_whether_announced_or_not() {
    let config = || Config { request_body: ByteSize(4), response_body: ByteSize(4), ..Config::default() };
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for answer in [HELLO, chunked] {
        let server = Server::saying(answer).await;
        let (reach, request) = to(&server, config());
        assert_eq!(text(&reach, &request).await.unwrap_err(), SendError::ResponseBody(4));
    }
    let server = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfour").await;
    let (reach, request) = to(&server, config());
    assert_eq!(text(&reach, &request).await.unwrap(), "four");
    assert_eq!(send(&reach, &request, "12345").await.err().unwrap(), SendError::RequestBody(4));
}

#[tokio::test]
async fn heads_are_bounded_both_ways() {
    let long = "x".repeat(20_000);
    let server = Server::saying(format!("HTTP/1.1 200 OK\r\nx-long: {long}\r\ncontent-length: 0\r\n\r\n")).await;
    let (reach, request) = to(&server, Config { head: ByteSize(10_000), ..Config::default() });
    assert_eq!(text(&reach, &request).await.unwrap_err(), SendError::ResponseHead(10_000));
    let asked = send(&reach, &format!("{request}{long}"), "").await.err().unwrap();
    assert_eq!(asked, SendError::RequestHead(10_000));
}

#[tokio::test]
async fn a_server_that_dies_is_told_from_one_that_speaks_no_http() {
    let server = dying("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhell").await;
    let (reach, request) = to(&server, Config::default());
    let answer = send(&reach, &request, "").await.unwrap();
    assert!(matches!(answer.into_body().collect().await.unwrap_err(), SendError::Incomplete(_)));
    let (reach, request) = to(&dying("").await, Config::default());
    assert!(matches!(text(&reach, &request).await.unwrap_err(), SendError::Incomplete(_)));
    let (reach, request) = to(&dying("SSH-2.0-OpenSSH_9.6\r\n\r\n").await, Config::default());
    assert!(matches!(text(&reach, &request).await.unwrap_err(), SendError::Protocol(_)));
}

#[tokio::test]
async fn nobody_there_and_no_such_name_are_told_apart() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let entries = format!("{{ url = \"http://{gone}\", private = true }}, \"http://nowhere.example\"");
    let reach = client(Names::of(&[]), Config::default()).reach(policy(&entries));
    let refused = text(&reach, &format!("GET http://{gone}/")).await.unwrap_err();
    assert!(matches!(refused, SendError::Unreachable(..)), "{refused}");
    let unknown = text(&reach, "GET http://nowhere.example/?q=secret").await.unwrap_err();
    assert_eq!(unknown.to_string(), "nowhere.example has no address: no such name");
}

#[tokio::test]
async fn bodies_stream_both_ways_with_trailers() {
    let server = Server::start(|mut connection: TcpStream| async move {
        head(&mut connection).await;
        connection.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n").await.unwrap();
        let mut seen = String::new();
        let mut piece = [0; 1024];
        // Every piece goes back before the next one can come.
        while !seen.contains("0\r\n") {
            let count = connection.read(&mut piece).await.unwrap();
            seen.push_str(&String::from_utf8_lossy(&piece[..count]));
            connection.write_all(b"3\r\ngot\r\n").await.unwrap();
        }
        let _ = connection.write_all(b"0\r\nx-sum: 7\r\n\r\n").await;
    })
    .await;
    let (reach, request) = to(&server, Config::default());
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Frame<Bytes>, BoxError>>(1);
    let body = StreamBody::new(stream::unfold(receiver, |mut it| async move { Some((it.recv().await?, it)) }));
    let request = Request::post(request.split_once(' ').unwrap().1).body(body).unwrap();
    let passage = reach.check(request.method(), request.uri()).unwrap();
    sender.send(Ok(Frame::data("one".into()))).await.unwrap();
    let mut answer = reach.send(&passage, request, Options::default()).await.unwrap().into_body();
    for piece in ["two", "three"] {
        assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), "got");
        sender.send(Ok(Frame::data(piece.into()))).await.unwrap();
    }
    drop(sender);
    let rest = answer.collect().await.unwrap();
    assert_eq!(rest.trailers().unwrap()["x-sum"], "7");
}
