//! Connections that functions open: to the servers they were granted, and what everyone is told when they may not.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use serde_json::{Value, json};

use crate::support::{Host, Options, until};

/// Answers each line in capitals and hangs up; waits for the line as long as it takes.
struct Server {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, accepted) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let count = accepted.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                count.fetch_add(1, SeqCst);
                std::thread::spawn(move || {
                    let mut line = String::new();
                    if BufReader::new(&stream).read_line(&mut line).is_ok_and(|it| it > 0) {
                        let _ = stream.write_all(line.to_uppercase().as_bytes());
                    }
                });
            }
        });
        Self { address, accepted }
    }

    fn port(&self) -> u16 {
        self.address.port()
    }
}

fn deploy(host: &Host, grants: &str) {
    host.deploy("sockets", "conformance_sockets.wasm", &format!("[limits]\ntimeout = \"5s\"\n[grants]\n{grants}\n"));
}

fn attempt(host: &Host, attempt: &Value) -> (u16, Value) {
    let (status, body) = host.post("/fn/sockets", "application/json", attempt.to_string().as_bytes());
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

fn say(host: &Host, to: &str) -> Value {
    let (status, said) = attempt(host, &json!({ "try": "say", "to": to, "text": "hello\n" }));
    assert_eq!(status, 200, "{said}");
    said
}

/// What the host has to say in the log of the function, once it said so much: the last of it.
fn told(host: &Host, at_least: usize) -> String {
    until("the log of the function is written", || {
        let lines = host.json_lines(&["logs", "sockets"]);
        let of_host = lines.iter().filter(|it| it["stream"] == "host");
        let told: Vec<_> = of_host.map(|it| it["message"].as_str().unwrap().to_owned()).collect();
        told.last().filter(|_| told.len() >= at_least).cloned()
    })
}

#[test]
fn following_the_advice_leads_to_an_address() {
    let (host, server) = (Host::start(), Server::start());
    let to = server.address.to_string();
    deploy(&host, "");
    assert_eq!(say(&host, &to), json!({ "error": "permission denied" }));
    assert_eq!(told(&host, 1), "a connection is not granted: add \"<host>:<port>\" to `tcp` under [grants]");
    deploy(&host, "tcp = [\"db.example.com:5432\"]");
    assert_eq!(say(&host, &to), json!({ "error": "permission denied" }));
    let line = format!(
        "a connection to {to} is not granted, and no granted name led there: add \"{to}\" to `tcp` under [grants]"
    );
    assert_eq!(told(&host, 2), line);
    deploy(&host, &format!("tcp = [\"{to}\"]"));
    assert_eq!(say(&host, &to), json!({ "error": "permission denied" }));
    let advice = format!("add {{ to = \"{to}\", private = true }} to `tcp` under [grants]");
    assert_eq!(told(&host, 3), format!("{to} is refused: 127.0.0.1 is a loopback address: {advice}"));
    assert_eq!(server.accepted.load(SeqCst), 0);
    deploy(&host, &format!("tcp = [{{ to = \"{to}\", private = true }}]"));
    assert_eq!(say(&host, &to), json!({ "heard": "HELLO\n" }));
    assert_eq!(server.accepted.load(SeqCst), 1);
}

#[test]
fn a_name_leads_to_its_port_alone() {
    let (host, server, other) = (Host::start(), Server::start(), Server::start());
    let to = format!("localhost:{}", server.port());
    deploy(&host, &format!("tcp = [{{ to = \"{to}\", private = true }}]"));
    assert_eq!(say(&host, &to), json!({ "heard": "HELLO\n" }));
    // The name was looked up, and still leads to none of its other ports.
    assert_eq!(say(&host, &format!("localhost:{}", other.port())), json!({ "error": "permission denied" }));
    assert_eq!(other.accepted.load(SeqCst), 0);
    deploy(&host, &format!("tcp = [\"{to}\"]"));
    say(&host, &to);
    let refused = told(&host, 2);
    assert!(refused.starts_with(&format!("{to} is refused: ")) && refused.contains("loopback"), "{refused}");
}

#[test]
fn names_that_are_not_granted_are_not_looked_up() {
    let host = Host::start();
    deploy(&host, "tcp = [\"db.example.com:5432\"]");
    assert!(say(&host, "canary.evil.example:5432")["error"].is_string());
    let line = "a connection to canary.evil.example:<port> is not granted: add \"canary.evil.example:<port>\" to `tcp` under [grants]";
    assert_eq!(told(&host, 1), line);
}

#[test]
fn nobody_listens_and_nobody_sends_datagrams() {
    let (host, server) = (Host::start(), Server::start());
    deploy(&host, &format!("tcp = [{{ to = \"{}\", private = true }}]", server.address));
    for at in ["127.0.0.1:0", "0.0.0.0:0", &server.address.to_string()] {
        let (_, said) = attempt(&host, &json!({ "try": "listen", "at": at }));
        assert!(said["error"].is_string(), "{at}: {said}");
    }
    let (_, said) = attempt(&host, &json!({ "try": "datagram", "to": server.address.to_string() }));
    assert!(said["error"].is_string(), "{said}");
}

#[test]
fn connections_have_a_bound_and_are_given_back() {
    let server = Server::start();
    let host = Host::start_with(Options::default().env("WEFT_ENGINE__OUTGOING__CONNECTIONS_PER_FUNCTION", "3"));
    let to = server.address.to_string();
    deploy(&host, &format!("tcp = [{{ to = \"{to}\", private = true }}]"));
    for _ in 0..3 {
        let (_, said) = attempt(&host, &json!({ "try": "hold", "to": to, "count": 5 }));
        assert_eq!(said, json!({ "held": 3 }));
    }
    assert!(told(&host, 1).contains("connections_per_function"));
    assert_eq!(say(&host, &to), json!({ "heard": "HELLO\n" }));
}

#[test]
fn a_server_that_says_nothing_is_waited_for_no_longer_than_the_call_may_take() {
    let (host, server) = (Host::start(), Server::start());
    let to = server.address.to_string();
    let grants = format!("[limits]\ntimeout = \"500ms\"\n[grants]\ntcp = [{{ to = \"{to}\", private = true }}]\n");
    host.deploy("sockets", "conformance_sockets.wasm", &grants);
    let (status, _) = attempt(&host, &json!({ "try": "say", "to": to, "text": "no end of line" }));
    assert_eq!(status, 504);
}

#[test]
fn a_mistake_in_the_grant_is_told_with_its_line() {
    let host = Host::start();
    let folder = host.function("sockets", "conformance_sockets.wasm", "[grants]\ntcp = [\"db.example.com\"]\n");
    let (_, said) = host.fails(&["deploy", folder.to_str().unwrap()]);
    assert!(said.contains("`db.example.com` is not a tcp grant: it has no port"), "{said}");
    assert!(said.contains("function.toml:4"), "{said}");
}
