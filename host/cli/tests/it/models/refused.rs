//! Models that cannot serve are refused, and what serves goes on serving.

use serde_json::json;

use super::Fixture;
use crate::support::Host;

/// A host that serves version 1 of `iris`.
fn serving() -> (Host, Fixture) {
    let host = Host::start();
    let fixture = Fixture::read("logistic-multi");
    host.register("iris", &fixture.bytes);
    host.json(&["models", "promote", "iris@1"]);
    (host, fixture)
}

fn still_serves(host: &Host, fixture: &Fixture) {
    let (status, answer) = host.question("/v2/models/iris/infer", &fixture.question());
    assert_eq!((status, &answer["model_version"]), (200, &json!("1")), "{answer}");
}

#[test]
fn bytes_that_are_no_model_are_refused_at_registration() {
    let (host, fixture) = serving();
    let half = fixture.bytes[..fixture.bytes.len() / 2].to_vec();
    let mut flipped = fixture.bytes.clone();
    for at in (8..flipped.len()).step_by(9) {
        flipped[at] ^= 0xff;
    }
    for bytes in [b"garbage".to_vec(), Vec::new(), half, flipped] {
        let (status, problem) = host.try_to_register("iris", &host.upload(&bytes));
        assert_eq!((status, &problem["code"]), (422, &json!("unfit-model")), "{problem}");
        assert!(problem["detail"].as_str().unwrap().len() > 20, "it says what is wrong: {problem}");
    }
    let missing = format!("sha256:{}", "0".repeat(64));
    let (status, problem) = host.try_to_register("iris", &missing);
    assert_eq!(status, 404, "{problem}");
    assert_eq!(host.json(&["models", "show", "iris"])["versions"].as_array().unwrap().len(), 1);
    still_serves(&host, &fixture);
}

#[test]
fn a_step_that_registers_no_model_fails_and_moves_no_alias() {
    let (host, fixture) = serving();
    let manifest = crate::runs::JOB.replace("[outputs.out]\noptional = true", "[outputs.out]\nkind = \"model\"");
    host.deploy("maker", "conformance-job.wasm", &manifest);
    let run = host.submit(
        "
pipeline: corrupt
steps:
  make: { function: maker, params: { do: write, text: no model at all } }
  register: { register-model: { model: iris, from: make.out, alias: production } }
  promote: { promote-model: { model: iris, version: register, alias: production } }
",
    );
    assert_eq!((run.state(), run.those("skipped")), ("failed", vec!["promote".to_owned()]));
    assert_eq!(run.step("register")["failure"]["code"], "bad-model");
    still_serves(&host, &fixture);
}

#[test]
fn a_version_whose_bytes_are_damaged_on_disk_does_not_take_over() {
    let (mut host, fixture) = serving();
    let second = host.register("iris", &Fixture::read("gaussian-bayes").bytes);
    let digest = second["digest"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
    let file = host.data().join("host/artifacts/sha256").join(&digest[..2]).join(&digest[2..]);
    // A rollback from the first would lead to the second.
    host.json(&["models", "promote", "iris@2"]);
    host.json(&["models", "promote", "iris@1"]);
    host.kill();
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    host.restart();
    still_serves(&host, &fixture);
    for args in [&["models", "promote", "iris@2"][..], &["models", "rollback", "iris"]] {
        let (code, said) = host.fails(args);
        assert!(code == 4 && said.contains("version 2 of model `iris` cannot answer"), "{args:?}: {code} {said}");
    }
    still_serves(&host, &fixture);
    let (status, answer) = host.question("/v2/models/iris/versions/2/infer", &fixture.question());
    assert!(status >= 500 && answer["error"].is_string(), "{status} {answer}");
}

#[test]
fn what_cannot_be_promoted_is_told() {
    let (host, fixture) = serving();
    for (args, code, expected) in [
        (["models", "promote", "iris@9"], 3, "model `iris@9` does not exist"),
        (["models", "promote", "none@1"], 3, "does not exist"),
        (["models", "promote", "iris"], 2, "`iris` names no version"),
        (["models", "rollback", "iris"], 4, "has never pointed elsewhere"),
        (["models", "show", "none"], 3, "does not exist"),
    ] {
        let (found, said) = host.fails(&args);
        assert!(found == code && said.contains(expected), "{args:?}: {found} {said}");
    }
    still_serves(&host, &fixture);
}
