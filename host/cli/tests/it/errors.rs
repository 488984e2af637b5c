//! What `fn` says when something is wrong, and how it exits: error, place, hint. Exit codes are public API.

use std::fmt::Write;

use crate::support::{Host, command};

/// Commands that fail, as a person would see them.
struct Transcript {
    text: String,
    /// What differs between two runs of the tests, and what stands for it.
    names: Vec<(String, &'static str)>,
}

impl Transcript {
    fn new(names: Vec<(String, &'static str)>) -> Self {
        Self { text: String::new(), names }
    }

    /// Runs a command, which must fail without a word on standard output.
    fn fails(&mut self, mut command: std::process::Command, args: &[&str]) {
        let output = command.output().unwrap();
        let code = output.status.code().unwrap();
        assert_ne!(code, 0, "fn {}", args.join(" "));
        let stderr = String::from_utf8(output.stderr).unwrap();
        writeln!(self.text, "$ fn {}\n{stderr}exit {code}\n", args.join(" ")).unwrap();
    }

    fn on(&mut self, host: &Host, args: &[&str]) {
        let mut command = command(args);
        command.env("WEFT_HOST", host.url("")).current_dir(host.data());
        self.fails(command, args);
    }

    /// Compares all that was said with what is kept.
    fn matches(self, name: &str) {
        let text = self.names.into_iter().fold(self.text, |text, (from, to)| text.replace(&from, to));
        let id = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";
        insta::with_settings!({ filters => vec![(id, "[id]")], omit_expression => true }, {
            insta::assert_snapshot!(name, text);
        });
    }
}

fn transcript_of(host: &Host) -> Transcript {
    Transcript::new(vec![(host.url(""), "[host]"), (host.data().display().to_string(), "[folder]")])
}

#[test]
fn without_a_host() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("empty")).unwrap();
    std::fs::create_dir(folder.join("full")).unwrap();
    std::fs::write(folder.join("full/file"), "").unwrap();
    std::fs::write(folder.join("notes.txt"), "").unwrap();
    std::fs::write(folder.join("weft.toml"), "threads = \"many\"\n").unwrap();
    let mut transcript = Transcript::new(vec![(folder.display().to_string(), "[folder]")]);
    let mut fails = |args: &[&str]| {
        let mut command = command(args);
        command.env("WEFT_HOST", "http://127.0.0.1:1").current_dir(folder);
        transcript.fails(command, args);
    };
    fails(&["list"]);
    fails(&["list", "--host", "nowhere"]);
    fails(&["deploy", "missing"]);
    fails(&["deploy", "empty"]);
    fails(&["deploy", "notes.txt"]);
    fails(&["deploy", "missing.wasm"]);
    fails(&["test", "empty"]);
    fails(&["new", "Bad Name"]);
    fails(&["new", "hello", "--path", "full"]);
    fails(&["pipeline", "check", "missing.yaml", "--offline"]);
    fails(&["config", "show"]);
    fails(&["config", "show", "--config", "missing.toml"]);
    std::fs::remove_file(folder.join("weft.toml")).unwrap();
    fails(&["up", "--listen", "0.0.0.0:7070"]);
    fails(&["up", "--listen", "somewhere"]);
    transcript.matches("without_a_host");
}

#[test]
fn about_functions() {
    let host = Host::start();
    host.deploy("hello", "conformance_http.wasm", "[[triggers]]\nkind = \"http\"\npath = \"/hello\"\n");
    host.deploy("shout", "conformance_handler.wasm", "[grants]\nmodel = [\"conformance\"]\n");
    host.deploy("train", "conformance-command.wasm", "");
    host.function("ungranted", "conformance_handler.wasm", "");
    host.function("misspelt", "conformance_http.wasm", "[limits]\ntimeoutt = \"3s\"\n");
    host.function("taken", "conformance_http.wasm", "[[triggers]]\nkind = \"http\"\npath = \"/hello\"\n");
    std::fs::create_dir(host.data().join("functions/unbuilt")).unwrap();
    std::fs::write(host.data().join("functions/unbuilt/function.toml"), "name = \"unbuilt\"\n").unwrap();
    host.file("text.wasm", "no WebAssembly");
    let mut transcript = transcript_of(&host);
    for args in [
        &["show", "nobody"][..],
        &["invoke", "nobody"],
        &["invoke", "Bad Name"],
        &["invoke", "shout@7"],
        &["invoke", "train"],
        &["invoke", "shout", "--type", "invalid", "--data", "no"],
        &["invoke", "shout", "--data", "@missing"],
        &["invoke", "hello"],
        &["delete", "nobody"],
        &["rollback", "hello"],
        &["rollback", "hello", "--to", "7"],
        &["deploy", "functions/ungranted"],
        &["deploy", "functions/misspelt"],
        &["deploy", "functions/taken"],
        &["deploy", "functions/unbuilt"],
        &["deploy", "text.wasm"],
        &["deploy", "text.wasm", "--name", "Bad Name"],
        &["list", "--project", "Bad Name"],
        &["logs", "--call", "nobody"],
    ] {
        transcript.on(&host, args);
    }
    transcript.matches("about_functions");
}

#[test]
fn about_runs_artifacts_and_models() {
    let host = Host::start();
    host.deploy("train", "conformance-command.wasm", "[params.exit]\ntype = \"integer\"\n");
    host.deploy("hello", "conformance_http.wasm", "");
    host.file("unknown.yaml", "pipeline: p\nsteps:\n  a:\n    function: trian\n");
    let digest = format!("sha256:{}", "0".repeat(64));
    let input = format!("data={digest}");
    let mut transcript = transcript_of(&host);
    for args in [
        &["run", "nobody"][..],
        &["run", "hello"],
        &["run", "./folder"],
        &["run", "train"],
        &["run", "train", "--param", "exit"],
        &["run", "train", "--param", "exit=soon"],
        &["run", "train", "--param", "exit=1", "--param", "speed=9"],
        &["run", "train", "--param", "exit=0", "--input", "data=missing.csv"],
        &["run", "train", "--param", "exit=0", "--input", &input],
        &["pipeline", "check", "missing.yaml"],
        &["pipeline", "check", "unknown.yaml"],
        &["pipeline", "submit", "unknown.yaml"],
        &["runs", "show", "nobody"],
        &["runs", "list", "--state", "asleep"],
        &["runs", "cancel", "01920000-0000-7000-8000-000000000000"],
        &["artifacts", "show", "nobody"],
        &["artifacts", "get", &digest],
        &["models", "show", "wine"],
        &["models", "promote", "wine"],
        &["models", "promote", "wine@1"],
        &["models", "serve", "wine"],
    ] {
        transcript.on(&host, args);
    }
    transcript.matches("about_runs_artifacts_and_models");
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    for args in [&["lst"][..], &["deploy", "--fast"], &["invoke"], &["runs", "list", "--limit", "many"], &[]] {
        let output = command(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty());
    }
    let output = command(&["lst"]).output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("'list'"), "it names what was meant");
    for args in [&["--help"][..], &["--version"], &["deploy", "--help"]] {
        assert!(command(args).output().unwrap().status.success(), "{args:?}");
    }
}

#[test]
fn an_answer_for_programs_stays_one_when_nobody_reads_it() {
    let host = Host::start();
    host.deploy("shout", "conformance_handler.wasm", "[grants]\nmodel = [\"conformance\"]\n");
    let mut child = command(&["invoke", "shout", "--type", "split", "--data", "20000"])
        .env("WEFT_HOST", host.url(""))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
}
