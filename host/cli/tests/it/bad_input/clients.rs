//! Clients that are slow, rude or confused.

use super::{deploy_handler, host, host_with, still_serves};
use crate::support::{Options, until};

#[test]
fn a_client_that_never_finishes_its_head_is_sent_away() {
    let host = host_with(Options::default().env("WEFT_HEAD_S", "1"));
    let mut silent = host.connect();
    let mut slow = host.connect();
    slow.send("GET /fn/witness/hello HTTP/1.1\r\nx-mine: ").unwrap();
    // It may be about to speak HTTP/2, or to POST.
    let mut undecided = host.connect();
    undecided.send("P").unwrap();
    // Bytes that keep coming do not buy more time.
    let mut dripping = host.connect();
    dripping.send("GET / HTTP/1.1\r\nx: ").unwrap();
    until("the dripping client is cut off", || dripping.send("y").is_err().then_some(()));
    assert!(slow.is_closed() && silent.is_closed() && undecided.is_closed());
    still_serves(&host);
}

#[test]
fn a_client_that_never_finishes_its_body_is_answered_in_time() {
    let host = host();
    deploy_handler(&host, "timeout = \"500ms\"\n");
    host.deploy("site", "conformance_http.wasm", "record = \"all\"\n[limits]\ntimeout = \"500ms\"\n");
    for (path, status, code) in [("/fn/handler", 408, "slow-body"), ("/fn/site/upload", 504, "deadline")] {
        let mut wire = host.begin("POST", path, &[("content-length", "1000")]);
        wire.send("a part of it").unwrap();
        let head = wire.head().unwrap();
        let answer = wire.answer(head).unwrap();
        assert_eq!((answer.status, answer.problem()), (status, code.to_owned()), "{path}");
    }
    still_serves(&host);
}

#[test]
fn an_upload_that_pauses_too_long_is_given_up() {
    let host = host_with(Options::default().env("WEFT_API__UPLOAD_PAUSE", "300ms"));
    let paths = [
        ("PUT", format!("/api/v1/components/sha256:{}", "0".repeat(64))),
        ("POST", "/api/v1/projects/default/artifacts".to_owned()),
        ("POST", "/api/v1/projects/default/functions/witness/invoke".to_owned()),
        ("POST", "/v2/models/any/infer".to_owned()),
    ];
    for (method, path) in paths {
        let mut wire = host.begin(method, &path, &[("content-length", "1000")]);
        wire.send("a part of it").unwrap();
        let status = wire.head().unwrap().status;
        assert!(status == 400 || status == 408, "{path}: {status}");
    }
    still_serves(&host);
}

#[test]
fn what_is_no_request_is_refused_and_the_connection_closed() {
    let host = host();
    let long = format!("GET /fn/{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(500_000));
    let fields = "x-mine: y\r\n".repeat(500);
    let many = format!("GET /fn/witness/hello HTTP/1.1\r\nhost: x\r\n{fields}\r\n");
    let requests = [
        ("\u{16}\u{3}\u{1} hello, TLS\r\n\r\n", 400),
        ("GET /fn/witness/hello HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n", 400),
        ("GET /fn/witness/hello HTTP/1.1\r\nhost: x\r\nbad field: y\r\n\r\n", 400),
        (&long, 414),
        (&many, 431),
    ];
    for (request, status) in requests {
        let mut wire = host.connect();
        let _ = wire.send(request);
        assert_eq!(wire.head().unwrap().status, status, "{}", &request[..60.min(request.len())]);
        assert!(wire.is_closed());
    }
    still_serves(&host);
}

#[test]
fn a_crowd_of_idle_connections_keeps_nobody_out() {
    let host = host();
    let crowd: Vec<_> = (0..300).map(|_| host.connect()).collect();
    still_serves(&host);
    drop(crowd);
    still_serves(&host);
}
