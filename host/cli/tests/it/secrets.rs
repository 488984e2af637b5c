//! Secrets: set by people, granted by name, read by guests, rotated without a deploy, and told nowhere.

mod canary;
mod commands;
mod keys;
mod rotation;
mod sent;

use std::{
    io::Write as _,
    process::{Output, Stdio},
};

use serde_json::Value;

use crate::support::{Host, command, until};

/// The grants of the guest that tells what it reads.
const TELLER: &str = "record = \"all\"\n[grants]\nsecret = [\"db\"]\nconfig = { greeting = \"hello\" }\n";

/// Runs `fn` with something on its standard input.
fn piped(host: &Host, args: &[&str], input: &str) -> Output {
    let mut child = command(args)
        .env("WEFT_HOST", host.url(""))
        .current_dir(host.data())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that needs no more of it may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Sets a secret, or rotates it.
fn set(host: &Host, verb: &str, name: &str, value: &str) -> Value {
    let output = piped(host, &["secrets", verb, name, "--json"], value);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Asks the guest to do `what` with the value of that name; the status and what it said.
fn tell(host: &Host, what: &str, name: &str) -> (u16, String) {
    let headers = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/tests"), ("ce-type", what)];
    host.send_with("POST", "/fn/teller", None, &headers, name.as_bytes())
}

/// A host with the guest and a value.
fn teller(value: &str) -> Host {
    let host = Host::start();
    set(&host, "set", "db", value);
    host.deploy("teller", "conformance_secret.wasm", TELLER);
    host
}

/// Waits until a function's log has a line with `text`.
fn logged(host: &Host, function: &str, text: &str) {
    until(text, || {
        let lines = host.json_lines(&["logs", function]);
        lines.iter().any(|it| it["message"].as_str().unwrap().contains(text)).then_some(())
    });
}
