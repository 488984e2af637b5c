//! Steps that are no jobs: they register, promote, deploy and call.

use serde_json::json;

use crate::{models::Fixture, support::Host};

#[test]
fn a_call_reaches_what_the_steps_before_it_put_in_place() {
    let host = Host::start();
    for name in ["logistic-multi", "gaussian-bayes"] {
        host.register("iris", &Fixture::read(name).bytes);
    }
    let yaml = |version: u32, endpoint: &str| {
        format!(
            "
pipeline: swap
steps:
  call: {{ call: {{ endpoint: {endpoint}, input: [5.1, 3.5, 1.4, 0.2], requests: 20, parallel: 4 }} }}
  serve: {{ deploy: {{ endpoint: {endpoint}, model: iris@production }} }}
  promote: {{ promote-model: {{ model: iris, version: {version}, alias: production }} }}
"
        )
    };
    for (version, before, endpoint) in [(1, None, "flower"), (2, Some(1), "flower"), (1, Some(2), "blossom")] {
        let run = host.submit(&yaml(version, endpoint)).done();
        assert_eq!(
            run.step("promote")["results"],
            json!({"model": "iris", "alias": "production", "version": version, "before": before})
        );
        assert_eq!(run.step("serve")["results"]["path"], format!("/v2/models/{endpoint}/infer"));
        let called = &run.step("call")["results"];
        assert_eq!((&called["requests"], &called["errors"]), (&json!(20), &json!(0)));
        let answers = called["answers"].as_array().unwrap();
        assert!(answers.iter().all(|it| it["version"] == version), "version {version}: {answers:?}");
    }
}

#[test]
fn a_revision_of_a_function_is_put_into_service_and_called() {
    let host = Host::start();
    host.deploy_library("enrich");
    let changed = host.function("enrich", "enrich.wasm", "description = \"newer\"\n");
    assert_eq!(host.json(&["deploy", changed.to_str().unwrap()])["revision"]["number"], 2);
    let run = host
        .submit(
            "
pipeline: back
steps:
  deploy: { deploy: { function: enrich@1 } }
  call:
    call:
      function: enrich
      input: { order: o-1, customer: c-7, country: SE, lines: [{ quantity: 2, cents: 250 }] }
      requests: 5
",
        )
        .done();
    assert_eq!(run.step("deploy")["results"]["revision"], 1);
    assert_eq!(run.step("call")["results"]["answers"][0]["total_cents"], 500);
    assert_eq!(host.json(&["show", "enrich"])["function"]["function"]["revision"], 1);
}

#[test]
fn a_call_that_only_fails_fails_its_step() {
    let host = Host::start();
    host.deploy_library("enrich");
    let run = host.submit(
        "pipeline: refused\nsteps:\n  call: { call: { function: enrich, input: { order: o-1 }, requests: 3 } }\n",
    );
    let failure = &run.step("call")["failure"];
    assert_eq!((run.state(), &failure["kind"], &failure["code"]), ("failed", &json!("invalid"), &json!("bad-json")));
}
