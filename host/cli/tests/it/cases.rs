//! `fn test` in the real engine: for everything that has cases, for a case that is wrong, and for every template.

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;

use crate::support::{command, root};

fn folders_in(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|it| it.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|it| it.join("cases").is_dir()).collect();
    folders.sort();
    folders
}

fn test(folder: &Path) -> Output {
    command(&["test", folder.to_str().unwrap(), "--no-build"]).output().unwrap()
}

fn all_pass(folders: &[PathBuf]) {
    for folder in folders {
        let output = test(folder);
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", folder.display());
        assert!(said.contains("ok      ") && !said.contains("FAILED"), "{}: {said}", folder.display());
    }
}

#[test]
fn every_function_of_the_library_does_what_its_cases_say() {
    let folders = folders_in("functions");
    assert!(folders.len() >= 8, "{folders:?}");
    all_pass(&folders);
}

#[test]
fn every_conformance_guest_does_what_its_cases_say() {
    let folders = folders_in("sdk/conformance");
    assert_eq!(folders.len(), 6, "{folders:?}");
    all_pass(&folders);
}

/// A function with cases of the test's own.
fn function(guest: &str, manifest: &str, cases: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let component = crate::support::guest_file(guest);
    let manifest = format!("name = \"subject\"\ncomponent = \"{}\"\n{manifest}", component.display());
    std::fs::write(folder.path().join("function.toml"), manifest).unwrap();
    std::fs::create_dir(folder.path().join("cases")).unwrap();
    for (name, text) in cases {
        std::fs::write(folder.path().join("cases").join(name), text).unwrap();
    }
    folder
}

const GRANTS: &str = "[grants]\nmodel = [\"conformance\"]\n";

#[test]
fn a_case_that_does_not_hold_is_told_by_what_differs() {
    let right = r#"{ "events": [{ "type": "upper", "datacontenttype": "text/plain", "data": "hi" }],
        "outcome": [{ "outputs": [{ "data": "HI" }] }] }"#;
    let wrong = right.replace("\"HI\"", "\"Hi\"");
    let folder = function("conformance_handler.wasm", GRANTS, &[("right.json", right), ("wrong.json", &wrong)]);
    let output = test(folder.path());
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let expected = "ok      right\nFAILED  wrong\n          outcome[0].outputs[0].data: expected \"Hi\", got \"HI\"\n";
    assert_eq!(stdout, expected);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "error: 1 of 2 cases of `subject` failed\n");

    let output = command(&["test", "--json", folder.path().to_str().unwrap()]).output().unwrap();
    let lines: Vec<Value> =
        output.stdout.split(|it| *it == b'\n').filter_map(|it| serde_json::from_slice(it).ok()).collect();
    assert_eq!((&lines[0]["ok"], &lines[1]["ok"]), (&true.into(), &false.into()));
}

#[test]
fn a_wrong_answer_over_http_is_told_by_what_differs() {
    let case = r#"{ "request": { "path": "/hello" },
        "response": { "status": 201, "headers": { "content-type": "text/html" }, "body": "Hello" } }"#;
    let folder = function("conformance_http.wasm", "", &[("hello.json", case)]);
    let stdout = String::from_utf8(test(folder.path()).stdout).unwrap();
    for difference in [
        "response.status: expected 201, got 200",
        "response.headers.content-type: expected \"text/html\", got \"text/plain\"",
        "response.body: expected \"Hello\", got \"Hello, World!\"",
    ] {
        assert!(stdout.contains(difference), "{stdout}");
    }
}

#[test]
fn a_case_that_cannot_be_read_is_told_with_its_place() {
    let folder = function("conformance_http.wasm", "", &[("bad.json", "{\n  \"colour\": 1\n}")]);
    let output = test(folder.path());
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("unknown field `colour`") && error.contains("cases/bad.json:2:10"), "{error}");

    let folder = function("conformance_http.wasm", "", &[]);
    let output = test(folder.path());
    assert!(output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("`subject` has no cases; put one into"));
}

/// Writes a template, and builds and tests it as its README says.
fn template_passes(template: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hello");
    let path = path.to_str().unwrap();
    let made = command(&["new", "hello", "--template", template, "--path", path]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let target = root().join("target/templates");
    // What the workspace is built from is here already.
    let cargo = [("CARGO_TARGET_DIR", target.to_str().unwrap()), ("CARGO_NET_OFFLINE", "true")];
    let tested = command(&["test", path]).envs(cargo).output().unwrap();
    let said = String::from_utf8_lossy(&tested.stdout).into_owned() + &String::from_utf8_lossy(&tested.stderr);
    assert!(tested.status.success() && said.contains("of `hello` passed"), "{template}: {said}");
}

#[test]
fn a_new_function_passes_its_own_cases() {
    // One after the other: they share what cargo has built.
    for template in ["handler", "http", "job"] {
        template_passes(template);
    }
}
