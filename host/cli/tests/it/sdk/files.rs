//! One file that is a whole function: deployed as it lies, tested, and corrected where it is wrong.

use super::{host, python};
use crate::support::{Host, command, root};

/// Where what is made of single files is kept for the next time.
fn cache() -> std::path::PathBuf {
    root().join("target/one-file")
}

/// `fn`, with the folder of what is made of single files, and where cargo has built what templates need.
fn with_cargo(args: &[&str]) -> std::process::Command {
    let mut command = command(args);
    let target = root().join("target/templates");
    command.env("XDG_CACHE_HOME", cache()).env("CARGO_TARGET_DIR", target).env("CARGO_NET_OFFLINE", "true");
    command
}

/// Writes a file that stays, so that what is built of it stays, too.
fn kept(name: &str, text: &str) -> std::path::PathBuf {
    let folder = cache().join("sources");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join(name);
    if std::fs::read_to_string(&file).ok().as_deref() != Some(text) {
        std::fs::write(&file, text).unwrap();
    }
    file
}

const RUST: &str = r#"//! Greets; there is nothing but this file.

use weft::http::{Request, Response};

#[weft::http]
fn greet(request: Request) -> Response {
    Response::text(format!("Hello, {}!", String::from_utf8_lossy(&request.body)))
}
"#;

#[test]
fn a_file_in_rust_is_deployed_as_it_lies_and_answers() {
    let host = Host::start();
    let file = kept("greet_one.rs", RUST);
    let output = with_cargo(&["deploy", file.to_str().unwrap()]).env("WEFT_HOST", host.url("")).output().unwrap();
    assert!(output.status.success(), "{}", python::said(&output));
    assert_eq!(host.post("/fn/greet-one", "text/plain", "Åda".as_bytes()), (200, "Hello, Åda!".to_owned()));
}

#[test]
fn a_mistake_in_a_file_in_rust_is_shown_in_that_file() {
    let file = kept("mistaken.rs", "#[weft::http]\nfn f(request: weft::http::Request) -> Nothing {\n    Nothing\n}\n");
    let output = with_cargo(&["build", file.to_str().unwrap()]).output().unwrap();
    let said = python::said(&output);
    assert!(!output.status.success() && said.contains("mistaken.rs:2"), "{said}");
}

#[test]
fn the_manifest_of_a_file_is_the_comment_on_top() {
    let place = |name: &str, text: &str| {
        let file = kept(name, text);
        let output = command(&["build", file.to_str().unwrap()]).env("XDG_CACHE_HOME", cache()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", python::said(&output));
        python::said(&output)
    };
    let said = place("limits.py", "\"\"\"Scores.\"\"\"\n\n# /// function\n# [limits]\n# timeout = \"soon\"\n# ///\n");
    assert!(said.contains("limits.py:5"), "{said}");
    let said = place("twice.ts", "// /// function\n// ///\n// /// function\n// ///\n");
    assert!(said.contains("twice.ts:3") && said.contains("second manifest"), "{said}");
    let said = place("packages.py", "# /// function\n# [dependencies]\n# numpy = \"2\"\n# ///\n");
    assert!(said.contains("no packages") && said.contains("python-handler"), "{said}");
}

#[test]
fn a_mistake_in_a_file_in_python_is_shown_in_that_file() {
    let file =
        kept("mistaken.py", "from weft_function import http\n\n\n@http\ndef f(request):\n    return 1\n\n\n1 / 0\n");
    let Some(mut build) = python::with_tool(&["build", file.to_str().unwrap()]) else { return };
    let output = build.env("XDG_CACHE_HOME", cache()).output().unwrap();
    let said = python::said(&output);
    assert!(!output.status.success() && said.contains("ZeroDivisionError"), "{said}");
    assert!(said.contains(&format!("{}:9", file.display())), "{said}");
}

const PYTHON: &str = r#""""Scores: everything it takes is in this file."""

# /// function
# name = "score"
# description = "Scores by weights"
#
# [params.weight]
# type = "number"
# default = 2
# ///

from weft_function import Event, Invalid, Run, handler, job


@handler
def score(event: Event[dict[str, float]]):
    if not event.data:
        raise Invalid("nothing", "there is nothing to score")
    return {"score": sum(event.data.values())}


@job
def weigh(run: Run, weight: float):
    return {"weight": weight * 2}
"#;

#[test]
fn a_file_in_python_is_tested_deployed_and_run() {
    let file = kept("score_one.py", PYTHON);
    let cases = file.with_extension("cases");
    std::fs::create_dir_all(&cases).unwrap();
    let case = r#"{ "events": [{ "data": { "a": 1.5, "b": 2 } }, { "data": {} }, { "data": { "a": "x" } }],
        "outcome": [{ "outputs": [{ "data": { "score": 3.5 } }] }, { "failure": { "code": "nothing" } }, { "failure": { "code": "bad-json" } }] }"#;
    std::fs::write(cases.join("sums.json"), case).unwrap();
    let source = file.to_str().unwrap();
    let Some(mut test) = python::with_tool(&["test", source]) else { return };
    let output = test.env("XDG_CACHE_HOME", cache()).output().unwrap();
    assert!(output.status.success() && python::said(&output).contains("ok      sums"), "{}", python::said(&output));

    let host = host();
    let mut deploy = python::with_tool(&["deploy", source]).unwrap();
    let output = deploy.env("XDG_CACHE_HOME", cache()).env("WEFT_HOST", host.url("")).output().unwrap();
    assert!(output.status.success(), "{}", python::said(&output));
    assert!(!python::said(&output).contains("building"), "it was built for the test: {}", python::said(&output));
    assert_eq!(host.post("/fn/score", "application/json", b"{\"a\": 4}"), (200, "{\"score\":4.0}".to_owned()));
    let run = crate::runs::ran(&host.run(&["run", "score", "--param", "weight=1.5", "--json"])).done();
    assert_eq!(run.step("score")["results"]["weight"], 3.0);
    assert!(!file.with_file_name("score.wasm").exists(), "only `fn build` leaves a component");
}
