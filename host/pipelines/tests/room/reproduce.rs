//! A run done again from its record, and what the comparison says.

use host_core::{
    artifact::Kind,
    call::Reply,
    event::Failure,
    ports::{JournalError, Models as _},
    run::{Platform, Run, RunState},
};
use host_pipelines::{Comparison, SubmitError, Verdict};
use serde_json::json;

use crate::{
    fakes::Gate,
    place::{Place, asked, name, project, states},
};

const CHAIN: &str = "  a: { function: make }\n  b: { function: copy, inputs: { data: a.data } }\n";

fn makes(place: &Place, text: &'static str) {
    place.guests.on("make", move |job| {
        job.write("data", text);
        Ok(())
    });
}

async fn again(place: &Place, run: &Run) -> Run {
    let again = place.runs.reproduce(run.spec.id, "bob").await.unwrap();
    place.end(again.spec.id).await
}

async fn compared(place: &Place, run: &Run) -> Comparison {
    place.runs.compare(again(place, run).await.spec.id).await.unwrap()
}

#[tokio::test]
async fn equal_bytes_are_identical() {
    let place = Place::new().await;
    let run = place.done(CHAIN).await;
    let again = again(&place, &run).await;
    assert_eq!((again.spec.reproduces, again.spec.owner.as_str()), (Some(run.spec.id), "bob"));
    assert_eq!((again.spec.seed, again.spec.as_of), (run.spec.seed, run.spec.as_of));
    assert_eq!((place.guests.count("make"), place.guests.count("copy")), (2, 2), "nothing comes from the cache");
    let jobs = place.guests.jobs("make");
    assert_eq!((jobs[0].call.seed, &jobs[0].call.params), (jobs[1].call.seed, &jobs[1].call.params));
    let comparison = place.runs.compare(again.spec.id).await.unwrap();
    assert_eq!((comparison.verdict, comparison.obstacles.len()), (Verdict::Identical, 0));
    let outputs: Vec<_> = comparison.outputs.iter().map(|it| (it.step.as_str(), it.is_same())).collect();
    assert_eq!(outputs, [("a", true), ("b", true)]);
}

#[tokio::test]
async fn a_difference_is_told_by_its_first_byte() {
    let place = Place::new().await;
    for (before, after, first) in [("red wine", "red vine", 4), ("red", "red wine", 3), ("x", "y", 0), ("", "y", 0)] {
        makes(&place, before);
        place.deploy("name = 'make'\n[outputs]\ndata = {}", before).await;
        let run = place.done(CHAIN).await;
        makes(&place, after);
        let comparison = compared(&place, &run).await;
        assert_eq!(comparison.verdict, Verdict::Different);
        let firsts: Vec<_> = comparison.outputs.iter().map(|it| it.first_difference).collect();
        assert_eq!(firsts, [Some(first), Some(first)], "{before} and {after}");
    }
}

#[tokio::test]
async fn a_difference_far_into_large_files_is_found() {
    let place = Place::new().await;
    let large = |last: u8| {
        let mut bytes = vec![7; 3_000_000];
        bytes[2_999_999] = last;
        bytes
    };
    place.guests.on("make", move |job| {
        job.write("data", large(1));
        Ok(())
    });
    let run = place.done(CHAIN).await;
    place.guests.on("make", move |job| {
        job.write("data", large(2));
        Ok(())
    });
    assert_eq!(compared(&place, &run).await.outputs[0].first_difference, Some(2_999_999));
}

#[tokio::test]
async fn an_output_that_only_one_of_them_has_is_a_difference() {
    let place = Place::new().await;
    let run = place.done("  a: { function: make }\n").await;
    place.guests.on("make", |job| {
        job.write("data", "data");
        job.write("more", "more");
        Ok(())
    });
    let comparison = compared(&place, &run).await;
    assert_eq!(comparison.verdict, Verdict::Different);
    let more = &comparison.outputs[1];
    assert_eq!((more.output.as_str(), more.before, more.first_difference), ("more", None, None));
}

#[tokio::test]
async fn on_another_machine_a_difference_means_nothing() {
    let place = Place::new().await;
    let run = place.done(CHAIN).await;
    let machine = Platform { engine: "wasmtime 49".into(), arch: "aarch64".into(), ..Platform::default() };
    let place = place.moved_to(machine).await;
    assert_eq!(compared(&place, &run).await.verdict, Verdict::Identical, "equal bytes are equal anywhere");
    makes(&place, "else");
    let comparison = compared(&place, &run).await;
    assert_eq!(comparison.verdict, Verdict::NotComparable);
    assert_eq!(comparison.obstacles, ["engine  then, wasmtime 49 now", "architecture  then, aarch64 now"]);
}

#[tokio::test]
async fn where_a_step_sees_the_real_time_a_difference_means_nothing() {
    let place = Place::new().await;
    place.deploy("name = 'make'\ntime = 'real'", "2").await;
    let run = place.done(CHAIN).await;
    makes(&place, "else");
    let comparison = compared(&place, &run).await;
    assert_eq!(
        (comparison.verdict, comparison.obstacles),
        (Verdict::NotComparable, vec!["step `a` sees the real time".to_owned()])
    );
}

#[tokio::test]
async fn one_that_is_not_done_is_unfinished() {
    let place = Place::new().await;
    let run = place.done(CHAIN).await;
    let gate = Gate::shut();
    place.guests.waits("make", &gate);
    let again = place.runs.reproduce(run.spec.id, "bob").await.unwrap();
    assert_eq!(place.runs.compare(again.spec.id).await.unwrap().verdict, Verdict::Unfinished);
    place.runs.cancel(again.spec.id, "bob").await.unwrap();
    place.guests.on("make", |_| Err(Failure::fatal("oops", "oops")));
    assert_eq!(compared(&place, &run).await.verdict, Verdict::Unfinished);
}

#[tokio::test]
async fn only_what_is_done_is_done_again_and_only_that_is_compared() {
    let place = Place::new().await;
    let run = place.done(CHAIN).await;
    let refused = place.runs.compare(run.spec.id).await.unwrap_err();
    assert!(matches!(refused, SubmitError::NoReproduction(id) if id == run.spec.id));
    place.guests.waits("copy", &Gate::shut());
    let running = place.submit(host_pipelines::Submission { seed: 2, ..asked(CHAIN) }).await;
    let refused = place.runs.reproduce(running.spec.id, "bob").await.unwrap_err();
    assert!(matches!(refused, SubmitError::Journal(JournalError::State { state: "running", .. })), "{refused}");
}

#[tokio::test]
async fn only_jobs_are_executed_and_the_rest_comes_from_the_record() {
    let place = Place::new().await;
    place.deploy("name = 'train'\n[outputs]\ndata = {}\nmodel = {kind = 'model'}", "1").await;
    place.guests.on("train", |job| {
        job.write("model", "good");
        job.write("data", "a,b\n1,2\n");
        job.track().describe("model", Kind::Model, json!({"format": "onnx"}));
        Ok(())
    });
    place.guests.answers(|_, _| Err::<Reply, _>(Failure::fatal("unreachable", "nobody calls")));
    let http = host_core::function::Entries { http: true, ..Default::default() };
    place.deploy_as("name = 'web'", "1", http).await;
    place.guests.answers(|_, _| Ok(Reply::Http(http::Response::new(host_core::body::full("1")))));
    let steps = "  train: { function: train }\n  reg: { register-model: { model: wine, from: train.model } }\n  \
                 prod: { promote-model: { model: wine, version: reg, alias: production } }\n  \
                 serve: { deploy: { endpoint: wine, model: wine@production }, needs: [prod] }\n  \
                 try: { call: { function: web, input: {} }, needs: [serve] }\n  \
                 test: { function: train, needs: [try] }\n";
    let run = place.done(steps).await;
    let (project, wine) = (project(), name("wine"));
    let history = place.store.history(&project, &wine).await.unwrap();
    place.guests.answers(|_, _| panic!("called again"));
    let again = again(&place, &run).await;
    assert_eq!(again.state, RunState::Done, "{:?}", again.failure);
    assert_eq!(place.guests.count("train"), 4);
    assert_eq!(place.store.versions(&project, &wine).await.unwrap().len(), 1);
    assert_eq!(place.store.history(&project, &wine).await.unwrap(), history);
    assert_eq!(*place.scores.verified.lock().unwrap(), 1);
    for step in ["reg", "prod", "serve", "try"] {
        let (before, after) = (place.step(&run, step).await, place.step(&again, step).await);
        assert_eq!((after.results, after.cached_from), (before.results, Some(run.spec.id)), "{step}");
    }
    assert_eq!(states(&place.steps(&again).await).len(), 6);
}

#[tokio::test]
async fn a_model_input_stays_the_version_it_was() {
    let place = Place::new().await;
    place.deploy("name = 'train'\n[params]\nn = 1\n[outputs]\ndata = {kind = 'model'}", "1").await;
    place.guests.on("train", |job| {
        job.write("data", job.call.params["n"].to_string());
        Ok(())
    });
    let register = |n: u32| {
        format!(
            "  t: {{ function: train, params: {{ n: {n} }} }}\n  \
             r: {{ register-model: {{ model: wine, from: t.data, alias: production }} }}\n"
        )
    };
    place.done(&register(1)).await;
    let run = place.done("  a: { function: copy, inputs: { data: { model: wine@production } } }\n").await;
    place.done(&register(2)).await;
    let comparison = compared(&place, &run).await;
    assert_eq!(comparison.verdict, Verdict::Identical);
    assert_eq!(place.step(&run, "a").await.inputs[0].from, "wine@1");
}
