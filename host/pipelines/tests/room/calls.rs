//! Steps that call what is in service, and measure.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use host_core::{
    Digest,
    artifact::Kind,
    body,
    call::{Call, Prediction, Reply, Target},
    event::{Failure, Output},
    function::Entries,
    model::VersionId,
    tensor::{Dtype, Tensor},
};
use serde_json::{Value, json};

use crate::place::{Place, map, name};

const SCORED: &str = "  prep: { function: prep }\n  reg: { register-model: { model: wine, from: prep.model } }\n  \
                      prod: { promote-model: { model: wine, version: reg, alias: production } }\n  \
                      score: { call: { endpoint: wine, sample: prep.data, requests: 5, parallel: 2 }, needs: [prod] }\n";

/// A place with a model of two features and a dataset of two rows, its label in the middle.
async fn prepared() -> Place {
    let place = Place::new().await;
    place.deploy("name = 'prep'\n[outputs]\ndata = {kind = 'dataset'}\nmodel = {kind = 'model'}", "1").await;
    place.guests.on("prep", |job| {
        job.write("data", "b,quality,a\n2,7,1\n4,8,3\n");
        job.track().describe("data", Kind::Dataset, json!({"label": "quality"}));
        job.write("model", "good");
        Ok(())
    });
    place
}

fn predicted(value: f32) -> Result<Reply, Failure> {
    let version = VersionId { model: name("wine"), number: 1, digest: Digest::of(b"good 1") };
    let data = value.to_le_bytes().to_vec().into();
    let outputs = vec![Tensor { name: "y".into(), dtype: Dtype::Fp32, shape: vec![1, 1], data }];
    Ok(Reply::Infer(Prediction { version, outputs }))
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor.data.chunks_exact(4).map(|it| f32::from_le_bytes(it.try_into().unwrap())).collect()
}

#[tokio::test]
async fn rows_are_sent_in_turn_without_their_label_and_the_latency_is_told() {
    let place = prepared().await;
    let rows = Arc::new(Mutex::new(Vec::new()));
    let seen = rows.clone();
    place.guests.answers(move |target, call| {
        let (Target::Model(_, model), Call::Infer(call)) = (target, call) else { panic!("no model was asked") };
        assert_eq!((model.to_string().as_str(), &*call.inputs[0].shape), ("wine", &[1, 2][..]));
        seen.lock().unwrap().push(floats(&call.inputs[0]));
        predicted(0.5)
    });
    let run = place.done(SCORED).await;
    let mut rows = rows.lock().unwrap().clone();
    rows.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert_eq!(rows, [[2.0, 1.0], [2.0, 1.0], [2.0, 1.0], [4.0, 3.0], [4.0, 3.0]], "columns as in the dataset");
    let told = place.step(&run, "score").await.results;
    assert_eq!((&told["requests"], &told["errors"], &told["first_error"]), (&json!(5), &json!(0), &Value::Null));
    let at = ["p50_us", "p90_us", "p99_us", "max_us"].map(|it| told[it].as_u64().unwrap());
    assert!(at.is_sorted() && at[0] > 0, "{at:?}");
    let answer = json!({"outputs": {"y": [0.5]}, "model": "wine", "version": 1});
    assert_eq!(told["answers"], json!(vec![answer; 5]));
}

#[tokio::test]
async fn some_errors_are_counted_and_nothing_but_errors_fails_the_step() {
    let place = prepared().await;
    let calls = AtomicU32::new(0);
    place.guests.answers(move |_, _| match calls.fetch_add(1, Ordering::SeqCst) {
        0 | 3 => Err(Failure::transient("overloaded", "too many")),
        _ => predicted(0.5),
    });
    let run = place.done(SCORED).await;
    let told = place.step(&run, "score").await.results;
    assert_eq!((&told["requests"], &told["errors"], &told["first_error"]), (&json!(5), &json!(2), &json!("too many")));
    assert_eq!(told["answers"].as_array().unwrap().len(), 3);
    place.guests.answers(|_, _| Err(Failure::transient("overloaded", "too many")));
    let failure = place.run(SCORED).await.failure.unwrap();
    assert_eq!((failure.code.as_str(), failure.message.as_str()), ("overloaded", "step `score`: too many"));
}

#[tokio::test]
async fn only_the_first_answers_are_kept() {
    let place = prepared().await;
    place.guests.answers(|_, _| predicted(0.5));
    let run = place.done(&SCORED.replace("requests: 5", "requests: 50")).await;
    let told = place.step(&run, "score").await.results;
    assert_eq!((&told["requests"], told["answers"].as_array().unwrap().len()), (&json!(50), 10));
}

#[tokio::test]
async fn a_call_that_is_never_answered_ends_with_the_timeout_of_its_step() {
    let place = prepared().await;
    place.guests.answers(|_, _| predicted(0.5));
    place.guests.get_stuck();
    let run = place.run(&SCORED.replace("needs: [prod]", "needs: [prod], timeout: 5ms")).await;
    let failure = run.failure.unwrap();
    assert_eq!(failure.message, "step `score`: the step took longer than its timeout of 5ms");
}

#[tokio::test]
async fn a_function_is_called_by_the_entry_it_has() {
    let place = Place::new().await;
    let none = Entries::default();
    place.deploy_as("name = 'web'", "1", Entries { http: true, ..none }).await;
    place.deploy_as("name = 'events'", "1", Entries { handler: true, ..none }).await;
    place.guests.answers(|_, call| match call {
        Call::Http(request) => {
            assert_eq!(
                (request.method().as_str(), request.headers()["content-type"].as_bytes()),
                ("POST", &b"application/json"[..])
            );
            Ok(Reply::Http(http::Response::new(body::full("{\"by\": \"http\"}"))))
        }
        Call::Events(events) => {
            let data = events[0].data.clone();
            let (outlet, r#type) = (String::new(), "echo".to_owned());
            let output =
                Output { outlet, r#type, subject: None, content_type: None, key: None, extensions: vec![], data };
            Ok(Reply::Events(vec![Ok(vec![output])]))
        }
        _ => panic!("neither a request nor an event"),
    });
    let steps = "  web: { call: { function: web, input: { a: 1 } } }\n  events: { call: { function: events, input: { a: 1 } } }\n";
    let run = place.done(steps).await;
    assert_eq!(place.step(&run, "web").await.results["answers"], json!([{"by": "http"}]));
    assert_eq!(place.step(&run, "events").await.results["answers"], json!([{"a": 1}]));
}

#[tokio::test]
async fn a_request_that_is_refused_is_an_error() {
    let place = Place::new().await;
    place.deploy_as("name = 'web'", "1", Entries { http: true, ..Entries::default() }).await;
    place.guests.answers(|_, _| {
        let response = http::Response::builder().status(503).body(body::full("later")).unwrap();
        Ok(Reply::Http(response))
    });
    let failure = place.run("  web: { call: { function: web, input: {} } }\n").await.failure.unwrap();
    assert_eq!(failure.message, "step `web`: the function answered 503 Service Unavailable");
}

#[tokio::test]
async fn a_sample_of_another_width_is_told() {
    let place = prepared().await;
    place.guests.on("prep", |job| {
        job.write("data", "a,b,c\n1,2,3\n");
        job.write("model", "good");
        Ok(())
    });
    place.guests.answers(|_, _| predicted(0.5));
    let failure = place.run(SCORED).await.failure.unwrap();
    assert_eq!(failure.message, "step `score`: the model takes 2 features, and the sample has 3");
    assert_eq!(map(json!({})), place.step(&place.run(SCORED).await, "score").await.results);
}
