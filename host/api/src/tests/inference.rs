//! The registry, and the Open Inference Protocol.

use serde_json::{Value, json};

use super::host::Host;

const PROJECT: &str = "/api/v1/projects/default";

/// Registers bytes as the next version of a model.
async fn register(host: &Host, model: &str, bytes: &'static str) -> Value {
    let made = host.send("POST", &format!("{PROJECT}/artifacts?name=model&kind=model"), "", bytes).await.json();
    let body = json!({ "digest": made["digest"], "metrics": { "accuracy": 0.9 } });
    host.post(&format!("{PROJECT}/models/{model}/versions"), body).await.json()
}

#[tokio::test]
async fn versions_are_registered_promoted_rolled_back_and_served() {
    let host = Host::new().await;
    assert_eq!(register(&host, "wine", "one").await["number"], 1);
    assert_eq!(register(&host, "wine", "two").await["number"], 2);
    let alias = format!("{PROJECT}/models/wine/aliases/production");
    let moved = host.put(&alias, json!({ "version": 1 })).await.json();
    assert_eq!((&moved["number"], &moved["previous"]), (&json!(1), &Value::Null));
    assert_eq!(host.put(&alias, json!({ "version": "2" })).await.json()["previous"], 1);
    assert_eq!(
        host.put(&format!("{PROJECT}/models/wine/aliases/next"), json!({ "version": "production" })).await.json()["number"],
        2
    );
    let back = host.post(&format!("{alias}/rollback"), json!({})).await.json();
    assert_eq!((&back["number"], &back["previous"]), (&json!(1), &json!(2)));
    assert_eq!(host.put(&alias, json!({ "version": 9 })).await.problem(), (404, "not-found".into()));
    assert_eq!(host.put(&alias, json!({ "version": "Nine!" })).await.problem(), (422, "invalid-version".into()));

    let shown = host.get(&format!("{PROJECT}/models/wine")).await.json();
    assert_eq!((shown["versions"].as_array().unwrap().len(), &shown["versions"][0]["number"]), (2, &json!(2)));
    assert_eq!(shown["history"].as_array().unwrap().len(), 4);
    let listed = host.get(&format!("{PROJECT}/models")).await.json();
    assert_eq!((&listed["items"][0]["name"], &listed["items"][0]["newest"]), (&json!("wine"), &json!(2)));
    assert_eq!(host.get(&format!("{PROJECT}/models/beer")).await.problem().0, 404);

    let endpoint = format!("{PROJECT}/endpoints/taste");
    assert_eq!(host.put(&endpoint, json!({ "model": "beer" })).await.problem().0, 404);
    let served = host.put(&endpoint, json!({ "model": "wine" })).await.json();
    assert_eq!(served["path"], "/v2/models/taste/infer");
    assert_eq!(host.get(&format!("{PROJECT}/endpoints")).await.json()["items"][0]["model"], "wine");
    let asked = host.post("/v2/models/taste/infer", request(json!([[1, 2]]))).await.json();
    assert_eq!((&asked["model_name"], &asked["parameters"]["model"]), (&json!("taste"), &json!("wine")));
}

#[tokio::test]
async fn what_is_no_model_is_not_registered() {
    let host = Host::new().await;
    let made = host.send("POST", &format!("{PROJECT}/artifacts?name=m"), "", "broken").await.json();
    let versions = format!("{PROJECT}/models/wine/versions");
    let refused = host.post(&versions, json!({ "digest": made["digest"] })).await;
    assert_eq!(refused.problem(), (422, "unfit-model".into()));
    let pickle = host.post(&versions, json!({ "digest": made["digest"], "format": "pickle" })).await;
    assert!(pickle.json()["detail"].as_str().unwrap().contains("`pickle` is not supported"));
    let missing = json!({ "digest": host_core::Digest::of(b"missing") });
    assert_eq!(host.post(&versions, missing).await.problem().0, 404);
}

fn request(data: Value) -> Value {
    let rows = data.as_array().map_or(0, Vec::len);
    json!({ "id": "7", "inputs": [{ "name": "x", "shape": [rows, 2], "datatype": "FP32", "data": data }] })
}

#[tokio::test]
async fn a_model_answers_with_its_version() {
    let host = Host::new().await;
    let answer = host.post("/v2/models/wine/infer", request(json!([[1, 2], [0.5, 0.25]]))).await;
    assert_eq!(answer.status, 200);
    let sum = json!({ "name": "sum", "shape": [2], "datatype": "FP32", "data": [3.0, 0.75] });
    let told = answer.json();
    assert_eq!((&told["model_name"], &told["model_version"], &told["id"]), (&json!("wine"), &json!("3"), &json!("7")));
    assert_eq!(told["outputs"], json!([sum]));
    assert_eq!(host.post("/v2/models/wine/versions/3/infer", request(json!([[1, 2]]))).await.status, 200);
    assert_eq!(host.post("/v2/models/wine/versions/4/infer", request(json!([[1, 2]]))).await.status, 404);
}

#[tokio::test]
async fn a_request_that_does_not_fit_says_what_was_expected() {
    let host = Host::new().await;
    let input = |change: Value| {
        let mut input = json!({ "name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2] });
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({ "inputs": [input] })
    };
    let cases = [
        (input(json!({ "shape": [1, 3] })), "promises 3"),
        (input(json!({ "shape": [2, 1] })), "shape [-1, 2]"),
        (input(json!({ "datatype": "FLOAT" })), "unknown variant `FLOAT`"),
        (input(json!({ "data": ["a", "b"] })), "of type FP32 has the text"),
        (json!({ "inputs": [] }), "takes 1 input"),
        (json!({}), "missing field `inputs`"),
    ];
    for (body, told) in cases {
        let answer = host.post("/v2/models/wine/infer", body.clone()).await;
        assert_eq!((answer.status, answer.json().as_object().unwrap().len()), (400, 1), "{body}");
        assert!(answer.json()["error"].as_str().unwrap().contains(told), "{}", answer.json());
    }
    for uri in ["/v2/models/beer/infer", "/v2/models/Not a name!/infer", "/v2/models/wine/versions/v!/infer"] {
        let answer = host.post(&uri.replace(' ', "%20"), request(json!([[1, 2]]))).await;
        assert_eq!((answer.status, answer.json()["error"].is_string()), (404, true), "{uri}");
    }
    let config = crate::Config { max_tensors: host_core::size::ByteSize(10), ..crate::Config::default() };
    let small = Host::with(config).await.post("/v2/models/wine/infer", request(json!([[1, 2]]))).await;
    assert_eq!((small.status, small.json()["error"].is_string()), (413, true));
}

#[tokio::test]
async fn a_model_describes_itself() {
    let host = Host::new().await;
    assert_eq!(host.get("/v2").await.json()["name"], "weft");
    register(&host, "wine", "one").await;
    let model = host.get("/v2/models/wine").await.json();
    assert_eq!(model["inputs"], json!([{ "name": "x", "datatype": "FP32", "shape": [-1, 2] }]));
    assert_eq!((&model["platform"], &model["outputs"][0]["name"]), (&json!("onnx_onnxv1"), &json!("sum")));
    assert_eq!(model["versions"], json!(["1"]));
    assert_eq!(host.get("/v2/models/wine/versions/3").await.json(), model);
    assert_eq!(host.get("/v2/models/wine/ready").await.json(), json!({ "name": "wine", "ready": true }));
    assert_eq!(host.get("/v2/models/wine/versions/3/ready").await.status, 200);
    assert_eq!(host.get("/v2/models/beer").await.status, 404);
    assert_eq!(host.get("/v2/models/beer/ready").await.status, 404);
}

#[tokio::test]
async fn pages_of_other_sites_and_other_names_of_this_machine_get_no_scores() {
    let host = Host::new().await;
    let ask = async |headers: &[(&str, &str)]| {
        let mut asked = http::Request::builder().uri("/v2/models/wine");
        for (name, value) in headers {
            asked = asked.header(*name, *value);
        }
        let answer = host.ask(asked.body(axum::body::Body::empty()).unwrap()).await;
        (answer.status, answer.json()["error"].as_str().map(str::to_owned))
    };
    for mine in [&[][..], &[("host", "localhost:7070")], &[("host", "127.0.0.1"), ("origin", "http://127.0.0.1")]] {
        assert_ne!(ask(mine).await.0, 403, "{mine:?}");
    }
    let (status, error) = ask(&[("host", "evil.example")]).await;
    assert_eq!((status, error.unwrap().contains("`evil.example` is not a name")), (403, true));
    let (status, error) = ask(&[("host", "localhost"), ("origin", "http://evil.example")]).await;
    assert_eq!((status, error.unwrap().contains("pages of other sites")), (403, true));
    assert_eq!(ask(&[("host", "localhost"), ("origin", "null")]).await.0, 403);
}
