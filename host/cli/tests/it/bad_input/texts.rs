//! Manifests and pipelines with mistakes: each is told with its place, and all of a pipeline's at once.

use super::{deploy_job, host, still_serves};
use crate::support::guest_file;

#[test]
fn a_mistake_in_a_manifest_is_told_with_its_place() {
    let host = host();
    let trigger = |rest: &str| format!("[[triggers]]\nkind = \"http\"\n{rest}\n");
    let cases = [
        ("[limits]\ntimeoutt = \"3s\"\n".to_owned(), ":4:1", "unknown field `timeoutt`, expected one of `timeout`"),
        ("[limits]\ntimeout = \"soon\"\n".to_owned(), ":4:11", "`soon` is not a duration"),
        ("[limits]\nmemory = \"much\"\n".to_owned(), ":4:10", "`much` is not a size"),
        ("[limits]\nconcurrency = 0\n".to_owned(), "", "limits.concurrency must be at least 1"),
        ("[limits]\ntimeout = \"0s\"\n".to_owned(), "", "limits.timeout must be longer than 0"),
        ("record = \"some\"\n".to_owned(), ":3:10", "`some` is not a record policy"),
        ("[grants]\nroot = true\n".to_owned(), ":4:1", "unknown field `root`"),
        ("colour = \"red\"\n".to_owned(), ":3:1", "unknown field `colour`"),
        ("name = \"again\"\n".to_owned(), ":3:1", "duplicate key"),
        ("[limits\n".to_owned(), ":3:8", "unclosed table"),
        ("[[triggers]]\nkind = \"fax\"\n".to_owned(), ":4:8", "unknown variant `fax`"),
        (trigger("path = \"/fn/x\""), "", "is the host's own"),
        (trigger("path = \"x\""), "", "must begin with /"),
        (trigger("path = \"/{*rest}/x\""), "", "must come last"),
        (trigger("path = \"/x\"\nmethods = [\"get\"]"), "", "`get` of the http trigger `/x` is not a method"),
    ];
    for (text, place, expected) in cases {
        let folder = host.function("bad", "conformance_http.wasm", &text);
        let (code, error) = host.fails(&["deploy", folder.to_str().unwrap()]);
        assert_eq!(code, 2, "{error}");
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(error.contains(&format!("function.toml{place}\n")), "{place}: {error}");
    }
    still_serves(&host);
}

#[test]
fn a_manifest_without_a_usable_name_is_refused() {
    let host = host();
    let component = guest_file("conformance_http.wasm");
    for (name, expected) in [("Bad Name", "is not a name"), ("", "is not a name"), ("../up", "is not a name")] {
        let file = host.file("function.toml", &format!("name = \"{name}\"\ncomponent = \"{}\"\n", component.display()));
        let (code, error) = host.fails(&["deploy", &file]);
        assert_eq!(code, 2);
        assert!(error.contains(expected) && error.contains("function.toml:1:8"), "{error}");
    }
    still_serves(&host);
}

const PIPELINE: &str = "\
pipeline: Bad Name
params:
  rows: { type: integer, default: many }
steps:
  a:
    function: conformance-job
    params: { do: copy, n: three, nope: 1 }
    inputs: { dataset: b.out }
    nonsense: 1
  b:
    function: nowhere
    needs: [a]
  c:
    function: conformance-job
    params: { do: write }
    inputs: { dataset: zz.out }
    timeout: soon
  c:
    function: conformance-job
";

#[test]
fn every_mistake_in_a_pipeline_is_told_at_once() {
    let host = host();
    deploy_job(&host);
    let file = host.file("bad.yaml", PIPELINE);
    let (code, error) = host.fails(&["pipeline", "check", &file]);
    assert_eq!(code, 2);
    let text = error.replace(&file, "bad.yaml");
    insta::assert_snapshot!("every_mistake_in_a_pipeline", text);
    still_serves(&host);
}

#[test]
fn a_pipeline_with_an_unknown_function_does_not_start() {
    let host = host();
    deploy_job(&host);
    let text = "pipeline: two\nsteps:\n  a:\n    function: conformance-jub\n    params: { do: nothing }\n";
    let file = host.file("two.yaml", text);
    let (code, error) = host.fails(&["pipeline", "submit", &file]);
    assert_eq!(code, 2);
    assert!(error.contains("4:15 steps.a.function: there is no function `conformance-jub`"), "{error}");
    assert_eq!(host.json(&["runs", "list"])["items"], serde_json::json!([]), "no run was made");
    still_serves(&host);
}

#[test]
fn what_is_no_yaml_is_told_with_its_place() {
    let host = host();
    let deep = "[".repeat(10_000);
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n";
    for text in ["steps:\n  a:\n    function: [\n", "\t- x\n", "", "42", "pipeline: \u{0}\n", &deep, bomb] {
        let file = host.file("bad.yaml", text);
        let (code, error) = host.fails(&["pipeline", "check", &file]);
        assert_eq!(code, 2, "{error}");
        assert!(error.contains("bad.yaml") && !error.contains("panicked"), "{error}");
        let (status, _) = host.post("/api/v1/projects/default/pipelines/check", "application/json", text.as_bytes());
        assert!((400..500).contains(&status), "{status}");
    }
    still_serves(&host);
}
