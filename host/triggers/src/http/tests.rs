//! Requests in, responses out, with a directory in memory and a dispatcher that does what it is told.

use async_trait::async_trait;
use host_core::{
    Digest, RevisionId, body,
    call::{Called, End, Finished},
    clock::ManualClock,
    event::{Failure, FailureKind, Output, code},
    function::{Entries, Revision},
    manifest::Manifest,
    ports::{DeployError, Functions},
    size::ByteSize,
};
use http_body::Body as _;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::*;

mod gather;
mod guard;

/// How the function answers.
type Act = Box<dyn Fn(Call, &CallContext) -> Result<Reply, Failure> + Send + Sync>;

struct Neighbours {
    functions: Mutex<Arc<Functions>>,
    act: Act,
    targets: Mutex<Vec<String>>,
}

#[async_trait]
impl Directory for Neighbours {
    fn functions(&self) -> Arc<Functions> {
        self.functions.lock().clone()
    }

    async fn refresh(&self) -> Result<Arc<Functions>, DeployError> {
        Ok(self.functions())
    }

    async fn changed(&self, _: u64) {}
}

#[async_trait]
impl Dispatch for Neighbours {
    async fn call(&self, target: Target, context: CallContext, call: Call) -> Called {
        if let Target::Function(project, function) = target {
            self.targets.lock().push(format!("{project}:{function}"));
        }
        Called { reply: (self.act)(call, &context), end: End::Now(Finished::default()) }
    }
}

const HANDLER: Entries = Entries { http: false, handler: true, job: false };
const PROXY: Entries = Entries { http: true, handler: true, job: false };
const JOB: Entries = Entries { http: false, handler: false, job: true };

/// A revision of what `function.toml` says.
fn revision(project: &str, entries: Entries, manifest: &str) -> Revision {
    let manifest = Manifest::parse(manifest).unwrap();
    Revision {
        id: RevisionId::next(),
        project: project.parse().unwrap(),
        function: manifest.name.clone(),
        number: 3,
        component: Digest::of(b""),
        component_size: 0,
        manifest,
        entries,
        created_by: "test".into(),
        created_at: "2025-01-01T00:00:00Z".parse().unwrap(),
    }
}

struct Host {
    http: Arc<Http>,
    neighbours: Arc<Neighbours>,
    bodies: Arc<Budget>,
}

fn host(
    revisions: impl IntoIterator<Item = Revision>,
    act: impl Fn(Call, &CallContext) -> Result<Reply, Failure> + Send + Sync + 'static,
) -> Host {
    let active = |it: Revision| ((it.project.clone(), it.function.clone()), Arc::new(it));
    let functions = Functions { generation: 1, active: revisions.into_iter().map(active).collect() };
    let (functions, targets) = (Mutex::new(Arc::new(functions)), Mutex::default());
    let neighbours = Arc::new(Neighbours { functions, act: Box::new(act), targets });
    let (config, bodies) = (Config { max_batch: 2, ..Config::default() }, Budget::new(ByteSize(1 << 20)));
    let clock = Arc::new(ManualClock::at("2025-01-02T03:04:05Z".parse().unwrap()));
    let http = Http::new(config, neighbours.clone(), neighbours.clone(), bodies.clone(), clock, Guard::open());
    Host { http, neighbours, bodies }
}

/// A handler that says what it was given.
fn mirror(call: Call, context: &CallContext) -> Result<Reply, Failure> {
    let Call::Events(events) = call else { return Err(Failure::fatal("x", "no events")) };
    let seen = |it: Event| {
        let extensions: serde_json::Map<String, Value> =
            it.extensions.into_iter().map(|(name, value)| (name, value.into())).collect();
        let data = String::from_utf8_lossy(&it.data).into_owned();
        let seen = json!({ "source": it.source, "type": it.r#type, "extensions": extensions, "data": data,
            "subject": it.subject, "trace": context.traceparent });
        Ok(vec![output(seen.to_string(), &[])])
    };
    Ok(Reply::Events(events.into_iter().map(seen).collect()))
}

fn output(data: impl Into<Bytes>, extensions: &[(&str, &str)]) -> Output {
    Output {
        outlet: String::new(),
        r#type: "mirrored".into(),
        subject: None,
        content_type: Some("application/json".into()),
        key: None,
        extensions: extensions.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        data: data.into(),
    }
}

fn answers(outcome: Result<Vec<Output>, Failure>) -> impl Fn(Call, &CallContext) -> Result<Reply, Failure> {
    move |_, _| Ok(Reply::Events(vec![outcome.clone()]))
}

fn request(method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

struct Answer {
    status: u16,
    headers: ::http::HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }
}

impl Host {
    async fn ask(&self, request: Request<Body>) -> Answer {
        let (head, body) = self.http.answer(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    async fn get(&self, uri: &str) -> Answer {
        self.ask(request("GET", uri, &[], "")).await
    }

    async fn post(&self, uri: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.ask(request("POST", uri, headers, body)).await
    }
}

fn hello() -> Revision {
    revision("default", HANDLER, "name = \"hello\"")
}

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
async fn a_function_is_named_alone_or_with_its_project() {
    let host = host([hello(), revision("staging", HANDLER, "name = \"hello\"")], mirror);
    for uri in ["/fn/hello", "/fn/default:hello/", "/fn/staging:hello"] {
        assert_eq!(host.get(uri).await.json()["extensions"]["httppath"], "/", "{uri}");
    }
    assert_eq!(*host.neighbours.targets.lock(), ["default:hello@3", "default:hello@3", "staging:hello@3"]);
    for uri in ["/fn/other", "/fn/", "/fn/hello@3", "/nothing", "/fn/staging:other"] {
        let answer = host.get(uri).await;
        assert_eq!(
            (answer.status, answer.json()["type"].as_str().unwrap()),
            (404, "urn:weft:problem:not-found"),
            "{uri}"
        );
    }
}

#[tokio::test]
async fn routes_answer_by_host_then_path_then_method() {
    let route = |name: &str, trigger: &str| {
        revision("default", HANDLER, &format!("name = \"{name}\"\n[[triggers]]\nkind = \"http\"\n{trigger}"))
    };
    let host = host(
        [
            route("any", "path = \"/wines/{id}\"\nmethods = [\"GET\"]"),
            route("writes", "path = \"/wines/{wine}\"\nmethods = [\"PUT\"]"),
            route("shop", "path = \"/wines/{id}\"\nhost = \"shop.example\""),
            route("rest", "path = \"/files/{*rest}\""),
        ],
        mirror,
    );
    host.get("/wines/7").await;
    host.ask(request("HEAD", "/wines/7", &[], "")).await;
    host.ask(request("PUT", "/wines/7", &[], "")).await;
    host.ask(request("DELETE", "/wines/7", &[("host", "Shop.example:80")], "")).await;
    let whole = host.get("/files/a/b").await;
    assert_eq!(whole.json()["extensions"]["httppath"], "/files/a/b");
    let asked: Vec<_> = host.neighbours.targets.lock().clone();
    assert_eq!(asked, ["default:any@3", "default:any@3", "default:writes@3", "default:shop@3", "default:rest@3"]);
    let refused = host.ask(request("DELETE", "/wines/7", &[], "")).await;
    assert_eq!((refused.status, refused.header("allow")), (405, "GET, HEAD, PUT"));
}

#[tokio::test]
async fn a_route_follows_what_is_deployed() {
    let host = host([hello()], mirror);
    assert_eq!(host.get("/fn/late").await.status, 404);
    let late = Arc::new(revision("default", HANDLER, "name = \"late\""));
    let active = [((late.project.clone(), late.function.clone()), late)].into();
    *host.neighbours.functions.lock() = Arc::new(Functions { generation: 2, active });
    assert_eq!(host.get("/fn/late").await.status, 200);
    assert_eq!(host.get("/fn/hello").await.status, 404);
}

#[tokio::test]
async fn outcomes_have_their_status() {
    let failed = |kind, code| Err(Failure::new(kind, code, "no"));
    let mut later = Failure::transient("later", "no");
    later.retry_after_ms = Some(1_500);
    let cases = [
        (Ok(vec![]), 204),
        (Ok(vec![output("{}", &[]), output("x", &[])]), 200),
        (Ok(vec![output("{}", &[("httpstatus", "201")])]), 201),
        (Ok(vec![output("{}", &[("httpstatus", "9000")])]), 500),
        (failed(FailureKind::Invalid, "not-found"), 422),
        (Err(later), 503),
        (failed(FailureKind::Fatal, "bug"), 500),
        (failed(FailureKind::Transient, code::TRAP), 500),
        (failed(FailureKind::Transient, code::MEMORY_LIMIT), 500),
        (failed(FailureKind::Transient, code::DEADLINE), 504),
    ];
    for (outcome, status) in cases {
        let told = format!("{outcome:?}");
        let answer = host([hello()], answers(outcome)).get("/fn/hello").await;
        assert_eq!(answer.status, status, "{told}");
    }
}

#[tokio::test]
async fn failures_of_the_host_have_their_status_and_tell_when_to_come_back() {
    let cases = [
        (Failure::transient(code::OVERLOADED, "busy"), 429),
        (Failure::transient(code::UNAVAILABLE, "gone"), 503),
        (Failure::transient(code::DEADLINE, "late"), 504),
        (Failure::transient(code::TRAP, "unreachable"), 500),
        (Failure::invalid(code::NOT_FOUND, "none"), 404),
    ];
    for (mut failure, status) in cases {
        failure.retry_after_ms = Some(1_200);
        failure.backtrace = Some("hidden frame".into());
        let host = host([hello()], move |_, _| Err(failure.clone()));
        let answer = host.get("/fn/hello").await;
        assert_eq!((answer.status, answer.header("retry-after")), (status, "2"));
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["call"], answer.header("x-weft-call-id"));
        assert!(!String::from_utf8_lossy(&answer.body).contains("hidden"), "callers see no backtrace");
    }
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

#[tokio::test]
async fn a_body_larger_than_the_function_takes_is_refused() {
    for entries in [HANDLER, PROXY] {
        let small = revision("default", entries, "name = \"small\"\n[limits]\nmax_body = \"4B\"");
        let host = host([small], |call, _| match call {
            // What the engine says of a body whose size nobody announced.
            Call::Http(request) if request.body().size_hint().exact().is_none() => {
                Err(Failure::invalid(code::TOO_LARGE, "it is larger than 4B"))
            }
            Call::Http(request) => Ok(Reply::Http(Response::new(request.into_body()))),
            _ => Ok(Reply::Events(vec![Ok(vec![])])),
        });
        assert!(host.post("/fn/small", &[], "four").await.status < 300);
        assert_eq!(host.post("/fn/small", &[("content-length", "5")], "fives").await.status, 413);
        assert_eq!(host.post("/fn/small", &[("content-length", "5")], "").await.status, 413);
        let unannounced = Body::new(http_body_util::StreamBody::new(Chunks(3)));
        let request = Request::builder().method("POST").uri("/fn/small").body(unannounced).unwrap();
        assert_eq!(host.ask(request).await.status, 413);
    }
}

/// Chunks of two bytes.
struct Chunks(u8);

impl futures_core::Stream for Chunks {
    type Item = Result<http_body::Frame<Bytes>, std::convert::Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let Some(left) = self.0.checked_sub(1) else { return std::task::Poll::Ready(None) };
        self.0 = left;
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"ab")))))
    }
}

#[tokio::test]
async fn a_function_that_speaks_http_sees_its_own_part_of_the_path() {
    let proxy = revision("default", PROXY, "name = \"web\"\n[[triggers]]\nkind = \"http\"\npath = \"/shop/{*rest}\"");
    let host = host([proxy], |call, _| {
        let Call::Http(request) = call else { return Err(Failure::fatal("x", "http wins over the handler")) };
        let seen = format!("{} {}", request.method(), request.uri());
        Ok(Reply::Http(Response::builder().status(418).header("x-own", "1").body(body::full(seen)).unwrap()))
    });
    for (asked, seen) in [
        ("/fn/web", "PUT /"),
        ("/fn/web/", "PUT /"),
        ("/fn/web?a=b", "PUT /?a=b"),
        ("/fn/web/x/y%20z?a=b", "PUT /x/y%20z?a=b"),
        ("/shop/x?a=b", "PUT /shop/x?a=b"),
    ] {
        let answer = host.ask(request("PUT", asked, &[], "")).await;
        assert_eq!((answer.status, answer.header("x-own"), &answer.body[..]), (418, "1", seen.as_bytes()));
    }
}

#[tokio::test]
async fn a_job_says_that_it_takes_runs() {
    let answer = host([revision("default", JOB, "name = \"train\"")], mirror).post("/fn/train", &[], "").await;
    assert_eq!((answer.status, answer.json()["code"].as_str().unwrap()), (405, "wrong-entry"));
}

#[tokio::test]
async fn pages_of_other_origins_may_call_where_the_manifest_says() {
    let shop = "name = \"shop\"\n[[triggers]]\nkind = \"http\"\npath = \"/shop\"\nmethods = [\"POST\"]\n\
        cors = { origins = [\"https://a.example\"], headers = [\"content-type\"], max_age_s = 60 }";
    let host = host([revision("default", HANDLER, shop)], mirror);
    let preflight = |origin, method| {
        request("OPTIONS", "/shop", &[("origin", origin), ("access-control-request-method", method)], "")
    };
    let allowed = host.ask(preflight("https://a.example", "POST")).await;
    assert_eq!(allowed.status, 204);
    let told = ["origin", "methods", "headers"].map(|it| allowed.header(&format!("access-control-allow-{it}")));
    assert_eq!(told, ["https://a.example", "POST", "content-type"]);
    assert_eq!(allowed.header("access-control-max-age"), "60");
    assert_eq!(host.ask(preflight("https://b.example", "POST")).await.status, 403);
    assert_eq!(host.ask(preflight("https://a.example", "DELETE")).await.status, 405);

    let called = host.post("/shop", &[("origin", "https://a.example")], "").await;
    assert_eq!(called.header("access-control-allow-origin"), "https://a.example");
    let other = host.post("/shop", &[("origin", "https://b.example")], "").await;
    assert_eq!((other.status, other.header("access-control-allow-origin")), (200, ""));
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_the_call() {
    let seen = Arc::new(Mutex::new(None));
    let theirs = Arc::clone(&seen);
    let host = host([revision("default", PROXY, "name = \"web\"")], move |_, context| {
        *theirs.lock() = Some(context.cancelled.clone());
        let streaming = http_body_util::StreamBody::new(Chunks(2));
        Ok(Reply::Http(Response::new(streaming.map_err(|never| match never {}).boxed_unsync())))
    });
    let cancelled = || seen.lock().as_ref().unwrap().is_cancelled();
    drop(host.http.answer(request("GET", "/fn/web", &[], "")).await);
    assert!(cancelled(), "the answer was dropped before its last byte");
    host.get("/fn/web").await;
    assert!(!cancelled(), "the answer was read to its end");
}

#[test]
fn a_trace_context_is_taken_only_in_its_form() {
    let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert_eq!(traceparent(good).as_deref(), Some(good));
    for bad in ["", "00-0af7-b7ad-01", "garbage", &good.to_uppercase(), &format!("{good}-x")] {
        assert_eq!(traceparent(bad), None, "{bad}");
    }
}

#[tokio::test]
async fn the_router_gives_every_path_to_the_trigger() {
    use tower::ServiceExt;
    let host = host([hello()], mirror);
    let response = host.http.router().oneshot(request("GET", "/fn/hello", &[], "")).await.unwrap();
    assert_eq!(response.status(), 200);
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

#[tokio::test]
async fn bodies_together_take_no_more_than_the_host_holds_and_give_it_back() {
    let host = host([hello()], mirror);
    let full = host.bodies.clone();
    let big = "x".repeat(600 << 10);
    assert_eq!((host.post("/fn/hello", &[], &big).await.status, full.left()), (200, 1 << 20));
    let mut others = full.part();
    others.grow(500 << 10).unwrap();
    let refused = host.post("/fn/hello", &[], &big).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    assert_eq!(refused.json()["code"], "bodies-full");
    assert_eq!(host.post("/fn/hello", &[], "small").await.status, 200);
    drop(others);
    assert_eq!((host.post("/fn/hello", &[], &big).await.status, full.left()), (200, 1 << 20));
}

#[tokio::test]
async fn a_body_counts_for_as_long_as_its_call_runs() {
    let held = Budget::new(ByteSize(1 << 20));
    let seen = Arc::new(Mutex::new(0));
    let (theirs, budget) = (seen.clone(), Arc::new(Mutex::new(None::<Arc<Budget>>)));
    let whole = budget.clone();
    let host = host([hello()], move |call, context| {
        *theirs.lock() = whole.lock().as_ref().map_or(0, |it| it.left());
        mirror(call, context)
    });
    *budget.lock() = Some(host.bodies.clone());
    host.post("/fn/hello", &[], "four").await;
    assert_eq!((*seen.lock(), host.bodies.left()), (held.left() - 4, held.left()));
}
