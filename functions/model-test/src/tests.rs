//! Rows become requests, and their ends become numbers. Who answers is tried with a host.

use serde_json::Value;

use super::*;
use crate::load::Shot;

#[test]
fn rows_become_requests_of_the_protocol() {
    let table = Table::from_csv(b"id,a,b\nx,1,2\ny,3,\nz,5,6\n").unwrap();
    let bodies = requests::of_rows(&table, &[], 2, "input").unwrap();
    let first: Value = serde_json::from_slice(&bodies[0]).unwrap();
    let tensor = json!({ "name": "input", "datatype": "FP32", "shape": [2, 2], "data": [1.0, 2.0, 3.0, 0.0] });
    assert_eq!(first, json!({ "inputs": [tensor] }));
    let last: Value = serde_json::from_slice(&bodies[1]).unwrap();
    assert_eq!((bodies.len(), &last["inputs"][0]["shape"]), (2, &json!([1, 2])));
    let chosen = requests::of_rows(&table, &["b".to_owned()], 1, "x").unwrap();
    assert!(String::from_utf8(chosen[2].clone()).unwrap().contains("[6.0]"));
    assert!(requests::of_rows(&table, &["id".to_owned()], 1, "x").is_err());
}

#[test]
fn percentiles_are_values_that_occurred_and_errors_are_counted_by_what_they_are() {
    let good = (1..=100).map(|ms| Shot { ms: f64::from(ms), outcome: Ok(200) });
    let bad = [Ok(503), Ok(503), Err("timeout".to_owned())].map(|outcome| Shot { ms: 1e6, outcome });
    let measured = Measured::of(&good.chain(bad).collect::<Vec<_>>(), 2.0);
    let latency = measured.latency_ms.unwrap();
    assert_eq!((latency.min, latency.p50, latency.p90, latency.p99, latency.max), (1.0, 50.0, 90.0, 99.0, 100.0));
    assert_eq!((measured.errors, measured.throughput, latency.mean), (3, 50.0, 50.5));
    assert_eq!(json!(measured.errors_by), json!({ "503": 2, "timeout": 1 }));
    let page = page::render("Load", "http://x", &measured, false);
    assert!(page.contains("not passed") && page.contains("503") && !page.contains("NaN"));
}

#[test]
fn without_an_answer_there_is_no_latency() {
    let measured = Measured::of(&[Shot { ms: 0.0, outcome: Err("connection refused".to_owned()) }], 0.0);
    assert_eq!((measured.latency_ms, measured.error_share, measured.throughput), (None, 1.0, 0.0));
    assert_eq!(measured.metrics().len(), 4);
    assert!(page::render("Load", "http://x", &measured, false).contains("–"));
}

#[test]
fn an_address_is_taken_apart_or_refused() {
    let target = |url: &str, method: &str| Target::new(url, "/v2".to_owned(), method, None, 1);
    assert_eq!(target("http://localhost:7070/", "POST").unwrap().url(), "http://localhost:7070/v2");
    assert_eq!(target("https://example.com", "GET").unwrap().url(), "https://example.com/v2");
    for url in ["localhost", "ftp://x", "http://", "http://a/b", "http://u@h"] {
        assert!(target(url, "POST").is_err(), "{url}");
    }
    assert!(target("http://localhost", "CONNECT").is_err());
}

#[test]
fn what_says_too_little_is_refused() {
    let code = |params: Value| {
        let folder = tempfile::tempdir().unwrap();
        super::test(serde_json::from_value(params).unwrap(), &Run::in_folder(folder.path())).unwrap_err().code
    };
    assert_eq!(code(json!({})), "bad-params");
    assert_eq!(code(json!({ "endpoint": "wine" })), "nothing-to-send");
    assert_eq!(code(json!({ "endpoint": "wine", "url": "wine" })), "bad-params");
}
