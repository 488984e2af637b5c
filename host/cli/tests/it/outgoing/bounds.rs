//! Servers that are slow, silent, dead or too generous: the guest hears of it, and so does whoever reads its log.

use super::{Server, reached, site, told};
use crate::support::Options;

#[test]
fn a_guest_may_wait_less_than_the_host_allows() {
    let server = Server::start();
    let host = site(&server, Options::default());
    assert_eq!(reached(&host, &server, "/silent", "&first=50"), "error: ErrorCode::HttpResponseTimeout");
    assert!(reached(&host, &server, "/stall", "&between=50").starts_with("error: "));
    let told = told(&host, 2);
    let from = format!("a request to {} failed: ", server.url);
    assert_eq!(
        told,
        [format!("{from}no response began within 50 ms"), format!("{from}no more of the response came within 50 ms")]
    );
}

#[test]
fn a_guest_cannot_wait_longer_than_the_host_allows() {
    let server = Server::start();
    let options = Options::default().env("WEFT_ENGINE__OUTGOING__FIRST_BYTE", "50ms");
    let host = site(&server, options.env("WEFT_ENGINE__OUTGOING__BETWEEN_BYTES", "50ms"));
    assert_eq!(reached(&host, &server, "/silent", "&first=100000"), "error: ErrorCode::HttpResponseTimeout");
    assert!(reached(&host, &server, "/stall", "&between=100000").starts_with("error: "));
    assert_eq!(reached(&host, &server, "/hello", ""), "200 5");
}

#[test]
fn a_server_that_dies_in_the_middle_breaks_the_response_off() {
    let server = Server::start();
    let host = site(&server, Options::default());
    assert!(reached(&host, &server, "/die", "").starts_with("error: "));
    assert!(told(&host, 1)[0].contains("the connection ended early"));
    let path = format!("/fn/site/relay?authority={}&path=/die", server.authority());
    let mut wire = host.begin("GET", &path, &[]);
    // How much of the half still arrives is a matter of who is faster; the end never does.
    if let Ok(head) = wire.head() {
        assert_eq!(head.status, 200);
        let told = wire.piece().and_then(|half| Ok([half, wire.piece()?]));
        assert!(told.is_err(), "what is half is not told as whole: {told:?}");
    }
    assert_eq!(reached(&host, &server, "/hello", ""), "200 5");
}

#[test]
fn a_response_that_is_too_large_is_cut_off() {
    let server = Server::start();
    let host = site(&server, Options::default().env("WEFT_ENGINE__OUTGOING__RESPONSE_BODY", "1KiB"));
    assert_eq!(reached(&host, &server, "/large/1024", ""), "200 1024");
    assert_eq!(reached(&host, &server, "/large/1025", ""), "error: ErrorCode::HttpResponseBodySize(Some(1024))");
    assert!(told(&host, 1)[0].contains("the response's body has more than 1024 bytes"));
}

#[test]
fn nobody_there_is_told_as_such() {
    let server = Server::start();
    let host = site(&server, Options::default());
    let gone = server.url.clone();
    drop(server);
    let (_, said) = host.get(&format!("/fn/site/outgoing?authority={}", gone.trim_start_matches("http://")));
    assert_eq!(said, "error: ErrorCode::ConnectionRefused");
    assert!(told(&host, 1)[0].contains("cannot be reached"));
}
