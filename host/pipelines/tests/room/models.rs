//! Steps that register, promote and deploy: verified first, done once, and what was before is told.

use host_core::{
    artifact::Kind,
    function::Entries,
    pipeline::StepState,
    ports::{Directory as _, Models as _},
    run::RunState,
};
use serde_json::json;

use crate::place::{Place, asked, map, name, project, states};

const TRAIN: &str = "  train: { function: train }\n";
const REGISTER: &str = "  train: { function: train }\n  \
                        reg: { register-model: { model: wine, from: train.model, metrics: train, alias: candidate } }\n";

/// A place with a function `train`, which leaves these bytes as a model of this format.
async fn trained(bytes: &'static str, format: &'static str) -> Place {
    let place = Place::new().await;
    place.deploy("name = 'train'\n[params]\nn = 1\n[outputs]\nmodel = {kind = 'model'}", "1").await;
    place.guests.on("train", move |job| {
        job.write("model", format!("{bytes} {}", job.call.params["n"]));
        job.track().describe("model", Kind::Model, json!({"format": format}));
        job.track().metric("accuracy", 0.9, None);
        job.track().result("rows", json!(150));
        job.track().result("note", json!("a text"));
        Ok(())
    });
    place
}

#[tokio::test]
async fn a_model_is_verified_and_registered_with_the_numbers_that_were_measured() {
    let place = trained("good", "onnx").await;
    let run = place.done(REGISTER).await;
    let version = place.store.versions(&project(), &name("wine")).await.unwrap().remove(0);
    assert_eq!(version.metrics, map(json!({"accuracy": 0.9, "rows": 150})), "texts are no metrics");
    assert_eq!((version.run, version.step.as_deref()), (Some(run.spec.id), Some("train")));
    assert_eq!(version.signature.inputs[0].shape, [-1, 2]);
    assert_eq!(*place.scores.verified.lock().unwrap(), 1);
    let alias = place.store.aliases(&project(), &name("wine")).await.unwrap().remove(0);
    assert_eq!((alias.alias.as_str(), alias.number), ("candidate", 1));
    let step = place.step(&run, "reg").await;
    let digest = version.id.digest;
    assert_eq!(step.results, map(json!({"model": "wine", "version": 1, "digest": digest, "alias": "candidate"})));
    assert_eq!((step.models, step.inputs[0].digest), (vec![version.id], digest));
}

#[tokio::test]
async fn a_model_that_does_not_load_is_not_registered() {
    for (bytes, format, says) in [("bad", "onnx", "no protobuf"), ("good", "pickle", "`pickle` is not supported")] {
        let place = trained(bytes, format).await;
        let failure = place.run(REGISTER).await.failure.unwrap();
        assert_eq!(failure.code, "bad-model");
        assert!(failure.message.contains(says), "{}", failure.message);
        assert!(place.store.versions(&project(), &name("wine")).await.is_err());
    }
}

#[tokio::test]
async fn a_run_registers_the_output_of_a_step_once() {
    let place = trained("good", "onnx").await;
    let twice = format!("{REGISTER}  more: {{ register-model: {{ model: wine, from: train.model }}, needs: [reg] }}\n");
    let run = place.done(&twice).await;
    assert_eq!(place.step(&run, "more").await.results["version"], 1);
    assert_eq!(place.store.versions(&project(), &name("wine")).await.unwrap().len(), 1);
    place.done(REGISTER).await;
    assert_eq!(place.store.versions(&project(), &name("wine")).await.unwrap().len(), 2, "another run, another version");
}

#[tokio::test]
async fn a_promotion_names_what_was_before() {
    let place = trained("good", "onnx").await;
    let steps = format!("{REGISTER}  prod: {{ promote-model: {{ model: wine, version: reg, alias: production }} }}\n");
    let first = place.done(&steps).await;
    let second = place.done(&steps).await;
    let told = async |run| place.step(&run, "prod").await.results;
    assert_eq!(told(first).await, map(json!({"model": "wine", "alias": "production", "version": 1, "before": null})));
    assert_eq!(told(second).await, map(json!({"model": "wine", "alias": "production", "version": 2, "before": 1})));
    let back = place.done("  prod: { promote-model: { model: wine, version: 1, alias: production } }\n").await;
    assert_eq!(told(back).await, map(json!({"model": "wine", "alias": "production", "version": 1, "before": 2})));
}

#[tokio::test]
async fn a_promotion_of_a_version_that_is_not_there_fails() {
    let place = trained("good", "onnx").await;
    place.done(REGISTER).await;
    let run = place.run("  prod: { promote-model: { model: wine, version: 7, alias: production } }\n").await;
    let failure = run.failure.unwrap();
    assert_eq!((failure.code.as_str(), failure.message.contains("wine@7")), ("no-model", true), "{failure}");
}

#[tokio::test]
async fn a_model_is_loaded_before_it_is_served() {
    let place = trained("good", "onnx").await;
    let steps =
        format!("{REGISTER}  serve: {{ deploy: {{ endpoint: tasting, model: wine@candidate }}, needs: [reg] }}\n");
    place.scores.broken.lock().unwrap().insert(1);
    let run = place.run(&steps).await;
    assert_eq!(run.failure.unwrap().code, "bad-model");
    assert_eq!(place.store.endpoints(&project()).await.unwrap(), []);
    let run = place.done(&steps).await;
    let endpoint = place.store.endpoints(&project()).await.unwrap().remove(0);
    assert_eq!((endpoint.name.as_str(), endpoint.model.to_string().as_str()), ("tasting", "wine@candidate"));
    let told =
        json!({"endpoint": "tasting", "model": "wine@candidate", "version": 2, "path": "/v2/models/tasting/infer"});
    assert_eq!(place.step(&run, "serve").await.results, map(told));
}

#[tokio::test]
async fn a_model_that_takes_longer_to_load_than_its_step_may_take_is_not_served() {
    let place = trained("good", "onnx").await;
    place.done(REGISTER).await;
    *place.scores.is_stuck.lock().unwrap() = true;
    let run = place.run("  serve: { deploy: { endpoint: tasting, model: wine@candidate }, timeout: 5ms }\n").await;
    let failure = run.failure.unwrap();
    assert_eq!(failure.message, "step `serve`: the step took longer than its timeout of 5ms");
    assert_eq!(place.store.endpoints(&project()).await.unwrap(), []);
}

#[tokio::test]
async fn cancelling_reaches_a_step_that_is_no_job() {
    let place = trained("good", "onnx").await;
    place.done(REGISTER).await;
    *place.scores.is_stuck.lock().unwrap() = true;
    let run = place.submit(asked("  serve: { deploy: { endpoint: tasting, model: wine@candidate } }\n")).await;
    place.until("it deploys", async || (place.scheduler.running() == 1).then_some(())).await;
    place.runs.cancel(run.spec.id, "ann").await.unwrap();
    place.until_idle().await;
    assert_eq!(place.step(&run, "serve").await.state, StepState::Cancelled);
}

#[tokio::test]
async fn a_revision_is_put_into_service() {
    let place = Place::new().await;
    let http = Entries { http: true, ..Entries::default() };
    place.deploy_as("name = 'hello'", "1", http).await;
    place.deploy_as("name = 'hello'", "2", http).await;
    let run = place.done("  back: { deploy: { function: hello@1 } }\n").await;
    let told = map(json!({"function": "hello", "revision": 1, "path": "/fn/hello"}));
    assert_eq!(place.step(&run, "back").await.results, told);
    let functions = place.store.directory().functions();
    assert_eq!(functions.get(&project(), &name("hello")).unwrap().number, 1);
}

#[tokio::test]
async fn what_comes_after_a_condition_that_does_not_hold_is_skipped() {
    let place = trained("good", "onnx").await;
    let steps = format!(
        "{TRAIN}  reg: {{ register-model: {{ model: wine, from: train.model }}, when: \"train.accuracy >= 0.95\" }}\n  \
         prod: {{ promote-model: {{ model: wine, version: reg, alias: production }} }}\n"
    );
    let run = place.run(&steps).await;
    assert_eq!(run.state, RunState::Done);
    assert_eq!(states(&place.steps(&run).await), ["train done", "reg skipped", "prod skipped"]);
}
