//! Who may ask a host for what: tokens, roles, TLS, and how people log in.

mod flow;
mod matrix;
mod routes;
mod start;

use std::{io::Write as _, path::Path, process::Stdio, sync::Arc};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Host, Options, command};

/// Runs `fn`, which must succeed, with a folder of contexts and an environment of its own.
fn run(home: &Path, env: &[(&str, &str)], args: &[&str]) -> String {
    let (code, stdout, stderr) = attempt(home, env, args, "");
    assert_eq!(code, 0, "fn {}: {stderr}", args.join(" "));
    stdout
}

/// Runs `fn`: its exit code, what it answered and what it said.
fn attempt(home: &Path, env: &[(&str, &str)], args: &[&str], typed: &str) -> (i32, String, String) {
    let mut child = command(args)
        .env("XDG_CONFIG_HOME", home)
        .envs(env.iter().copied())
        .current_dir(home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may be gone already.
    let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// A data folder with a token for admins, as a new installation begins.
fn installation() -> (Arc<TempDir>, String) {
    let data = Arc::new(tempfile::tempdir().unwrap());
    let root = create_locally(&data, &["root", "--role", "admin"]);
    (data, root)
}

fn create_locally(data: &TempDir, args: &[&str]) -> String {
    let folder = data.path().join("host");
    let place = ["--local", "--data", folder.to_str().unwrap()];
    let made = run(data.path(), &[], &[&["tokens", "create"], args, &place].concat());
    made.trim().to_owned()
}

/// A host on that folder that demands tokens.
fn strict(data: &Arc<TempDir>, options: Options) -> Host {
    Host::on(data.clone(), options.env("WEFT_AUTH", "tokens"))
}

/// Makes a token over the API.
fn create(host: &Host, admin: &str, body: &Value) -> String {
    let (status, made) = host.send("POST", "/api/v1/tokens", Some(admin), body.to_string().as_bytes());
    assert_eq!(status, 201, "{made}");
    serde_json::from_str::<Value>(&made).unwrap()["token"].as_str().unwrap().to_owned()
}
