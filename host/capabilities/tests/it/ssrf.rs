//! Every way to a forbidden address that we know of, tried.

use std::sync::atomic::Ordering::Relaxed;

use host_capabilities::http::{Refusal, SendError};

use crate::support::{HELLO, Names, Server, reach, send, text};

/// How a request was refused: by its `policy`, or for the `address` that it leads to.
async fn refused(entries: &str, request: &str, names: &[(&str, &[&[&str]])]) -> &'static str {
    let (method, url) = request.split_once(' ').unwrap();
    if url.parse::<http::Uri>().is_err() {
        return "no URI";
    }
    let reach = reach(Names::of(names), entries);
    match send(&reach, &format!("{method} {url}"), "").await {
        Err(SendError::Refused(refusal)) => match *refusal {
            Refusal::Address { .. } => "address",
            Refusal::NotGranted { .. } | Refusal::OtherPath { .. } => "policy",
            Refusal::Origin(_) | Refusal::Tunnel(_) => "unclear",
        },
        Err(other) => panic!("{request}: {other}"),
        Ok(_) => "sent",
    }
}

#[tokio::test]
async fn no_spelling_of_a_private_address_gets_through() {
    for (entry, request) in [
        ("http://127.0.0.1:9", "GET http://127.0.0.1:9/"),
        ("http://127.0.0.1:9", "GET http://127.1:9/"),
        ("http://127.0.0.1:9", "GET http://2130706433:9/"),
        ("http://127.0.0.1:9", "GET http://0x7f000001:9/"),
        ("http://127.0.0.1:9", "GET http://0x7F.0.0.0x1:9/"),
        ("http://127.0.0.1:9", "GET http://0177.0.0.01:9/"),
        ("http://127.0.0.1:9", "GET http://017700000001:9/"),
        ("http://127.0.0.1:9", "GET http://127.0.0.1.:9/"),
        ("http://127.0.0.1:9", "GET http://[::ffff:127.0.0.1]:9/"),
        ("http://127.0.0.1:9", "GET http://[::ffff:7f00:1]:9/"),
        ("http://127.8.8.8", "GET http://127.8.8.8/"),
        ("http://10.0.0.1", "GET http://10.0.0.1/"),
        ("http://10.0.0.1", "GET http://10.1/"),
        ("http://10.0.0.1", "GET http://167772161/"),
        ("http://172.16.0.1", "GET http://172.16.0.1/"),
        ("http://192.168.0.1", "GET http://192.168.1/"),
        ("http://169.254.169.254", "GET http://169.254.169.254/latest/meta-data/"),
        ("http://169.254.169.254", "GET http://0xa9fea9fe/latest/meta-data/"),
        ("http://169.254.169.254", "GET http://2852039166/"),
        ("http://169.254.169.254", "GET http://[::ffff:a9fe:a9fe]/"),
        ("http://100.64.0.1", "GET http://100.64.0.1/"),
        ("http://0.0.0.0", "GET http://0/"),
        ("http://0.0.0.0", "GET http://0.0.0.0/"),
        ("http://255.255.255.255", "GET http://4294967295/"),
        ("http://224.0.0.1", "GET http://224.0.0.1/"),
        ("http://198.18.0.1", "GET http://198.18.0.1/"),
        ("http://203.0.113.7", "GET http://203.0.113.7/"),
        ("http://[::1]", "GET http://[::1]/"),
        ("http://[::1]", "GET http://[0:0:0:0:0:0:0:1]/"),
        ("http://[::]", "GET http://[::]/"),
        ("http://[::7f00:1]", "GET http://[::127.0.0.1]/"),
        ("http://[fe80::1]", "GET http://[fe80::1]/"),
        ("http://[fd00::1]", "GET http://[FD00::1]/"),
        ("http://[fd00:ec2::254]", "GET http://[fd00:ec2::254]/"),
        ("http://[64:ff9b::7f00:1]", "GET http://[64:ff9b::127.0.0.1]/"),
        ("http://[64:ff9b::a9fe:a9fe]", "GET http://[64:ff9b::169.254.169.254]/"),
        ("http://[2002:7f00:1::]", "GET http://[2002:7f00:1::]/"),
        ("http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "GET http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/"),
        ("http://[ff02::1]", "GET http://[ff02::1]/"),
    ] {
        assert_eq!(refused(&format!("\"{entry}\""), request, &[]).await, "address", "{request}");
    }
}

#[tokio::test]
async fn what_only_looks_like_a_granted_host_is_not_granted() {
    for request in [
        "GET http://api.example.com/",
        "GET https://api.example.com:8443/",
        "GET https://api.example.com:444/",
        "GET https://api.example.com.evil.org/",
        "GET https://evil.org/https://api.example.com/",
        "GET https://xn--pi-8ia.example.com/",
        "GET https://api-example.com/",
        "GET https://1.1.1.1/",
    ] {
        assert_eq!(refused("\"https://api.example.com\"", request, &[]).await, "policy", "{request}");
    }
    for request in [
        "GET https://api.example.com@evil.org/",
        "GET https://api.example.com:443@127.0.0.1/",
        "GET https://user:password@api.example.com/",
        "GET https://api.example.com:0/",
        "GET https://api.example.com:443:80/",
        "GET https://api.example.com\\@evil.org/",
        "GET https://api.example.com%00.evil.org/",
        "GET https://api.example.com%2f@evil.org/",
        "CONNECT https://api.example.com/",
    ] {
        let how = refused("\"https://api.example.com\"", request, &[]).await;
        assert!(matches!(how, "unclear" | "no URI"), "{request}: {how}");
    }
}

#[tokio::test]
async fn a_name_with_one_forbidden_address_is_refused() {
    for list in [
        &["127.0.0.1"][..],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["::1"],
        &["::ffff:10.0.0.1"],
        &["93.184.216.34", "127.0.0.1"],
        &["2606:2800:220:1::1", "fd00::1"],
    ] {
        for (entry, host) in [("http://a.io", "a.io"), ("http://*.a.io", "x.a.io"), ("http://a.io", "A.IO.")] {
            let names: &[(&str, &[&[&str]])] = &[("a.io", &[list]), ("x.a.io", &[list])];
            let how = refused(&format!("\"{entry}\""), &format!("GET http://{host}/"), names).await;
            assert_eq!(how, "address", "{host}: {list:?}");
        }
    }
}

#[tokio::test]
async fn a_resolver_that_changes_its_mind_is_asked_once_and_every_answer_checked() {
    let server = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello").await;
    let url = format!("http://rebind.example:{}", server.port());
    // Private at first, as granted; then a metadata service, which no name may lead to.
    let names = Names::of(&[("rebind.example", &[&["127.0.0.1"], &["169.254.169.254"]])]);
    let reach = reach(names.clone(), &format!("{{ url = \"{url}\", private = true }}"));
    assert_eq!(text(&reach, &format!("GET {url}/")).await.unwrap(), "hello");
    assert_eq!((server.accepted(), names.asked.load(Relaxed)), (1, 1), "what was checked is what was connected to");
    let refused = text(&reach, &format!("GET {url}/")).await.unwrap_err();
    assert!(refused.to_string().contains("a metadata service's address"), "{refused}");
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_private_entry_leads_where_it_says_and_no_farther() {
    let server = Server::saying(HELLO).await;
    let port = server.port();
    let names = || Names::of(&[("db.internal", &[&["127.0.0.1"]]), ("other.internal", &[&["127.0.0.1"]])]);
    let both = format!("{{ url = \"http://db.internal:{port}\", private = true }}, \"http://other.internal:{port}\"");
    let reach = reach(names(), &both);
    assert_eq!(text(&reach, &format!("GET http://db.internal:{port}/")).await.unwrap(), "hello");
    let refused = text(&reach, &format!("GET http://other.internal:{port}/")).await.unwrap_err();
    let SendError::Refused(refusal) = refused else { panic!("{refused}") };
    let line = format!("{{ url = \"http://other.internal:{port}\", private = true }}");
    assert_eq!(refusal.line_to_add(), Some(line));
    let entry = format!("{{ url = \"http://127.0.0.1:{port}\", private = true }}");
    assert_eq!(
        text(&crate::support::reach(names(), &entry), &format!("GET http://0x7f.1:{port}/")).await.unwrap(),
        "hello"
    );
    for metadata in ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254"] {
        let names: &[(&str, &[&[&str]])] = &[("db.internal", &[&[metadata]])];
        let entry = "{ url = \"http://db.internal\", private = true }";
        assert_eq!(refused_with(entry, names).await, "address", "{metadata}");
    }
}

async fn refused_with(entry: &str, names: &[(&str, &[&[&str]])]) -> &'static str {
    refused(entry, "GET http://db.internal/", names).await
}

#[tokio::test]
async fn a_connection_to_a_private_address_serves_no_request_that_may_not_go_there() {
    let server = Server::saying(HELLO).await;
    let port = server.port();
    let names = Names::of(&[("db.internal", &[&["127.0.0.1"]])]);
    let entries = format!(
        "{{ url = \"http://db.internal:{port}\", methods = [\"GET\"], private = true }}, \"POST http://db.internal:{port}\""
    );
    let reach = reach(names, &entries);
    assert_eq!(text(&reach, &format!("GET http://db.internal:{port}/")).await.unwrap(), "hello");
    let refused = text(&reach, &format!("POST http://db.internal:{port}/")).await.unwrap_err();
    assert!(matches!(refused, SendError::Refused(_)), "{refused}");
}

#[tokio::test]
async fn redirects_are_answers_and_each_hop_is_asked_anew() {
    let inner = Server::saying(HELLO).await;
    let to = format!("http://127.0.0.1:{}/secret", inner.port());
    let outer = Server::saying(format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")).await;
    let names = Names::of(&[("a.internal", &[&["127.0.0.1"]])]);
    let url = format!("http://a.internal:{}", outer.port());
    let reach = reach(names, &format!("{{ url = \"{url}\", private = true }}"));
    let answer = send(&reach, &format!("GET {url}/"), "").await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()), (302, to.as_str()));
    assert_eq!(inner.accepted(), 0);
    let hop = send(&reach, &format!("GET {to}"), "").await.err().unwrap();
    assert!(matches!(hop, SendError::Refused(_)), "{hop}");
}
