//! Requests and answers as events: in headers, in bodies, in batches.

use super::*;

#[tokio::test]
async fn a_plain_request_is_an_event_and_its_first_output_the_answer() {
    let host = host([hello()], mirror);
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answer = host.post("/fn/hello/a/b?c=d", &[("traceparent", trace)], "data").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.header("x-weft-revision"), "hello@3");
    assert_eq!(answer.header("x-weft-call-id").len(), 36);
    let extensions = json!({ "httpmethod": "POST", "httppath": "/a/b", "httpquery": "c=d" });
    let seen = json!({ "source": "/fn/hello/a/b", "type": "weft.http.request", "extensions": extensions,
        "data": "data", "subject": null, "trace": trace });
    assert_eq!(answer.json(), seen);
    assert_eq!(*host.neighbours.targets.lock(), ["default:hello@3"]);
}

#[tokio::test]
async fn events_come_in_the_headers_in_the_body_or_as_a_batch() {
    let host = host([hello()], mirror);
    let binary = [
        ("ce-specversion", "1.0"),
        ("ce-id", "7"),
        ("ce-source", "/shop"),
        ("ce-type", "ordered"),
        ("ce-subject", "caf%C3%A9%20noir"),
        ("ce-partitionkey", "k"),
    ];
    let answer = host.post("/fn/hello", &binary, "{\"n\": 1}").await.json();
    assert_eq!((&answer["subject"], &answer["source"]), (&json!("café noir"), &json!("/shop")));
    assert_eq!((&answer["extensions"], &answer["data"]), (&json!({ "partitionkey": "k" }), &json!("{\"n\": 1}")));

    let structured = [("content-type", "application/cloudevents+json; charset=utf-8")];
    let event = r#"{"specversion":"1.0","id":"7","source":"/s","type":"t","n":5,"data":{"exact": 1.10, "big": 123456789012345678901}}"#;
    let answer = host.post("/fn/hello", &structured, event).await.json();
    assert_eq!(answer["data"], json!(r#"{"exact": 1.10, "big": 123456789012345678901}"#));
    assert_eq!(answer["extensions"], json!({ "n": "5" }));

    let text =
        r#"{"specversion":"1.0","id":"7","source":"/s","type":"t","datacontenttype":"text/plain","data":"a \"b\""}"#;
    assert_eq!(host.post("/fn/hello", &structured, text).await.json()["data"], "a \"b\"");
    let bytes = r#"{"specversion":"1.0","id":"7","source":"/s","type":"t","data_base64":"aGk="}"#;
    assert_eq!(host.post("/fn/hello", &structured, bytes).await.json()["data"], "hi");

    let batch = [("content-type", "application/cloudevents-batch+json")];
    let answer = host.post("/fn/hello", &batch, &format!("[{event},{text}]")).await;
    assert_eq!((answer.status, answer.json().as_array().unwrap().len()), (200, 2));
    let output = &answer.json()[0]["outputs"][0];
    assert_eq!((&output["specversion"], &output["type"]), (&json!("1.0"), &json!("mirrored")));
    assert_eq!((&output["id"], &output["source"]), (&json!("7/0"), &json!("/fn/hello")));
    assert_eq!(output["time"], "2025-01-02T03:04:05Z");
    assert_eq!(answer.json()[0]["outputs"][0]["data"]["source"], "/s");
    assert_eq!(host.post("/fn/hello", &batch, &format!("[{event},{event},{event}]")).await.status, 413);
}

#[tokio::test]
async fn a_batch_tells_of_each_event_how_it_went() {
    let outcomes = vec![Ok(vec![]), Err(Failure::invalid("bad-json", "no"))];
    let host = host([hello()], move |_, _| Ok(Reply::Events(outcomes.clone())));
    let event = |id: &str| format!(r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t"}}"#);
    let batch = [("content-type", "application/cloudevents-batch+json")];
    let answer = host.post("/fn/hello", &batch, &format!("[{},{}]", event("a"), event("b"))).await;
    assert_eq!(answer.status, 207);
    let failure = json!({ "kind": "invalid", "code": "bad-json", "message": "no" });
    assert_eq!(answer.json(), json!([{ "id": "a", "outputs": [] }, { "id": "b", "failure": failure }]));
}

#[tokio::test]
async fn what_says_it_is_an_event_and_is_none_is_refused() {
    let host = host([hello()], mirror);
    let structured = [("content-type", "application/cloudevents+json")];
    let cases = [
        ("{", "not a CloudEvent"),
        (r#"{"id":"7","source":"/s","type":"t"}"#, "`specversion`"),
        (r#"{"specversion":"0.3","id":"7","source":"/s","type":"t"}"#, "0.3"),
        (r#"{"specversion":"1.0","source":"/s","type":"t"}"#, "`id`"),
        (r#"{"specversion":"1.0","id":"7","source":"/s","type":"t","x":{}}"#, "`x`"),
        (r#"{"specversion":"1.0","id":"7","source":"/s","type":"t","Not-ok":"y"}"#, "`Not-ok`"),
        (r#"{"specversion":"1.0","id":"7","source":"/s","type":"t","data":1,"data_base64":"aGk="}"#, "both"),
        (r#"{"specversion":"1.0","id":"7","source":"/s","type":"t","data_base64":"?"}"#, "base64"),
    ];
    for (body, told) in cases {
        let answer = host.post("/fn/hello", &structured, body).await;
        assert_eq!((answer.status, answer.json()["code"].as_str().unwrap()), (400, "bad-event"), "{body}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(told), "{body}");
    }
    assert!(host.neighbours.targets.lock().is_empty());
}

#[test]
fn a_trace_context_is_taken_only_in_its_form() {
    let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert_eq!(traceparent(good).as_deref(), Some(good));
    for bad in ["", "00-0af7-b7ad-01", "garbage", &good.to_uppercase(), &format!("{good}-x")] {
        assert_eq!(traceparent(bad), None, "{bad}");
    }
}

/// The headers that make an answer an event.
fn attributes(answer: &Answer) -> Vec<(&str, &str)> {
    let mut headers: Vec<_> =
        answer.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    headers.retain(|(name, _)| name.starts_with("ce-") || *name == "traceparent");
    headers.sort_unstable();
    headers
}

#[tokio::test]
async fn an_answer_is_an_event_whose_identity_source_and_time_the_host_gives() {
    let own = [("httpstatus", "201"), ("shard", "café 7"), ("Not ok", "x")];
    let host = host([hello()], answers(Ok(vec![Output { subject: Some("s".into()), ..output("{}", &own) }])));
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let event =
        [("ce-specversion", "1.0"), ("ce-id", "7 a"), ("ce-source", "/s"), ("ce-type", "t"), ("traceparent", trace)];
    let answer = host.post("/fn/hello", &event, "{}").await;
    let expected = [
        ("ce-id", "7%20a/0"),
        ("ce-shard", "caf%C3%A9%207"),
        ("ce-source", "/fn/hello"),
        ("ce-specversion", "1.0"),
        ("ce-subject", "s"),
        ("ce-time", "2025-01-02T03:04:05Z"),
        ("ce-traceparent", trace),
        ("ce-type", "mirrored"),
        ("traceparent", trace),
    ];
    assert_eq!((answer.status, attributes(&answer)), (201, expected.to_vec()));
    let plain = host.post("/fn/hello", &[], "{}").await;
    assert_eq!(plain.header("ce-id"), format!("{}/0", plain.header("x-weft-call-id")));
    assert_eq!((plain.header("ce-source"), plain.header("traceparent")), ("/fn/hello", ""));
}

#[tokio::test]
async fn a_plain_request_is_answered_plainly_where_the_function_says_no_more_than_data() {
    let host = host([hello()], answers(Ok(vec![output("{}", &[("httpstatus", "201")])])));
    let plain = host.post("/fn/hello", &[], "{}").await;
    assert_eq!((plain.status, attributes(&plain), &plain.body[..]), (201, vec![], &b"{}"[..]));
    assert_eq!(plain.header("content-type"), "application/json");
    let event = [("ce-specversion", "1.0"), ("ce-id", "7"), ("ce-source", "/s"), ("ce-type", "t")];
    assert_eq!(host.post("/fn/hello", &event, "{}").await.header("ce-id"), "7/0");
    let event = r#"{"specversion":"1.0","id":"8","source":"/s","type":"t"}"#;
    let structured = host.post("/fn/hello", &[("content-type", "application/cloudevents+json")], event).await;
    assert_eq!((structured.header("ce-id"), structured.header("ce-type")), ("8/0", "mirrored"));
}

#[tokio::test]
async fn an_extension_named_like_an_attribute_speaks_for_nobody() {
    let names = ["id", "source", "type", "time", "specversion", "subject", "data", "datacontenttype", "data_base64"];
    let own: Vec<_> = names.iter().map(|name| (*name, "forged")).collect();
    let host = host([hello()], answers(Ok(vec![output("{}", &own)])));
    let answer = host.post("/fn/hello", &[], "{}").await;
    let told: Vec<&str> = attributes(&answer).into_iter().map(|(name, _)| name).collect();
    assert_eq!(told, ["ce-id", "ce-source", "ce-specversion", "ce-time", "ce-type"]);
    assert!(!format!("{:?}", answer.headers).contains("forged"));

    let event = r#"[{"specversion":"1.0","id":"7","source":"/s","type":"t"}]"#;
    let batch = [("content-type", "application/cloudevents-batch+json")];
    let output = host.post("/fn/hello", &batch, event).await.json()[0]["outputs"][0].clone();
    assert!(!output.to_string().contains("forged"), "{output}");
    assert_eq!((&output["id"], &output["type"], &output["data"]), (&json!("7/0"), &json!("mirrored"), &json!({})));
}
