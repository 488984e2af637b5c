//! Params: typed, with defaults, given at submission, handed on by placeholders.

use serde_json::json;

use crate::support::Host;

const FUNCTION: &str = r#"
[params]
do = "params"
n = { type = "integer", minimum = 0, maximum = 100 }
text = { type = "string", default = "from the manifest" }
rate = { type = "number", default = 0.5 }
is_fast = false
columns = { type = "list", optional = true }
options = { type = "object", optional = true }

[inputs.scorer]
kind = "model"
optional = true
"#;

const PIPELINE: &str = "
pipeline: typed
params:
  n: 7
  rate: { type: number, minimum: 0, maximum: 1, default: 1 }
  is_fast: { type: boolean }
  kind: { type: string, enum: [red, white], default: red }
  columns: { type: list, default: [a, b] }
  note: { type: string, optional: true }
steps:
  first:
    function: typed
    params:
      n: ${params.n}
      rate: ${params.rate}
      is_fast: ${params.is_fast}
      columns: ${params.columns}
      options: { kind: '${params.kind}', label: 'n=${params.n}' }
  second:
    function: typed
    params: { n: '${steps.first.results.report.n}', text: 'after ${steps.first.results.report.rest.options.label}' }
";

#[test]
fn params_reach_the_job_with_their_types_whoever_gives_them() {
    let host = Host::start();
    host.deploy("typed", "conformance-job.wasm", FUNCTION);
    let run = host.submit_with(PIPELINE, &["-p", "is_fast=true", "-p", "kind=white", "-p", "n=9"]).done();
    assert_eq!(
        run.0["run"]["params"],
        json!({"n": 9, "rate": 1, "is_fast": true, "kind": "white", "columns": ["a", "b"]})
    );
    assert_eq!(
        *run.report("first"),
        json!({"n": 9, "text": "from the manifest", "rest":
            {"rate": 1, "is_fast": true, "columns": ["a", "b"], "options": {"kind": "white", "label": "n=9"}}})
    );
    assert_eq!(
        *run.report("second"),
        json!({"n": 9, "text": "after n=9", "rest": {"rate": 0.5, "is_fast": false}}),
        "a result is a param, and defaults are the manifest's"
    );
    let params = &run.step("second")["params"];
    assert_eq!(*params, json!({"do": "params", "n": 9, "text": "after n=9", "rate": 0.5, "is_fast": false}));
}

#[test]
fn params_that_do_not_fit_are_told_all_at_once_and_nothing_runs() {
    let host = Host::start();
    host.deploy("typed", "conformance-job.wasm", FUNCTION);
    let file = host.file("typed.yaml", PIPELINE);
    let flags = ["-p", "n=1.5", "-p", "rate=2", "-p", "kind=rose", "-p", "colums=[]"];
    let (code, said) = host.fails(&[&["pipeline", "submit", &file], &flags[..]].concat());
    assert_eq!(code, 2, "{said}");
    for mistake in [
        "there is no parameter `colums`\n      did you mean `columns`?",
        "params.n: expected integer, found number 1.5",
        "params.rate: 2 is more than the maximum, 1",
        "params.is_fast: the parameter `is_fast` is required",
        "params.kind: \"rose\" is not one of \"red\", \"white\"",
    ] {
        assert!(said.contains(mistake), "{mistake} in {said}");
    }
    assert_eq!(host.json(&["runs", "list"])["items"], json!([]));
}

#[test]
fn the_params_of_a_single_job_are_those_of_its_manifest() {
    let host = Host::start();
    host.deploy("typed", "conformance-job.wasm", FUNCTION);
    let run = host.json(&["run", "typed", "-p", "n=3", "-p", "text=${params.n}", "-p", "options={\"a\":[1]}"]);
    let report = &run["steps"][0]["results"]["report"];
    assert_eq!(report["text"], "${params.n}", "a job alone has no placeholders");
    assert_eq!(report["rest"]["options"], json!({"a": [1]}));
    let (code, said) = host.fails(&["run", "typed", "-p", "n=300"]);
    assert!(code == 2 && said.contains("300 is more than the maximum, 100"), "{code}: {said}");
    let (code, said) = host.fails(&["run", "typed"]);
    assert!(code == 2 && said.contains("the required param `n` is missing"), "{code}: {said}");
}
