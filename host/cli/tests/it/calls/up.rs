//! The host itself: how it starts, drains, restarts, and what it is configured with.

use std::{net::TcpListener, process::Output};

use serde_json::Value;

use super::{GRANTS, REVISION, event, revisions, with};
use crate::support::{Host, Options, command};

#[test]
fn a_call_in_flight_is_finished_before_the_host_stops() {
    let mut host = Host::start();
    host.deploy("site", "conformance_http.wasm", "record = \"all\"\n");
    let mut wire = host.begin("GET", "/fn/site/slow?n=5&ms=200", &[]);
    let head = wire.head().unwrap();
    assert_eq!(wire.piece().unwrap(), b"piece 0\n");
    let status = host.terminate();
    let answer = wire.answer(head).unwrap();
    assert_eq!(answer.text(), "piece 1\npiece 2\npiece 3\npiece 4\n");
    assert_eq!(status.code(), Some(0));
    assert!(std::net::TcpStream::connect(host.url("").trim_start_matches("http://")).is_err());
    host.restart();
    assert_eq!(host.calls("function=site", 1)[0]["status"], 200, "its record was written before the end");
}

#[test]
fn what_was_deployed_answers_after_a_restart() {
    let mut host = Host::start();
    host.deploy("hello", "conformance_http.wasm", "record = \"all\"\n");
    host.deploy("hello", "conformance_http.wasm", "record = \"all\"\nversion = \"2.0.0\"\n");
    host.deploy("shout", "conformance_handler.wasm", GRANTS);
    host.json(&["rollback", "hello"]);
    event(&host, "shout", "print", "1");
    host.get("/fn/hello/hello");
    assert_eq!(host.terminate().code(), Some(0));
    host.restart();
    assert_eq!(host.ask("GET", "/fn/hello/hello", &[], b"").field(REVISION), Some("hello@1"));
    assert_eq!(event(&host, "shout", "upper", "hi").1, "HI");
    assert_eq!(revisions(&host, "hello"), [2, 1]);
    assert_eq!(host.calls("function=hello", 2).len(), 2);
    assert_eq!(host.json_lines(&["logs", "shout"])[0]["message"], "out 0");
}

#[test]
fn what_was_deployed_answers_after_a_power_cut() {
    let mut host = Host::start();
    host.deploy("hello", "conformance_http.wasm", "");
    host.kill();
    host.restart();
    assert_eq!(host.get("/fn/hello/hello"), (200, "Hello, World!".to_owned()));
}

#[test]
fn a_host_says_whether_it_is_ready() {
    let host = Host::start();
    for path in ["/healthz", "/readyz"] {
        let health = host.get_json(path);
        assert_eq!((&health["status"], &health["dropped_records"]), (&"ok".into(), &0.into()));
    }
}

/// `fn up` that must not start.
fn refused(args: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = command(&[&["up"], args].concat()).output().unwrap();
    assert!(stdout.is_empty(), "it started: {}", String::from_utf8_lossy(&stdout));
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_data_folder_belongs_to_one_host() {
    let host = Host::start();
    let folder = host.data().join("host");
    let (code, error) = refused(&["--listen", "127.0.0.1:0", "--data", folder.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(error.contains("is in use by another host (process "), "{error}");
    assert!(error.contains("stop it, or choose another folder"), "{error}");
    assert_eq!(host.get("/readyz").0, 200);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let (code, error) = refused(&["--listen", &address, "--data", folder.path().to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(error.contains(&format!("could not listen on {address}")) && error.contains("hint: "), "{error}");
}

#[test]
fn a_host_without_tokens_listens_to_this_machine_only() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:7070"] {
        let (code, error) = refused(&["--listen", address]);
        assert_eq!(code, 4);
        assert!(error.contains("tokens would travel in the clear") && error.contains("--tls-cert"), "{error}");
    }
}

/// Every setting, as `fn config show` tells it.
fn settings(args: &[&str], env: &[(&str, &str)], folder: &std::path::Path) -> Vec<Value> {
    let output = command(&[&["config", "show", "--json"], args].concat())
        .envs(env.iter().copied())
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_setting_says_where_it_came_from() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("weft.toml"), "drain_s = 5\n[engine]\nslots = 7\nwarm = 3\n").unwrap();
    let env = [("WEFT_ENGINE__SLOTS", "9"), ("WEFT_DISPATCH__SLOW", "2s")];
    let all = settings(&["--listen", "127.0.0.1:1234"], &env, folder.path());
    let told = |key: &str| {
        let setting = with(&all, "key", key);
        (setting["value"].clone(), setting["source"].as_str().unwrap().to_owned())
    };
    assert_eq!(told("listen"), ("127.0.0.1:1234".into(), "flag".to_owned()));
    assert_eq!(told("threads"), (0.into(), "default".to_owned()));
    let (slots, source) = told("engine.slots");
    assert_eq!(slots, 9, "the environment goes before the file");
    assert!(source.contains("WEFT_"), "{source}");
    assert_eq!(told("dispatch.slow").0, "2s");
    for (key, value) in [("engine.warm", 3), ("drain_s", 5)] {
        let (told, source) = told(key);
        assert_eq!(told, value);
        assert!(source.ends_with("weft.toml"), "{source}");
    }

    let other = folder.path().join("other.toml");
    std::fs::write(&other, "threads = 2\n").unwrap();
    let all = settings(&["--config", other.to_str().unwrap()], &[], folder.path());
    assert_eq!(with(&all, "key", "threads")["value"], 2);
    assert_eq!(with(&all, "key", "engine.warm")["value"], 64, "weft.toml is not read when another file is named");
}

#[test]
fn a_running_host_says_what_it_is_configured_with() {
    let host = Host::start_with(Options::default().env("WEFT_DISPATCH__MAX_WAITING", "17"));
    let settings = host.get_json("/api/v1/config");
    let waiting = with(settings["items"].as_array().unwrap(), "key", "dispatch.max_waiting").clone();
    assert_eq!(waiting["value"], 17);
}

#[test]
fn warm_instances_are_bounded_in_uses() {
    let host = Host::start_with(Options::default().env("WEFT_ENGINE__WARM_USES", "2"));
    host.deploy("site", "conformance_http.wasm", "");
    let counts: Vec<_> = (0..4).map(|_| host.get("/fn/site/count").1).collect();
    assert_eq!(counts, ["1", "2", "1", "2"]);
}
