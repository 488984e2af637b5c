//! Requests: bodies that stream both ways, and everything that breaks off in between.

use bytes::Bytes;
use futures_util::{FutureExt as _, stream};
use host_core::{
    body::{self, Body, BodyError},
    call::{Call, Called, End, Finished, Reply},
    event::{FailureKind, code},
};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::sync::mpsc;

use crate::support::{Host, failed, finished};

fn request(path: &str, body: Body) -> Call {
    Call::Http(Request::post(path).header("host", "example.com").body(body).unwrap())
}

fn get(path: &str) -> Call {
    request(path, body::empty())
}

/// The response of a call, and its end.
fn answered(called: Called) -> (Response<Body>, End) {
    match called.reply {
        Ok(Reply::Http(response)) => (response, called.end),
        Ok(_) => panic!("another kind of reply"),
        Err(failure) => panic!("{failure:?}"),
    }
}

/// The whole of a call: status, body and end.
async fn whole(called: Called) -> (u16, String, Finished) {
    let (response, end) = answered(called);
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap(), finished(end).await)
}

/// A body that is sent piece by piece.
fn pieces() -> (mpsc::UnboundedSender<Result<Frame<Bytes>, BodyError>>, Body) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let frames = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    (sender, StreamBody::new(frames).boxed_unsync())
}

fn data(text: &'static str) -> Result<Frame<Bytes>, BodyError> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

#[tokio::test]
async fn a_component_that_knows_nothing_of_weft_says_hello() {
    let host = Host::new();
    let http = host.http("").await;
    let called = host.call(&http, get("/hello")).await;
    assert!(matches!(called.end, End::Now(_)), "a short answer is whole at once");
    let (status, body, end) = whole(called).await;
    assert_eq!((status, body.as_str()), (200, "Hello, World!"));
    assert_eq!((end.usage.bytes_in, end.usage.bytes_out, end.failure), (0, 13, None));
    let (status, ..) = whole(host.call(&http, get("/status/418")).await).await;
    assert_eq!(status, 418);
}

#[tokio::test]
async fn a_request_made_inside_the_host_needs_no_host_header() {
    let host = Host::new();
    let http = host.http("").await;
    let bare = Call::Http(Request::get("/describe?a=b").header("x-more", "yes").body(body::empty()).unwrap());
    let (_, body, _) = whole(host.call(&http, bare).await).await;
    assert!(body.contains("a=b") && body.contains("x-more: yes"), "{body}");
}

#[tokio::test]
async fn bodies_stream_both_ways_at_once() {
    let host = Host::new();
    let http = host.http("").await;
    let (sender, body) = pieces();
    sender.send(data("one")).unwrap();
    let (response, end) = answered(host.call(&http, request("/echo", body)).await);
    let mut body = response.into_body();
    for (expected, next) in [("one", Some("two")), ("two", Some("three")), ("three", None)] {
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.data_ref().unwrap(), expected, "it comes back before more is sent");
        match next {
            Some(next) => sender.send(data(next)).unwrap(),
            None => break,
        }
    }
    drop(sender);
    assert!(body.frame().await.is_none());
    let end = finished(end).await;
    assert_eq!((end.usage.bytes_in, end.usage.bytes_out, end.failure), (11, 11, None));
    assert!(end.usage.cpu_us > 0);
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let host = Host::new();
    let http = host.http("").await;
    let (sender, body) = pieces();
    sender.send(data("four")).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-check", "sum".parse().unwrap());
    sender.send(Ok(Frame::trailers(trailers))).unwrap();
    drop(sender);
    let (response, _) = answered(host.call(&http, request("/trailers", body)).await);
    let collected = response.into_body().collect().await.unwrap();
    let trailers = collected.trailers().unwrap();
    assert_eq!([&trailers["x-bytes"], &trailers["x-check"]], ["4", "sum"]);
    assert_eq!(collected.to_bytes(), "four");
}

#[tokio::test]
async fn a_large_response_arrives_whole() {
    let host = Host::new();
    let http = host.http("").await;
    let (_, body, end) = whole(host.call(&http, get("/large?bytes=3000000")).await).await;
    assert_eq!((body.len(), end.usage.bytes_out, end.failure), (3_000_000, 3_000_000, None));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_as_soon_as_it_is_known() {
    let host = Host::new();
    let http = host.http("max_body = \"1KiB\"").await;
    let told = Request::post("/upload").header("content-length", "1025").body(body::empty()).unwrap();
    assert_eq!(failed(host.call(&http, Call::Http(told)).await), code::TOO_LARGE);
    let (sender, body) = pieces();
    for _ in 0..3 {
        sender.send(Ok(Frame::data(Bytes::from(vec![b'x'; 512])))).unwrap();
    }
    let called = host.call(&http, request("/upload", body)).await;
    let failure = called.reply.err().unwrap();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Invalid, code::TOO_LARGE));
    let (sender, body) = pieces();
    sender.send(data("x")).unwrap();
    let (response, end) = answered(host.call(&http, request("/echo", body)).await);
    let mut body = response.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().data_ref().unwrap(), "x");
    sender.send(Ok(Frame::data(Bytes::from(vec![b'x'; 1024])))).unwrap();
    let broken = body.collect().await.err().unwrap();
    assert!(matches!(broken, BodyError::TooLarge(_) | BodyError::Guest(_)), "{broken}");
    finished(end).await;
}

#[tokio::test]
async fn a_guest_need_not_read_its_body() {
    let host = Host::new();
    let http = host.http("").await;
    let (sender, body) = pieces();
    sender.send(data("never read")).unwrap();
    let (status, body, end) = whole(host.call(&http, request("/ignore-body", body)).await).await;
    assert_eq!((status, body.as_str(), end.failure), (200, "ignored", None));
}

#[tokio::test]
async fn a_guest_that_fails_before_its_answer_fails_the_call() {
    let host = Host::new();
    let http = host.http("timeout = \"100ms\"\nmemory = \"16MiB\"").await;
    let answers = [
        ("/trap", code::TRAP),
        ("/spin", code::DEADLINE),
        ("/silent?ms=60000", code::DEADLINE),
        ("/grow", code::MEMORY_LIMIT),
        ("/no-response", code::NO_RESPONSE),
        ("/error", code::NO_RESPONSE),
    ];
    for (path, expected) in answers {
        let called = host.call(&http, get(path)).await;
        let failure = called.reply.err().unwrap();
        assert_eq!(failure.code, expected, "{path}: {}", failure.message);
        assert_eq!(finished(called.end).await.failure, Some(failure), "{path}");
    }
    let (_, count, _) = whole(host.call(&http, get("/count")).await).await;
    assert_eq!(count, "1", "none of those instances was kept");
}

#[tokio::test]
async fn a_guest_that_fails_while_it_streams_breaks_its_body() {
    let host = Host::new();
    let http = host.http("timeout = \"200ms\"").await;
    // A trap right after the first piece comes before anything was sent, so the call can still fail as a whole.
    let called = host.call(&http, get("/trap-midway")).await;
    assert_eq!(failed(called), code::TRAP);
    let (response, end) = answered(host.call(&http, get("/slow?n=1000&ms=20")).await);
    let broken = response.into_body().collect().await.err().unwrap();
    assert!(matches!(&broken, BodyError::Guest(why) if why.contains("limits.timeout")), "{broken}");
    let end = finished(end).await;
    assert_eq!(end.failure.unwrap().code, code::DEADLINE);
    assert!(end.usage.bytes_out > 0);
}

#[tokio::test]
async fn a_client_that_goes_away_is_not_the_functions_fault() {
    let host = Host::new();
    let http = host.http("").await;
    let (response, end) = answered(host.call(&http, get("/flood")).await);
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    let failure = finished(end).await.failure;
    assert!(failure.as_ref().is_none_or(|it| it.code == code::CANCELLED), "{failure:?}");
}

#[tokio::test]
async fn a_client_that_breaks_off_its_request_is_told_apart() {
    let host = Host::new();
    let http = host.http("").await;
    let (sender, body) = pieces();
    sender.send(data("begun")).unwrap();
    sender.send(Err(BodyError::Disconnected)).unwrap();
    let called = host.call(&http, request("/upload", body)).await;
    let end = finished(called.end).await;
    assert_ne!(end.failure.map(|it| it.code).as_deref(), Some(code::TRAP));
}

#[tokio::test]
async fn a_stream_nobody_reads_ends_at_its_deadline() {
    let host = Host::new();
    let http = host.http("timeout = \"150ms\"").await;
    let (response, end) = answered(host.call(&http, get("/flood")).await);
    // The body is held and not read: the guest fills what room there is and waits.
    let end = finished_while_held(end, &response).await;
    assert_eq!(end.failure.unwrap().code, code::DEADLINE);
}

async fn finished_while_held(end: End, _held: &Response<Body>) -> Finished {
    finished(end).await
}

#[tokio::test]
async fn outgoing_requests_are_denied() {
    let host = Host::new();
    let http = host.http("").await;
    let (_, body, _) = whole(host.call(&http, get("/outgoing?authority=127.0.0.1:1")).await).await;
    assert!(body.contains("HttpRequestDenied"), "{body}");
}

#[tokio::test]
async fn an_instance_is_kept_warm_between_requests() {
    let host = Host::new();
    let http = host.http("").await;
    for expected in ["1", "2", "3"] {
        let (_, count, end) = whole(host.call(&http, get("/count")).await).await;
        assert_eq!(count, expected);
        assert_eq!(end.usage.fresh, expected == "1");
    }
    let (sender, body) = pieces();
    sender.send(data("x")).unwrap();
    drop(sender);
    whole(host.call(&http, request("/echo", body)).await).await;
    let (_, count, _) = whole(host.call(&http, get("/count")).await).await;
    assert_eq!(count, "5", "a streamed answer wears an instance no more than others");
}

#[tokio::test]
async fn a_short_answer_has_a_known_length() {
    let host = Host::new();
    let http = host.http("").await;
    let (response, _) = answered(host.call(&http, get("/hello")).await);
    let mut body = response.into_body();
    let size = http_body::Body::size_hint(&body).exact();
    assert_eq!(size, Some(13));
    assert!(body.frame().now_or_never().is_some(), "it is there already");
}
