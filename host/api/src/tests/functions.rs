//! Deploy, list, roll back, delete, invoke.

use host_core::{
    call::Reply,
    event::{Failure, code},
    function::Entries,
};
use serde_json::json;

use super::host::Host;
use crate::Config;

const FUNCTIONS: &str = "/api/v1/projects/default/functions";

#[tokio::test]
async fn a_function_is_deployed_listed_rolled_back_and_deleted() {
    let host = Host::new().await;
    let first = host.deploy("hello", b"one").await;
    assert_eq!((first.status, &first.json()["revision"]["number"]), (201, &json!(1)));
    assert_eq!((&first.json()["path"], &first.json()["is_active"]), (&json!("/fn/hello"), &json!(true)));
    let second = host.deploy("hello", b"two").await.json();
    assert_eq!((&second["revision"]["number"], &second["previous"]), (&json!(2), &json!(1)));

    let list = host.get(FUNCTIONS).await.json();
    assert_eq!(list["items"][0]["name"], "hello");
    assert_eq!(list["items"][0]["entries"], json!(["handler", "job"]));
    let back = host.post(&format!("{FUNCTIONS}/hello/rollback"), json!({})).await.json();
    assert_eq!((&back["revision"]["number"], &back["previous"]), (&json!(1), &json!(2)));
    let forth = host.post(&format!("{FUNCTIONS}/hello/rollback"), json!({ "to": 2 })).await.json();
    assert_eq!(forth["revision"]["number"], 2);
    let shown = host.get(&format!("{FUNCTIONS}/hello")).await.json();
    assert_eq!((&shown["function"]["revision"], shown["activations"].as_array().unwrap().len()), (&json!(2), 4));

    let audit = host.get("/api/v1/projects/default/audit").await.json();
    assert!(audit["items"].as_array().unwrap().iter().all(|it| it["who"] == "local"));
    let delete = host.send("DELETE", &format!("{FUNCTIONS}/hello"), "", "").await;
    assert_eq!(delete.status, 204);
    assert_eq!(host.get(&format!("{FUNCTIONS}/hello")).await.problem(), (404, "not-found".into()));
    assert_eq!(host.get(FUNCTIONS).await.json()["items"], json!([]));
}

#[tokio::test]
async fn revisions_are_paged_and_one_can_be_made_without_answering() {
    let host = Host::new().await;
    let revisions = format!("{FUNCTIONS}/hello/revisions");
    for bytes in [&b"one"[..], b"two", b"three"] {
        host.deploy("hello", bytes).await;
    }
    let component = host.upload(b"four").await;
    let quiet = json!({ "component": component, "manifest": "name = \"hello\"" });
    let made = host.post(&format!("{revisions}?activate=false"), quiet).await.json();
    assert_eq!((&made["revision"]["number"], &made["is_active"]), (&json!(4), &json!(false)));

    let page = host.get(&format!("{revisions}?limit=3")).await.json();
    let numbers: Vec<_> = page["items"].as_array().unwrap().iter().map(|it| it["number"].clone()).collect();
    assert_eq!(numbers, [4, 3, 2]);
    let next = page["next"].as_str().unwrap();
    let rest = host.get(&format!("{revisions}?limit=3&after={next}")).await.json();
    assert_eq!((&rest["items"][0]["number"], &rest["next"]), (&json!(1), &json!(null)));
    assert_eq!(host.get(&format!("{revisions}?after=x")).await.problem(), (400, "invalid-cursor".into()));

    assert_eq!(host.post(&format!("{revisions}/4/activate"), json!({})).await.json()["previous"], 3);
    assert_eq!(host.get(&format!("{revisions}/4")).await.json()["component"], component);
    assert_eq!(host.post(&format!("{revisions}/9/activate"), json!({})).await.problem(), (404, "not-found".into()));
}

#[tokio::test]
async fn what_cannot_be_deployed_says_why_and_what_to_do() {
    let host = Host::new().await;
    let revisions = format!("{FUNCTIONS}/hello/revisions");
    let component = host.upload(b"component").await;
    let broken = host.upload(b"not a component").await;
    let missing = host_core::Digest::of(b"never sent");
    let cases = [
        (
            json!({ "component": missing, "manifest": "name = \"hello\"" }),
            "missing-component",
            "PUT /api/v1/components/",
        ),
        (json!({ "component": component, "manifest": "name = \"other\"" }), "other-name", "name = \"hello\""),
        (json!({ "component": component, "manifest": { "name": "hello", "timeout": "3s" } }), "invalid-manifest", ""),
        (json!({ "component": broken, "manifest": "name = \"hello\"" }), "unfit-component", ""),
        (json!({ "component": component, "manifest": "name = \"hello\"", "activate": true }), "invalid-body", ""),
        (json!({ "component": "sha256:1", "manifest": "name = \"hello\"" }), "invalid-body", ""),
    ];
    for (body, code, hint) in cases {
        let answer = host.post(&revisions, body.clone()).await;
        assert_eq!(answer.problem(), (422, code.into()), "{body}");
        assert!(answer.json()["hint"].as_str().unwrap_or_default().contains(hint), "{body}");
    }
    let toml = json!({ "component": component, "manifest": "name = \"hello\"\n[limits]\ntimeout = \"soon\"" });
    assert_eq!(host.post(&revisions, toml).await.json()["place"], "function.toml:3:11");
    let unknown = json!({ "component": component, "manifest": "name = \"hello\"", "activte": true });
    let told = host.post(&revisions, unknown).await.json();
    assert!(told["detail"].as_str().unwrap().contains("unknown field `activte`"), "{told}");

    host.guest.inspection.lock().imports = vec!["weft:function/model@0.1.0".into()];
    let answer = host.deploy("hello", b"component").await;
    assert_eq!(answer.problem(), (422, "not-granted".into()));
    assert_eq!(answer.json()["hint"], "add `model = [\"<name>\"]` under [grants] in function.toml");
}

#[tokio::test]
async fn a_route_belongs_to_one_function() {
    let host = Host::new().await;
    let component = host.upload(b"component").await;
    let route = |name: &str| {
        let manifest = format!("name = \"{name}\"\n[[triggers]]\nkind = \"http\"\npath = \"/shop\"");
        json!({ "component": component, "manifest": manifest })
    };
    let first = host.post(&format!("{FUNCTIONS}/one/revisions"), route("one")).await;
    assert_eq!((first.status, &first.json()["routes"][0]["path"]), (201, &json!("/shop")));
    let second = host.post(&format!("{FUNCTIONS}/two/revisions"), route("two")).await;
    assert_eq!(second.problem(), (409, "route-taken".into()));
}

#[tokio::test]
async fn components_are_verified_and_bounded() {
    let config = Config { max_component: host_core::size::ByteSize(4), ..Config::default() };
    let host = Host::with(config).await;
    let digest = host_core::Digest::of(b"four");
    let uri = format!("/api/v1/components/{digest}");
    assert_eq!(host.send("HEAD", &uri, "", "").await.status, 404);
    assert_eq!(host.send("PUT", &uri, "", "five!").await.problem(), (413, "too-large".into()));
    assert_eq!(host.send("PUT", &uri, "", "for").await.problem(), (422, "other-digest".into()));
    let stored = host.send("PUT", &uri, "", "four").await;
    assert_eq!((stored.status, stored.json()), (201, json!({ "digest": digest, "size": 4 })));
    assert_eq!(host.send("HEAD", &uri, "", "").await.status, 200);
    assert_eq!(host.send("PUT", "/api/v1/components/md5:1", "", "").await.problem(), (400, "invalid-path".into()));
}

#[tokio::test]
async fn a_call_by_hand_takes_a_payload_or_events() {
    let host = Host::new().await;
    host.deploy("hello", b"one").await;
    let uri = format!("{FUNCTIONS}/hello/invoke");
    let one = host.send("POST", &format!("{uri}?type=greeting"), "application/json", "{\"n\":1}").await.json();
    let output = &one["outcomes"][0]["outputs"][0];
    assert_eq!((&output["type"], &output["data"]), (&json!("greeting"), &json!({ "n": 1 })));
    assert_eq!(output["extensions"]["id"], format!("{}/0", one["call"].as_str().unwrap()));

    let events = json!({ "events": [{ "id": "a", "data": [1] }, { "datacontenttype": "text/plain", "data": "hi" },
        { "data_base64": "/w==" }] });
    let many = host.send("POST", &uri, "application/vnd.weft.events+json", events.to_string()).await.json();
    let data: Vec<_> = many["outcomes"].as_array().unwrap().iter().map(|it| it["outputs"][0].clone()).collect();
    assert_eq!(
        (&data[0]["data"], &data[1]["data"], &data[2]["data_base64"]),
        (&json!([1]), &json!("hi"), &json!("/w=="))
    );

    let by_number = host.send("POST", &format!("{FUNCTIONS}/hello@1/invoke"), "text/plain", "hi").await;
    assert_eq!(by_number.json()["outcomes"][0]["outputs"][0]["data"], "hi");
    let forged = "{\"events\": [{\"extensions\": {\"type\": \"forged\"}}]}";
    for body in ["{", "{\"events\": []}", "{\"events\": [{\"dat\": 1}]}", forged] {
        let answer = host.send("POST", &uri, "application/vnd.weft.events+json", body).await;
        assert!(matches!(answer.status, 400 | 422), "{body}");
    }
}

#[tokio::test]
async fn a_call_that_fails_is_a_problem_with_its_call() {
    let host = Host::new().await;
    host.deploy("hello", b"one").await;
    let uri = format!("{FUNCTIONS}/hello/invoke");
    let mut busy = Failure::transient(code::OVERLOADED, "busy");
    busy.retry_after_ms = Some(10);
    let cases = [
        (busy, 429),
        (Failure::transient(code::UNAVAILABLE, "gone"), 503),
        (Failure::transient(code::DEADLINE, "late"), 504),
        (Failure::transient(code::TRAP, "unreachable"), 500),
    ];
    for (failure, status) in cases {
        let (code, theirs) = (failure.code.clone(), failure.clone());
        *host.guest.act.lock() = Box::new(move |_| Err(theirs.clone()));
        let answer = host.send("POST", &uri, "", "x").await;
        assert_eq!(answer.problem(), (status, code));
        assert_eq!(answer.header("retry-after"), if status == 429 { "1" } else { "" });
        assert_eq!(answer.json()["call"].as_str().unwrap().len(), 36);
    }
    *host.guest.act.lock() = Box::new(|_| Ok(Reply::Events(vec![Err(Failure::invalid("bad", "no"))])));
    let answer = host.send("POST", &uri, "", "x").await;
    assert_eq!((answer.status, &answer.json()["outcomes"][0]["failure"]["code"]), (200, &json!("bad")));
    assert_eq!(host.send("POST", &format!("{FUNCTIONS}/other/invoke"), "", "").await.problem().0, 404);
    assert_eq!(host.send("POST", &uri, "", vec![b'x'; 9 << 20]).await.problem(), (413, "too-large".into()));

    host.guest.inspection.lock().entries = Entries { http: false, handler: false, job: true };
    host.deploy("train", b"job").await;
    let job = host.send("POST", &format!("{FUNCTIONS}/train/invoke"), "", "").await;
    assert_eq!(job.problem(), (422, code::WRONG_ENTRY.into()));
}

/// A body that says it is long and never comes.
fn endless() -> axum::body::Body {
    axum::body::Body::from_stream(futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>())
}

#[tokio::test]
async fn a_function_that_is_not_there_is_said_so_before_its_body_comes() {
    let host = Host::new().await;
    host.deploy("hello", b"one").await;
    for name in ["other", "other@1", "hello@9"] {
        let body = if name.starts_with("other") { endless() } else { "x".into() };
        let answer = host.send("POST", &format!("{FUNCTIONS}/{name}/invoke"), "", body).await;
        assert_eq!(answer.problem(), (404, "not-found".into()), "{name}");
    }
}

#[tokio::test]
async fn bodies_beyond_what_the_host_holds_are_told_to_come_back() {
    let host = Host::new().await;
    host.deploy("hello", b"one").await;
    let uri = format!("{FUNCTIONS}/hello/invoke");
    let whole = host.bodies.left();
    let mut others = host.bodies.part();
    others.grow(whole - 10).unwrap();
    for (method, uri) in [("POST", uri.as_str()), ("POST", "/api/v1/projects/default/runs")] {
        let refused = host.send(method, uri, "application/json", "{\"nine\": 99}").await;
        assert_eq!((refused.problem(), refused.header("retry-after")), ((503, "bodies-full".into()), "1"), "{uri}");
    }
    let refused = host.send("POST", "/v2/models/wine/infer", "application/json", "{\"inputs\": []}").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    assert!(refused.json()["error"].as_str().unwrap().contains("that this host holds of bodies"));
    assert_eq!(host.send("POST", &uri, "", "few").await.status, 200);
    drop(others);
    assert_eq!(host.send("POST", &uri, "application/json", "{\"nine\": 99}").await.status, 200);
    assert_eq!(host.bodies.left(), whole);
}
