//! The Open Inference Protocol over HTTP, with no code written.

use serde_json::{Value, json};

use super::{Fixture, agree};
use crate::support::Host;

#[test]
fn a_registered_model_is_served_at_once_and_described() {
    let host = Host::start();
    let fixture = Fixture::read("logistic-multi");
    let version = host.register("iris", &fixture.bytes);
    assert_eq!((&version["number"], &version["model"]), (&json!(1), &json!("iris")));
    assert_eq!(host.get_json("/v2")["name"], "weft");
    assert_eq!(host.get_json("/v2/health/live"), json!({"live": true}));
    assert_eq!(host.get_json("/v2/health/ready"), json!({"ready": true}));
    assert_eq!(host.get_json("/v2/models/iris/ready"), json!({"name": "iris", "ready": true}));
    let described = json!({
        "name": "iris", "versions": ["1"], "platform": "onnx_onnxv1",
        "inputs": [{"name": "X", "datatype": "FP32", "shape": [-1, 4]}],
        "outputs": [
            {"name": "label", "datatype": "INT64", "shape": [-1]},
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]},
        ],
    });
    assert_eq!(host.get_json("/v2/models/iris"), described);
    assert_eq!(host.get_json("/v2/models/iris/versions/1"), described);
}

#[test]
fn an_answer_is_what_scikit_learn_answers_and_names_its_version() {
    let host = Host::start();
    let fixture = Fixture::read("logistic-multi");
    let version = host.register("iris", &fixture.bytes);
    let mut question = fixture.question();
    question["id"] = json!("mine");
    let (status, answer) = host.question("/v2/models/iris/infer", &question);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        (&answer["model_name"], &answer["model_version"], &answer["id"]),
        (&json!("iris"), &json!("1"), &json!("mine"))
    );
    assert_eq!(answer["parameters"]["digest"], version["digest"]);
    for (ours, theirs) in answer["outputs"].as_array().unwrap().iter().zip(fixture.outputs.as_array().unwrap()) {
        assert_eq!(
            (&ours["name"], &ours["shape"], &ours["datatype"]),
            (&theirs["name"], &theirs["shape"], &theirs["dtype"])
        );
        assert!(agree(&ours["data"], &theirs["data"]), "{ours} against {theirs}");
    }
    question["outputs"] = json!([{"name": "label"}]);
    let (_, answer) = host.question("/v2/models/iris/infer", &question);
    assert_eq!(answer["outputs"].as_array().unwrap().len(), 1, "only what was asked for: {answer}");
}

#[test]
fn rows_may_be_nested_and_texts_may_come_back() {
    let host = Host::start();
    let fixture = Fixture::read("logistic-strings");
    host.register("named", &fixture.bytes);
    let rows = json!([[5.1, 3.5, 1.4, 0.2], [6.4, 2.8, 5.6, 2.1]]);
    let question = json!({"inputs": [{"name": "X", "datatype": "FP32", "shape": [2, 4], "data": rows}]});
    let (status, answer) = host.question("/v2/models/named/infer", &question);
    assert_eq!(status, 200, "{answer}");
    let labels = &answer["outputs"][0];
    let (first, last) = (&fixture.outputs[0]["data"][0], &fixture.outputs[0]["data"][8]);
    assert_eq!((&labels["datatype"], &labels["data"]), (&json!("BYTES"), &json!([first, last])));
}

#[test]
fn a_version_is_in_the_path_by_number_or_by_alias() {
    let host = Host::start();
    host.register("iris", &Fixture::read("logistic-multi").bytes);
    host.register("iris", &Fixture::read("gaussian-bayes").bytes);
    let question = Fixture::read("logistic-multi").question();
    let asked = |path: &str| host.question(&format!("/v2/models/{path}/infer"), &question).1["model_version"].clone();
    assert_eq!(asked("iris"), "2", "the newest, where nothing is promoted");
    assert_eq!((asked("iris/versions/1"), asked("iris/versions/2")), (json!("1"), json!("2")));
    host.json(&["models", "promote", "iris@1"]);
    host.json(&["models", "promote", "iris@2", "--alias", "candidate"]);
    assert_eq!(asked("iris"), "1", "what is promoted");
    assert_eq!((asked("iris/versions/production"), asked("iris/versions/candidate")), (json!("1"), json!("2")));
    host.json(&["models", "serve", "iris@candidate", "--name", "flower"]);
    assert_eq!(asked("flower"), "2");
    assert_eq!(host.get_json("/v2/models/flower/ready")["ready"], true);
}

#[test]
fn what_does_not_fit_is_refused_with_what_was_expected() {
    let host = Host::start();
    host.register("iris", &Fixture::read("logistic-multi").bytes);
    let tensor = |name: &str, datatype: &str, shape: Value, data: Value| json!({"inputs": [{"name": name, "datatype": datatype, "shape": shape, "data": data}]});
    let row = json!([5.1, 3.5, 1.4, 0.2]);
    for (question, expected) in [
        (
            tensor("X", "FP32", json!([1, 3]), json!([1, 2, 3])),
            "input `X` has shape [1, 3], but the model takes [-1, 4]",
        ),
        (tensor("X", "FP32", json!([4]), row.clone()), "input `X` has shape [4], but the model takes [-1, 4]"),
        (tensor("X", "INT64", json!([1, 4]), json!([5, 3, 1, 0])), "input `X` is INT64, but the model takes FP32"),
        (
            tensor("Y", "FP32", json!([1, 4]), row.clone()),
            "input `Y` is not one of the model's: it takes `X` FP32 [-1, 4]",
        ),
        (tensor("X", "FP32", json!([1, 4]), json!([5.1])), "input `X` has 1 elements, and its shape [1, 4] promises 4"),
        (tensor("X", "FLOAT", json!([1, 4]), row.clone()), "unknown variant `FLOAT`, expected one of `BOOL`"),
        (tensor("X", "FP32", json!([1, 4]), json!(["a", "b", "c", "d"])), "FP32"),
        (tensor("X", "FP32", json!([-1, 4]), row.clone()), "the body is not an inference request"),
        (json!({"inputs": []}), "input `X` is missing: the model takes `X` FP32 [-1, 4]"),
        (json!({"inputs": 7}), "the body is not an inference request"),
        (json!([]), "the body is not an inference request"),
    ] {
        let (status, answer) = host.question("/v2/models/iris/infer", &question);
        let said = answer["error"].as_str().unwrap_or_default();
        assert!(status == 400 && said.contains(expected), "{question}: {status} {answer}");
    }
    let mut question = tensor("X", "FP32", json!([1, 4]), row);
    question["outputs"] = json!([{"name": "nope"}]);
    let (status, answer) = host.question("/v2/models/iris/infer", &question);
    assert_eq!(
        (status, &answer["error"]),
        (400, &json!("output `nope` is not one of the model's: it gives `label`, `probabilities`"))
    );
    let (status, body) = host.post("/v2/models/iris/infer", "application/json", b"{");
    assert!(status == 400 && body.contains("the body is not an inference request"), "{status} {body}");
}

#[test]
fn what_is_not_there_is_not_found() {
    let host = Host::start();
    let fixture = Fixture::read("logistic-multi");
    host.register("iris", &fixture.bytes);
    for path in ["none", "iris/versions/9", "iris/versions/beta", "Not%20A%20Name"] {
        let (status, answer) = host.question(&format!("/v2/models/{path}/infer"), &fixture.question());
        assert_eq!(status, 404, "{path}: {answer}");
        assert!(answer["error"].is_string(), "{answer}");
        let (status, body) = host.get(&format!("/v2/models/{path}/ready"));
        assert_eq!(status, 404, "{path}: {body}");
    }
}
