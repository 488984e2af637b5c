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

mod bodies;
mod events;
mod gather;
mod guard;
mod outcomes;
mod routes;

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
