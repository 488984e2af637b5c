//! `model-test` against an endpoint of its own host: what is counted, and what is said when nobody answers well.

use serde_json::json;

use super::Library;

#[test]
fn an_endpoint_is_measured_under_load() {
    let library = Library::with(&["load-dataset", "train-linear"]);
    let port = library.host.url("").rsplit(':').next().unwrap().to_owned();
    Library::deploy_changed(&library.host, "model-test", |manifest| manifest.replace("7070", &port));
    let data = library.with_flowers();
    let url = format!("http://127.0.0.1:{port}");
    let features = ["sepal_length", "sepal_width", "petal_length", "petal_width"];
    let asked = json!({
        "url": url, "endpoint": "iris", "requests": 60, "concurrency": 6, "warmup": 3, "rows": 4, "features": features,
    });
    let answer = library.run("model-test", &[("data", &data)], asked);
    assert_eq!((answer.metric("requests"), answer.metric("errors")), (60.0, 0.0));
    let times = ["p50_ms", "p90_ms", "p99_ms", "max_ms"].map(|it| answer.metric(it));
    assert!(times.is_sorted() && times[0] > 0.0 && answer.metric("throughput") > 0.0, "{times:?}");
    assert_eq!(*answer.result("passed"), true);
    assert!(answer.text("page").contains("60 requests to"));
}

#[test]
fn errors_are_told_by_what_they_are() {
    let library = Library::with(&[]);
    let port = library.host.url("").rsplit(':').next().unwrap().to_owned();
    Library::deploy_changed(&library.host, "model-test", |manifest| manifest.replace("7070", &port));
    let url = format!("http://localhost:{port}");
    let asked = json!({
        "url": url, "path": "/nowhere", "method": "GET", "requests": 10, "concurrency": 2, "warmup": 0,
    });
    let answer = library.run("model-test", &[], asked);
    assert_eq!((answer.metric("error_share"), answer.result("passed")), (1.0, &json!(false)));
    assert_eq!(*answer.result("errors_by"), json!({ "404": 10 }));
    let elsewhere = json!({ "url": "http://127.0.0.1:1", "endpoint": "x", "requests": 2 });
    assert_eq!(library.refused("model-test", &[("body", "{}")], elsewhere), "http-denied");
}
