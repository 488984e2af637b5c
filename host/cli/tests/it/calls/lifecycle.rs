//! Deploy, redeploy, roll back, delete, list, show, invoke.

use std::{
    io::Write,
    process::Stdio,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use super::{GRANTS, REVISION, event, revisions};
use crate::support::{Host, command, guest_file};

#[test]
fn a_folder_or_a_bare_component_is_deployed_and_answers() {
    let host = Host::start();
    let released = host.deploy_library("enrich");
    assert_eq!((&released["revision"]["number"], &released["is_active"]), (&1.into(), &true.into()));
    assert_eq!((&released["path"], &released["routes"][0]["path"]), (&"/fn/enrich".into(), &"/enrich".into()));
    let order = br#"{"order":"o-1","customer":"c","country":"SE","lines":[{"quantity":2,"cents":250}]}"#;
    for path in ["/fn/enrich", "/enrich"] {
        let (status, body) = host.post(path, "application/json", order);
        assert_eq!(status, 200, "{body}");
        assert!(body.contains("\"total_cents\":500"), "{body}");
    }

    let component = guest_file("conformance_http.wasm");
    let component = component.to_str().unwrap();
    assert_eq!(host.json(&["deploy", component])["path"], "/fn/conformance-http");
    assert_eq!(host.json(&["deploy", component, "--name", "hello"])["path"], "/fn/hello");
    for name in ["conformance-http", "hello"] {
        assert_eq!(host.get(&format!("/fn/{name}/hello")), (200, "Hello, World!".to_owned()));
    }

    let output = host.run(&["deploy", component]);
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), host.url("/fn/conformance-http"));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("revision 1 of `conformance-http` is active"), "the same again changes nothing: {stderr}");
}

#[test]
fn the_bytes_of_a_component_are_sent_once() {
    let host = Host::start();
    let released = host.deploy("one", "conformance_http.wasm", "version = \"1.0.0\"\n");
    let digest = released["revision"]["component"].as_str().unwrap();
    assert_eq!(host.ask("HEAD", &format!("/api/v1/components/{digest}"), &[], b"").status, 200);
    let again = host.deploy("one", "conformance_http.wasm", "version = \"1.0.0\"\n[limits]\ntimeout = \"1s\"\n");
    assert_eq!(again["revision"]["component"], digest, "the manifest changed, the bytes did not");
    assert_eq!(again["revision"]["number"], 2);
}

#[test]
fn a_rollback_brings_the_revision_before_back_and_can_be_undone() {
    let host = Host::start();
    let answering = || host.ask("GET", "/fn/hello/hello", &[], b"").field(REVISION).unwrap().to_owned();
    host.deploy("hello", "conformance_http.wasm", "");
    assert_eq!(host.deploy("hello", "conformance_http.wasm", "description = \"newer\"\n")["previous"], 1);
    assert_eq!(answering(), "hello@2");

    let back = host.json(&["rollback", "hello"]);
    assert_eq!((&back["revision"]["number"], &back["previous"]), (&1.into(), &2.into()));
    assert_eq!(answering(), "hello@1");
    host.json(&["rollback", "hello", "--to", "2"]);
    assert_eq!(answering(), "hello@2");

    let shown = host.json(&["show", "hello"]);
    let activations = shown["function"]["activations"].as_array().unwrap();
    let told = activations.iter().map(|it| (it["revision"].as_u64().unwrap(), it["reason"].as_str().unwrap()));
    let expected = [(2, "activated"), (1, "rolled back"), (2, "deployed"), (1, "deployed")];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    assert_eq!(revisions(&host, "hello"), [2, 1]);
}

#[test]
fn a_revision_answers_by_its_number_whatever_is_active() {
    let host = Host::start();
    let first = host.deploy("two", "conformance_handler.wasm", GRANTS);
    let second = host.deploy("two", "conformance_http.wasm", "");
    let invoked = host.json(&["invoke", "two@1", "--type", "context"]);
    let context = &invoked["outcomes"][0]["outputs"][0]["data"];
    assert_eq!(context["revision"], first["revision"]["id"]);
    assert_ne!(first["revision"]["id"], second["revision"]["id"]);

    let (code, error) = host.fails(&["invoke", "two@2"]);
    assert_eq!(code, 1);
    assert!(error.contains("http-status"), "the root of this function answers 404: {error}");
    let (code, error) = host.fails(&["invoke", "two@3"]);
    assert_eq!(code, 3);
    assert!(error.contains("revision 3 of function `two` is not deployed"), "{error}");
}

#[test]
fn a_revision_that_is_not_activated_waits_for_it() {
    let host = Host::start();
    host.deploy("hello", "conformance_http.wasm", "");
    let folder = host.function("hello", "conformance_handler.wasm", GRANTS);
    let released = host.json(&["deploy", folder.to_str().unwrap(), "--no-activate"]);
    assert_eq!((&released["revision"]["number"], &released["is_active"]), (&2.into(), &false.into()));
    assert_eq!(host.get("/fn/hello/hello").1, "Hello, World!");
    host.json(&["rollback", "hello", "--to", "2"]);
    assert_eq!(event(&host, "hello", "upper", "hi"), (200, "HI".to_owned()));
}

#[test]
fn a_deleted_function_is_gone_and_its_name_counts_on() {
    let host = Host::start();
    host.deploy("hello", "conformance_http.wasm", "record = \"all\"\n");
    host.get("/fn/hello/hello");
    host.calls("function=hello", 1);
    assert_eq!(host.json(&["delete", "hello"])["deleted"], "hello");
    assert_eq!(host.get("/fn/hello/hello").0, 404);
    assert_eq!(host.json(&["list"]), serde_json::json!([]));
    assert_eq!(host.fails(&["show", "hello"]).0, 3);
    assert_eq!(host.fails(&["delete", "hello"]).0, 3);
    assert_eq!(host.calls("function=hello", 1).len(), 1, "its records stay");
    assert_eq!(host.deploy("hello", "conformance_http.wasm", "")["revision"]["number"], 2);
    assert_eq!(host.get("/fn/hello/hello").0, 200);
}

#[test]
fn what_is_deployed_is_listed_and_shown() {
    let host = Host::start();
    assert_eq!(host.json(&["list"]), serde_json::json!([]));
    host.deploy_library("enrich");
    host.deploy("shout", "conformance_handler.wasm", GRANTS);
    host.deploy("train", "conformance-job.wasm", GRANTS);
    let list = host.json(&["list"]);
    let told: Vec<_> = list.as_array().unwrap().iter().map(|it| (&it["name"], &it["entries"][0])).collect();
    let told = serde_json::to_value(told).unwrap();
    assert_eq!(told, serde_json::json!([["enrich", "handler"], ["shout", "handler"], ["train", "job"]]));
    assert!(list[2].get("path").is_none(), "a job has no path: {}", list[2]);

    let shown = host.json(&["show", "enrich"]);
    assert_eq!(shown["function"]["function"]["revision"], 1);
    assert_eq!(shown["function"]["manifest"]["limits"]["max_body"], "1MiB");
    let text = String::from_utf8(host.run(&["show", "enrich"]).stdout).unwrap();
    assert!(text.contains("route     /enrich POST") && text.contains("5s · 32MiB"), "{text}");
}

#[test]
fn every_project_has_functions_of_its_own() {
    let host = Host::start();
    host.deploy("hello", "conformance_http.wasm", "");
    let folder = host.function("hello", "conformance_handler.wasm", GRANTS);
    let released = host.json(&["--project", "staging", "deploy", folder.to_str().unwrap()]);
    assert_eq!((&released["path"], &released["revision"]["number"]), (&"/fn/staging:hello".into(), &1.into()));
    assert_eq!(event(&host, "staging:hello", "upper", "hi"), (200, "HI".to_owned()));
    assert_eq!(host.get("/fn/default:hello/hello"), host.get("/fn/hello/hello"));
    assert_eq!(host.get("/api/v1/projects").1, r#"{"items":["default","staging"]}"#);
}

#[test]
fn an_invocation_takes_its_payload_from_the_command_line_a_file_or_standard_input() {
    let host = Host::start();
    host.deploy("shout", "conformance_handler.wasm", GRANTS);
    let out = |args: &[&str]| String::from_utf8(host.run(args).stdout).unwrap();
    assert_eq!(out(&["invoke", "shout", "--type", "upper", "--data", "hi"]), "HI\n");
    let file = format!("@{}", host.file("payload", "from a file"));
    assert_eq!(out(&["invoke", "shout", "--type", "upper", "-d", &file]), "FROM A FILE\n");
    assert_eq!(out(&["invoke", "shout", "--type", "split", "-d", "3"]), "0\n1\n2\n");

    let mut child = command(&["invoke", "shout", "--type", "upper", "-d", "-"])
        .env("WEFT_HOST", host.url(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"piped").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"PIPED\n");

    let (code, error) = host.fails(&["invoke", "shout", "--type", "fatal", "--data", "broken"]);
    assert_eq!(code, 1);
    assert!(error.contains("`shout` failed: broken (asked)") && error.contains("hint: fn logs --call"), "{error}");
}

#[test]
fn no_request_is_lost_while_new_revisions_are_deployed() {
    let host = Host::start();
    host.deploy("hello", "conformance_http.wasm", "");
    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    assert_eq!(host.get("/fn/hello/hello"), (200, "Hello, World!".to_owned()));
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for number in 2..=6 {
            // Another manifest, another component by its stamp: each is compiled and swapped in under load.
            let released = host.deploy("hello", "conformance_http.wasm", &format!("version = \"{number}.0.0\"\n"));
            assert_eq!(released["revision"]["number"], number);
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(answered.load(Ordering::Relaxed) > 20);
    assert_eq!(host.ask("GET", "/fn/hello/hello", &[], b"").field(REVISION), Some("hello@6"));
}
