//! What goes out and comes back.

use std::{io::Write as _, net::TcpListener, sync::Arc, thread};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::{Server, reached, site, told};
use crate::support::{Host, Options};

#[test]
fn bodies_stream_both_ways_through_a_function() {
    let server = Server::start();
    let host = site(&server, Options::default());
    let path = format!("/fn/site/relay?authority={}&path=/echo", server.authority());
    let mut wire = host.begin("POST", &path, &[("transfer-encoding", "chunked")]);
    wire.chunk("one").unwrap();
    assert_eq!(wire.head().unwrap().status, 200);
    assert_eq!(wire.piece().unwrap(), b"one");
    for piece in ["two", "three", "four"] {
        wire.chunk(piece).unwrap();
        assert_eq!(wire.piece().unwrap(), piece.as_bytes(), "each piece is back before the next is sent");
    }
    wire.chunk("").unwrap();
    assert!(wire.piece().unwrap().is_empty());
}

#[test]
fn a_large_body_goes_out_and_comes_back_whole() {
    let server = Server::start();
    let host = site(&server, Options::default());
    let path = format!("/fn/site/relay?authority={}&path=/echo", server.authority());
    let body: Vec<u8> = (0..20_u32 << 20).map(|it| u8::try_from(it % 251).unwrap()).collect();
    thread::scope(|scope| {
        let mut wire = host.begin("POST", &path, &[("content-length", &body.len().to_string())]);
        let mut sender = wire.other_end();
        let body = &body;
        scope.spawn(move || sender.write_all(body).unwrap());
        let head = wire.head().unwrap();
        assert!(wire.answer(head).unwrap().body == *body);
    });
}

#[test]
fn connections_are_kept_for_the_next_request() {
    let server = Server::start();
    let host = site(&server, Options::default());
    for _ in 0..5 {
        assert_eq!(reached(&host, &server, "/hello", ""), "200 5");
    }
    assert_eq!(server.accepted(), 1);
}

#[test]
fn header_fields_go_out_and_the_host_is_the_one_that_was_checked() {
    let server = Server::start();
    let host = site(&server, Options::default());
    let port = server.authority().trim_start_matches("127.0.0.1:");
    let path = format!("/fn/site/outgoing?authority=0x7f.1:{port}&path=/head&header=x-mine:yes&text=1");
    let (_, said) = host.get(&path);
    assert!(said.contains(&format!("host: {}\n", server.authority())), "{said}");
    assert!(said.contains("x-mine: yes\n"), "{said}");
}

#[test]
fn tls_trusts_the_roots_that_the_operator_adds() {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let port = speak_tls(config);
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, cert.pem()).unwrap();
    let ask = |options: Options| {
        let host = Host::start_with(options);
        let grants = format!("[grants]\nhttp = [{{ url = \"https://localhost:{port}\", private = true }}]\n");
        host.deploy("site", "conformance_http.wasm", &grants);
        let (_, said) = host.get(&format!("/fn/site/outgoing?scheme=https&authority=localhost:{port}&text=1"));
        (said, host)
    };
    let trusting = ask(Options::default().env("WEFT_ENGINE__OUTGOING__ROOTS", roots.to_str().unwrap()));
    assert_eq!(trusting.0, "200 hello");
    let (said, host) = ask(Options::default());
    assert_eq!(said, "error: ErrorCode::TlsCertificateError");
    let told = told(&host, 1);
    assert!(told[0].starts_with(&format!("a request to https://localhost:{port} failed: its certificate")), "{told:?}");
}

/// A server that greets over TLS, on a port of its own.
fn speak_tls(config: ServerConfig) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = Arc::new(config);
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let session = ServerConnection::new(config.clone()).unwrap();
            let mut stream = StreamOwned::new(session, connection);
            let mut request = [0; 4096];
            if std::io::Read::read(&mut stream, &mut request).is_ok() {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
                let _ = stream.write_all(answer);
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    port
}
