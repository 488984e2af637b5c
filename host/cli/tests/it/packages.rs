//! Packages by `fn`: published to a folder, found, explained, verified, pulled, and refused where something is wrong.

mod refused;
mod sources;
mod trust;

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;

use crate::support::{Host, command, guest_file};

/// A case of the guest that greets.
const CASE: &str = r#"{ "events": [{ "type": "any", "data": {} }], "outcome": [{ "outputs": [{}] }] }"#;

/// A host, a folder of packages beside it, and what one person keeps.
struct Bench {
    host: Host,
}

impl Bench {
    fn new() -> Self {
        Self { host: Host::start() }
    }

    fn path(&self, name: &str) -> String {
        self.host.data().join(name).to_str().unwrap().to_owned()
    }

    /// Runs `fn` as somebody who keeps keys and sources in a folder of their own.
    fn run(&self, args: &[&str]) -> Output {
        let home = self.host.data().join("home");
        std::fs::create_dir_all(&home).unwrap();
        let mut command = command(args);
        command.env("WEFT_HOST", self.host.url("")).env("XDG_CONFIG_HOME", home).current_dir(self.host.data());
        command.stdin(std::process::Stdio::null()).output().unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--json"]].concat());
        assert!(output.status.success(), "fn {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().last().map_or(Value::Null, |line| serde_json::from_str(line).unwrap())
    }

    /// What a command said that had to succeed.
    fn said(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let (out, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "fn {}: {said}", args.join(" "));
        format!("{out}{said}")
    }

    /// The exit code of a command that had to fail, and what it said.
    fn fails(&self, args: &[&str]) -> (i32, String) {
        let output = self.run(args);
        assert!(!output.status.success(), "fn {} should have failed", args.join(" "));
        (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).unwrap())
    }

    /// Writes a function that greets, with all that a package needs.
    fn function(&self, version: &str, more: &str) -> PathBuf {
        let folder = self.host.data().join(format!("greet-{version}"));
        std::fs::create_dir_all(folder.join("cases")).unwrap();
        let component = guest_file("conformance_hello.wasm");
        let manifest = format!(
            "name = \"greet\"\ncomponent = \"{}\"\ndescription = \"Greets whoever asks\"\nversion = \"{version}\"\n\
             license = \"Apache-2.0\"\nauthors = [\"Ada\"]\ncategories = [\"greetings\"]\n{more}",
            component.display()
        );
        std::fs::write(folder.join("function.toml"), manifest).unwrap();
        std::fs::write(folder.join("README.md"), "# Greet\n\nSays hello.\n").unwrap();
        std::fs::write(folder.join("cases/hello.json"), CASE).unwrap();
        folder
    }

    /// Publishes it to the folder of packages.
    fn publish(&self, version: &str, more: &str, args: &[&str]) -> Value {
        let folder = self.function(version, more);
        let place = self.path("shelf");
        let base = ["publish", folder.to_str().unwrap(), "--to", &place, "--namespace", "acme"];
        self.json(&[&base, args].concat())
    }

    fn pull(&self, args: &[&str]) -> Value {
        let place = self.path("shelf");
        self.json(&[&["pull", "--from", &place], args].concat())
    }

    fn pull_fails(&self, args: &[&str]) -> (i32, String) {
        let place = self.path("shelf");
        self.fails(&[&["pull", "--from", &place], args].concat())
    }

    /// A key by its name, and the public half of it.
    fn key(&self, name: &str) -> String {
        self.json(&["key", "new", name])["key"].as_str().unwrap().to_owned()
    }

    /// The greeting of a function that was pulled.
    fn greeting(&self, function: &str) -> (u16, String) {
        self.host.get(&format!("/fn/{function}"))
    }

    fn blob(&self, digest: &Value) -> PathBuf {
        let hex = digest.as_str().unwrap().trim_start_matches("sha256:");
        Path::new(&self.path("shelf")).join("blobs/sha256").join(hex)
    }
}

#[test]
fn a_function_is_published_found_explained_verified_pulled_and_called() {
    let bench = Bench::new();
    let key = bench.key("default");
    let published = bench.publish("1.0.0", "", &[]);
    assert_eq!((&published["package"], &published["new"]), (&"acme/greet".into(), &true.into()));
    assert_eq!(bench.publish("1.0.0", "", &[])["new"], false, "publishing again changes nothing");
    let shelf = bench.path("shelf");
    let found = bench.json(&["search", "greets", "--from", &shelf]);
    assert_eq!(found["items"][0]["name"], "acme/greet");
    let doc = bench.said(&["doc", "acme/greet", "--from", &shelf]);
    for part in ["acme/greet@1.0.0", "Greets whoever asks", "Says hello.", "entries    handler", "hold 1GiB of memory"]
    {
        assert!(doc.contains(part), "`{part}` in {doc}");
    }
    bench.json(&["trust", "add", "acme", "--key", &key]);
    bench.json(&["trust", "set", "require"]);
    assert!(bench.said(&["verify", "acme/greet", "--from", &shelf]).contains("signed by"));
    let pulled = bench.pull(&["acme/greet", "--yes"]);
    assert_eq!((&pulled["version"], &pulled["signed_by"]), (&"1.0.0".into(), &published["signed_by"]));
    assert_eq!(bench.greeting("greet"), (200, "Hello, World!".to_owned()));
    let shown = bench.host.get_json("/api/v1/projects/default/functions/greet");
    assert_eq!(shown["package"]["name"], "acme/greet");
    assert_eq!(shown["package"]["digest"], published["digest"]);
    let audit = bench.host.get_json("/api/v1/projects/default/audit");
    assert!(audit["items"].as_array().unwrap().iter().any(|it| it["action"] == "package.pulled"), "{audit}");
}

#[test]
fn pulled_functions_run_in_fresh_instances_unless_their_publisher_is_trusted_for_more() {
    let bench = Bench::new();
    let key = bench.key("default");
    bench.publish("1.0.0", "", &[]);
    let isolation = |name: &str| {
        let shown = bench.host.get_json(&format!("/api/v1/projects/default/functions/{name}"));
        shown["manifest"]["limits"]["isolation"].as_str().unwrap().to_owned()
    };
    bench.pull(&["acme/greet", "--yes", "--as", "unknown"]);
    assert_eq!(isolation("unknown"), "fresh");
    bench.json(&["trust", "add", "acme", "--key", &key]);
    bench.pull(&["acme/greet", "--yes", "--as", "known"]);
    assert_eq!(isolation("known"), "fresh");
    bench.json(&["trust", "add", "acme", "--key", &key, "--warm"]);
    bench.pull(&["acme/greet", "--yes", "--as", "warm"]);
    assert_eq!(isolation("warm"), "warm");
}

#[test]
fn the_highest_version_that_was_not_taken_back_is_pulled() {
    let bench = Bench::new();
    for version in ["1.0.0", "1.1.0", "2.0.0"] {
        bench.publish(version, "", &["--no-sign"]);
    }
    let shelf = bench.path("shelf");
    bench.json(&["yank", "acme/greet@2.0.0", "--reason", "it shouts", "--from", &shelf]);
    assert_eq!(bench.pull(&["acme/greet", "--yes"])["version"], "1.1.0");
    assert_eq!(bench.pull(&["acme/greet@=1.0.0", "--yes", "--as", "old"])["version"], "1.0.0");
    let said = bench.said(&["pull", "acme/greet@2.0.0", "--from", &shelf, "--yes"]);
    assert!(said.contains("was taken back: it shouts"), "{said}");
    bench.json(&["yank", "acme/greet@2.0.0", "--undo", "--from", &shelf]);
    bench.json(&["deprecate", "acme/greet", "--message", "use acme/hello", "--from", &shelf]);
    let said = bench.said(&["pull", "acme/greet", "--from", &shelf, "--yes"]);
    assert!(said.contains("should not be used any more: use acme/hello"), "{said}");
}

#[test]
fn what_is_missing_of_a_package_is_told_all_at_once_and_nothing_is_published() {
    let bench = Bench::new();
    let folder = bench.function("1.0.0", "[params]\nloud = { type = \"boolean\", default = false }\n");
    std::fs::remove_file(folder.join("README.md")).unwrap();
    let shelf = bench.path("shelf");
    let publish = ["publish", folder.to_str().unwrap(), "--to", &shelf, "--namespace", "acme"];
    let (code, said) = bench.fails(&publish);
    assert_eq!(code, 4, "{said}");
    for part in ["param `loud` has no description", "it has no README.md"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!Path::new(&shelf).exists());
    let folder = bench.function("1.0.0", "");
    let wrong = r#"{ "events": [{ "type": "any", "data": {} }], "outcome": [{ "failure": { "kind": "invalid" } }] }"#;
    std::fs::write(folder.join("cases/hello.json"), wrong).unwrap();
    let (code, said) = bench.fails(&publish);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("case `hello` of `greet` failed"), "{said}");
    assert!(!Path::new(&shelf).exists());
}

#[test]
fn whoever_pulls_may_give_other_rights_than_are_asked_for() {
    let bench = Bench::new();
    bench.key("default");
    bench.publish("1.0.0", "[grants]\nhttp = [\"https://a.example\"]\nmodel = [\"wine\"]\n", &[]);
    let given = "http = [\"https://b.example\"]";
    bench.pull(&["acme/greet", "--yes", "--grant", given]);
    let shown = bench.json(&["show", "greet"]);
    let grants = &shown["function"]["manifest"]["grants"];
    assert_eq!(shown["function"]["manifest"].get("component"), None, "where it lay is nobody's business");
    assert_eq!(grants["http"], serde_json::json!(["https://b.example"]), "{shown}");
    assert_eq!(grants["model"], serde_json::json!(["wine"]));
    assert_eq!(shown["function"]["package"]["name"], "acme/greet");
    let (code, said) = bench.pull_fails(&["acme/greet", "--yes", "--grant", "everything = true"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("everything"), "{said}");
}
