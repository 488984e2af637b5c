//! The main job from end to end: load, describe, prepare, train, evaluate, register, promote, serve, call, predict.

use serde_json::{Value, json};

use crate::{
    runs::{Ran, ran},
    support::{Host, root},
};

/// Everything the example pipeline needs.
const LIBRARY: [&str; 6] = ["load-dataset", "describe", "prepare", "train-linear", "train-forest", "evaluate"];

/// A wine as `predict` takes it.
pub(super) fn measured() -> Value {
    json!({
        "fixed_acidity": 7.4, "volatile_acidity": 0.7, "citric_acid": 0, "residual_sugar": 1.9, "chlorides": 0.076,
        "free_sulfur_dioxide": 11, "total_sulfur_dioxide": 34, "density": 0.9978, "pH": 3.51, "sulphates": 0.56,
        "alcohol": 9.4,
    })
}

/// The same as a row of the model's input.
fn row() -> Value {
    let data = json!([7.4, 0.7, 0, 1.9, 0.076, 11, 34, 0.9978, 3.51, 0.56, 9.4]);
    json!({"inputs": [{"name": "input", "datatype": "FP32", "shape": [1, 11], "data": data}]})
}

/// Two versions of `wine`, trained a little differently; their digests.
pub(super) fn two_versions(host: &Host) -> [String; 2] {
    for function in ["load-dataset", "prepare", "train-linear"] {
        host.deploy_library(function);
    }
    let run = host
        .submit(
            "
pipeline: two
steps:
  load: { function: load-dataset, params: { name: wine-quality } }
  prepare: { function: prepare, inputs: { data: load.data }, params: { bins: [5.5, 6.5], bin_names: [low, medium, high] } }
  strict: { function: train-linear, inputs: { train: prepare.train, transform: prepare.transform }, params: { l2: 100 } }
  loose: { function: train-linear, inputs: { train: prepare.train, transform: prepare.transform }, params: { l2: 0.1 } }
  first: { register-model: { model: wine, from: strict.model } }
  second: { register-model: { model: wine, from: loose.model }, needs: [first] }
",
        )
        .done();
    ["strict", "loose"].map(|step| run.output(step, "model").to_owned())
}

fn submitted(host: &Host) -> Ran {
    for function in LIBRARY {
        host.deploy_library(function);
    }
    let file = root().join("deploy/examples/wine-quality.yaml");
    ran(&host.run(&["pipeline", "submit", file.to_str().unwrap(), "--json"])).done()
}

#[test]
fn the_example_pipeline_learns_serves_and_is_reproduced() {
    let host = Host::start();
    let run = submitted(&host);
    learned_something(&run);
    registered(&host, &run);
    serves(&host, &run);
    predicts(&host, &run);
    reproduced(&host, &run);
    all_cached(&host, &run);
}

/// The chosen models beat whoever always says what is most common.
fn learned_something(run: &Ran) {
    for step in ["baseline", "evaluate"] {
        let results = &run.step(step)["results"];
        let (accuracy, majority) =
            (results["accuracy"].as_f64().unwrap(), results["majority_accuracy"].as_f64().unwrap());
        assert!(accuracy > majority + 0.1, "{step}: {accuracy} against {majority}");
    }
    let accuracy = |label: &str| run.step(label)["results"]["accuracy"].as_f64().unwrap();
    for (step, trials) in [("linear", 2), ("forest", 4)] {
        let best = (0..trials).map(|trial| accuracy(&format!("{step}#{trial}"))).fold(f64::MIN, f64::max);
        assert_eq!(accuracy(step), best, "the best of {step} speaks for it");
    }
    let report: Vec<_> =
        run.step("describe")["outputs"].as_array().unwrap().iter().map(|it| it["kind"].clone()).collect();
    assert_eq!(report, ["report", "table"]);
}

/// The version carries what it takes to trust it, and the aliases moved.
fn registered(host: &Host, run: &Ran) {
    let shown = host.json(&["models", "show", "wine"]);
    let version = &shown["versions"][0];
    assert_eq!((&version["number"], &version["digest"]), (&json!(1), &json!(run.output("forest", "model"))));
    assert_eq!((&version["run"], &version["step"]), (&json!(run.id()), &json!("forest")));
    assert_eq!(version["signature"]["inputs"], json!([{"name": "input", "datatype": "FP32", "shape": [-1, 11]}]));
    assert_eq!(version["metrics"]["accuracy"], run.step("evaluate")["results"]["accuracy"]);
    assert!(version["description"].as_str().unwrap().starts_with("Random forest, accuracy 0."), "{version}");
    let mut aliases: Vec<_> = shown["aliases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["alias"].as_str().unwrap(), it["number"].as_u64()))
        .collect();
    aliases.sort_unstable();
    assert_eq!(aliases, [("candidate", Some(1)), ("production", Some(1))]);
}

fn serves(host: &Host, run: &Ran) {
    let called = &run.step("call")["results"];
    assert_eq!((&called["requests"], &called["errors"]), (&json!(100), &json!(0)));
    assert!(called["p50_us"].as_u64() > Some(0) && called["p50_us"].as_u64() <= called["p99_us"].as_u64(), "{called}");
    assert_eq!(called["answers"][0]["version"], 1);
    let (status, answer) = host.question("/v2/models/wine/infer", &row());
    assert_eq!((status, &answer["model_version"]), (200, &json!("1")), "{answer}");
    assert_eq!(answer["parameters"]["digest"], run.output("forest", "model"));
}

/// A function that asks the model says what the model says, and who said it.
fn predicts(host: &Host, run: &Ran) {
    host.deploy_library("predict");
    let (status, score) = host.question("/predict", &measured());
    assert_eq!(status, 200, "{score}");
    assert_eq!((&score["model"], &score["version"]), (&json!("wine"), &json!(1)));
    assert_eq!(score["digest"], run.output("forest", "model"));
    let (_, direct) = host.question("/v2/models/wine/infer", &row());
    assert!(super::agree(&score["probabilities"], &direct["outputs"][1]["data"]), "{score} against {direct}");
    let (status, problem) = host.question("/predict", &json!({"alcohol": "strong"}));
    assert_eq!((status, &problem["code"]), (422, &json!("bad-json")), "{problem}");
}

fn reproduced(host: &Host, run: &Ran) {
    let comparison = host.json(&["runs", "reproduce", run.id()]);
    assert_eq!((&comparison["verdict"], &comparison["obstacles"]), (&json!("identical"), &json!([])));
    let outputs = comparison["outputs"].as_array().unwrap();
    assert!(outputs.len() > 20 && outputs.iter().all(|it| it["before"] == it["after"]), "{comparison}");
    let versions = host.json(&["models", "show", "wine"])["versions"].as_array().unwrap().len();
    assert_eq!(versions, 1, "a reproduction registers nothing again");
}

/// A second time there is nothing to compute; what moves aliases does so again.
fn all_cached(host: &Host, run: &Ran) {
    let file = root().join("deploy/examples/wine-quality.yaml");
    let again = ran(&host.run(&["pipeline", "submit", file.to_str().unwrap(), "--json"])).done();
    let computed = |it: &&Value| {
        it["function"].is_object()
            && !(it["trial"].is_null() && ["linear", "forest"].contains(&it["step"].as_str().unwrap()))
    };
    let jobs: Vec<&Value> = again.steps().iter().filter(computed).collect();
    assert!(jobs.len() >= 11 && jobs.iter().all(|it| it["cached_from"].is_string()), "{:?}", again.states());
    assert_eq!(again.output("forest", "model"), run.output("forest", "model"));
    let (_, answer) = host.question("/v2/models/wine/infer", &row());
    assert_eq!(answer["parameters"]["digest"], run.output("forest", "model"));
}

#[test]
fn a_model_below_the_threshold_is_registered_but_not_served() {
    let host = Host::start();
    for function in LIBRARY {
        host.deploy_library(function);
    }
    let file = root().join("deploy/examples/wine-quality.yaml");
    let run = ran(&host.run(&["pipeline", "submit", file.to_str().unwrap(), "-p", "threshold=0.99", "--json"])).done();
    assert_eq!(run.those("skipped"), ["promote", "serve", "call"]);
    let shown = host.json(&["models", "show", "wine"]);
    assert_eq!(shown["aliases"].as_array().unwrap().len(), 1, "only the candidate: {shown}");
}
