//! Requests that come at about the same time: handled by one call, each with its own answer.

use std::thread;

use serde_json::{Value, json};

use crate::{
    models::{Fixture, agree},
    support::{Host, Options, guest_file},
};

#[test]
fn ten_requests_are_one_call_of_the_guest_and_one_that_fails_harms_no_other() {
    let host = Host::start();
    let manifest = "record = \"all\"\n[[triggers]]\nkind = \"http\"\npath = \"/orders\"\nmethods = [\"POST\"]\n\
                    [triggers.batch]\nevents = 10\nwait = \"60s\"\n";
    assert!(guest_file("enrich.wasm").is_file());
    host.deploy("orders", "enrich.wasm", manifest);
    let order = |number: u64| {
        let lines = if number == 7 { json!([]) } else { json!([{ "quantity": number, "cents": 10 }]) };
        json!({ "order": format!("o-{number}"), "customer": "c", "country": "SE", "lines": lines }).to_string()
    };
    let answers: Vec<(u16, String)> = thread::scope(|scope| {
        let ask = |number: u64| {
            let (host, order) = (&host, order(number));
            scope.spawn(move || host.post("/orders", "application/json", order.as_bytes()))
        };
        let asked: Vec<_> = (0..10).map(ask).collect();
        asked.into_iter().map(|it| it.join().unwrap()).collect()
    });
    for (number, (status, body)) in answers.iter().enumerate() {
        let said: Value = serde_json::from_str(body).unwrap();
        if number == 7 {
            assert_eq!((*status, &said["code"]), (422, &json!("no-lines")), "{said}");
        } else {
            assert_eq!((*status, &said["order"]), (200, &json!(format!("o-{number}"))), "{said}");
            assert_eq!(said["total_cents"], number * 10);
        }
    }
    let calls = host.calls("function=orders", 1);
    assert_eq!((calls.len(), &calls[0]["events"]), (1, &json!(10)), "{calls:?}");
}

#[test]
fn predictions_are_computed_together_and_answered_one_by_one() {
    let options = Options::default().env("WEFT_INFERENCE__BATCH_ROWS", "9").env("WEFT_INFERENCE__BATCH_WAIT", "60s");
    let host = Host::start_with(options);
    let model = Fixture::read("standard-logistic");
    host.register("wine", &model.bytes);
    let (input, outputs) = (&model.input, model.outputs.as_array().unwrap());
    let features = input["data"].as_array().unwrap().chunks(13);
    let likelihoods = outputs.iter().find(|it| it["name"] == "probabilities").unwrap()["data"].as_array().unwrap();
    let answers: Vec<Value> = thread::scope(|scope| {
        let ask = |row: &[Value]| {
            let tensor = json!({ "name": "X", "datatype": "FP32", "shape": [1, 13], "data": row });
            let (host, question) = (&host, json!({ "inputs": [tensor] }));
            scope.spawn(move || host.question("/v2/models/wine/infer", &question))
        };
        let asked: Vec<_> = features.map(ask).collect();
        let answered = asked.into_iter().map(|it| it.join().unwrap());
        answered.map(|(status, body)| if status == 200 { body } else { panic!("{status}: {body}") }).collect()
    });
    for (answer, expected) in answers.iter().zip(likelihoods.chunks(3)) {
        let outputs = answer["outputs"].as_array().unwrap();
        let said = outputs.iter().find(|it| it["name"] == "probabilities").unwrap();
        assert_eq!(said["shape"], json!([1, 3]));
        assert!(agree(&said["data"], &json!(expected)), "{said} is not {expected:?}");
    }
}
