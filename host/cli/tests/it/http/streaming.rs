//! Bodies as they stream: both ways at once, with trailers, and broken off at either end.

use super::{deploy_site, failed, site};

#[test]
fn a_body_comes_back_while_it_is_still_being_sent() {
    let host = site("");
    let mut wire = host.begin("POST", "/fn/site/echo", &[("transfer-encoding", "chunked")]);
    wire.chunk("one").unwrap();
    let head = wire.head().unwrap();
    assert_eq!((head.status, head.field("transfer-encoding")), (200, Some("chunked")));
    assert_eq!(wire.piece().unwrap(), b"one");
    for piece in ["two", "three", "four"] {
        wire.chunk(piece).unwrap();
        assert_eq!(wire.piece().unwrap(), piece.as_bytes());
    }
    wire.chunk("").unwrap();
    assert!(wire.piece().unwrap().is_empty());
}

#[test]
fn a_large_body_goes_through_in_both_directions() {
    let host = site("[limits]\nmax_body = \"32MiB\"\n");
    let body: Vec<u8> = (0..20_u32 << 20).map(|it| u8::try_from(it % 251).unwrap()).collect();
    assert!(host.get("/fn/site/large?bytes=5000000").1.len() == 5_000_000);
    assert_eq!(host.ask("POST", "/fn/site/upload", &[], &body).text(), body.len().to_string());
    std::thread::scope(|scope| {
        let mut wire = host.begin("POST", "/fn/site/echo", &[("content-length", &body.len().to_string())]);
        let mut sender = wire.other_end();
        scope.spawn({
            let body = &body;
            move || std::io::Write::write_all(&mut sender, body).unwrap()
        });
        let head = wire.head().unwrap();
        assert!(wire.answer(head).unwrap().body == body);
    });
}

#[test]
fn trailers_go_in_and_come_out() {
    let host = site("");
    let fields = [("transfer-encoding", "chunked"), ("trailer", "x-mine"), ("te", "trailers")];
    let mut wire = host.begin("POST", "/fn/site/trailers", &fields);
    wire.chunk("abc").unwrap();
    wire.send("0\r\nx-mine: yes\r\n\r\n").unwrap();
    let head = wire.head().unwrap();
    let answer = wire.answer(head).unwrap();
    assert_eq!(answer.text(), "abc");
    let mut trailers = answer.trailers;
    trailers.sort_unstable();
    assert_eq!(trailers, [("x-bytes", "3"), ("x-mine", "yes")].map(|(name, value)| (name.into(), value.into())));
}

#[test]
fn a_piece_arrives_when_it_is_written() {
    let host = site("");
    let mut wire = host.begin("GET", "/fn/site/slow?n=3&ms=50", &[]);
    wire.head().unwrap();
    for number in 0..3 {
        assert_eq!(wire.piece().unwrap(), format!("piece {number}\n").as_bytes());
    }
    assert!(wire.piece().unwrap().is_empty());
}

#[test]
fn a_client_that_goes_away_while_it_sends_ends_its_call() {
    let host = site("");
    let mut wire = host.begin("POST", "/fn/site/echo", &[("transfer-encoding", "chunked")]);
    wire.chunk("one").unwrap();
    wire.head().unwrap();
    assert_eq!(wire.piece().unwrap(), b"one", "the guest is in the middle of it");
    drop(wire);
    assert_eq!(failed(&host, "cancelled")["verdict"], "transient");
    assert_eq!(host.get("/fn/site/hello").0, 200);
}

#[test]
fn a_client_that_goes_away_before_the_answer_ends_its_call() {
    let host = site("[limits]\ntimeout = \"1h\"\n");
    let mut wire = host.begin("GET", "/fn/site/slow?n=1000000&ms=20", &[]);
    wire.head().unwrap();
    wire.piece().unwrap();
    drop(wire);
    failed(&host, "cancelled");

    let mut wire = host.begin("POST", "/fn/site/upload", &[("content-length", "1000")]);
    wire.send("the rest never comes").unwrap();
    drop(wire);
    let call = &host.calls("", 2)[0];
    assert_eq!((&call["status"], &call["failure"]["code"]), (&serde_json::Value::Null, &"cancelled".into()), "{call}");
}

#[test]
fn an_answer_that_breaks_off_never_looks_whole() {
    let host = site("");
    let mut wire = host.begin("GET", "/fn/site/trap-midway", &[]);
    let head = wire.head().unwrap();
    // The trap may overtake the first half.
    assert!(head.status == 500 || wire.answer(head).is_err());
    failed(&host, "trap");

    deploy_site(&host, "[limits]\ntimeout = \"2s\"\n");
    let mut wire = host.begin("GET", "/fn/site/slow?n=1000000&ms=20", &[]);
    let head = wire.head().unwrap();
    assert_eq!(head.status, 200);
    assert!(wire.answer(head).is_err(), "the deadline holds for the whole of the answer");
    failed(&host, "deadline");
}

#[test]
fn a_connection_serves_one_request_after_another() {
    let host = site("");
    let mut wire = host.connect();
    for _ in 0..3 {
        wire.send("GET /fn/site/hello HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let head = wire.head().unwrap();
        assert_eq!(wire.answer(head).unwrap().text(), "Hello, World!");
    }
    // Two at once: the answers come in order.
    let one = "GET /fn/site/status/201 HTTP/1.1\r\nhost: localhost\r\n\r\n";
    wire.send(format!("{one}{}", one.replace("201", "202"))).unwrap();
    for status in [201, 202] {
        let head = wire.head().unwrap();
        assert_eq!(head.status, status);
        wire.answer(head).unwrap();
    }
}

#[test]
fn http_2_is_spoken_to_those_who_begin_with_it() {
    let host = site("");
    // One TLS implementation has to be chosen, although nothing here is encrypted; another test may have done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().http2_prior_knowledge().no_proxy().build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async {
        let answer = client.post(host.url("/fn/site/echo")).body("both ways").send().await.unwrap();
        (answer.version(), answer.text().await.unwrap())
    });
    assert_eq!(answer, (reqwest::Version::HTTP_2, "both ways".to_owned()));
}
