//! Cases of a wasi:http function: a request in, a response out.

use std::collections::BTreeMap;

use host_core::{
    body,
    call::{Call, CallContext, Reply, Target, TriggerRef},
    function::FunctionRef,
};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Differences, Subject, compare::differences};

/// The largest response that is read, bytes.
const MOST: usize = 16 << 20;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    #[serde(default = "get")]
    method: String,
    #[serde(default = "root")]
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Value,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Response {
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<Value>,
}

fn get() -> String {
    "GET".to_owned()
}

fn root() -> String {
    "/".to_owned()
}

/// Sends the request and compares what the case says of the response.
pub(super) async fn run(request: &Request, expected: Option<&Response>, subject: &Subject<'_>) -> Differences {
    let request = match build(request) {
        Ok(request) => request,
        Err(error) => return vec![format!("request: {error}")],
    };
    let target =
        Target::Function(subject.revision.project.clone(), FunctionRef::from(subject.revision.function.clone()));
    let called =
        subject.dispatch.call(target, CallContext::new(TriggerRef::new("test", "case")), Call::Http(request)).await;
    match (called.reply, expected) {
        (Ok(Reply::Http(response)), Some(expected)) => compare(response, expected).await,
        (Ok(Reply::Http(response)), None) if response.status().is_success() => Vec::new(),
        (Ok(Reply::Http(response)), None) => vec![format!("response.status: got {}", response.status().as_u16())],
        (Ok(_), _) => vec!["the function did not answer over HTTP".to_owned()],
        (Err(failure), _) => vec![format!("the call failed with {}: {}", failure.code, failure.message)],
    }
}

fn build(case: &Request) -> Result<http::Request<body::Body>, http::Error> {
    let bytes = match &case.body {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        json => json.to_string().into_bytes(),
    };
    let mut request =
        http::Request::builder().method(case.method.as_str()).uri(format!("http://localhost{}", case.path));
    for (name, value) in &case.headers {
        request = request.header(name, value);
    }
    request.body(body::full(bytes))
}

async fn compare(response: http::Response<body::Body>, expected: &Response) -> Differences {
    let (head, body) = response.into_parts();
    let bytes = match Limited::new(body, MOST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return vec![format!("response.body broke off: {error}")],
    };
    let mut all = Vec::new();
    if let Some(status) = expected.status {
        all.extend(differences("response.status", &json!(status), &json!(head.status.as_u16())));
    }
    for (name, value) in &expected.headers {
        let actual = head.headers.get(name).and_then(|it| it.to_str().ok());
        all.extend(differences(&format!("response.headers.{name}"), &json!(value), &json!(actual)));
    }
    if let Some(body) = &expected.body {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let actual = if body.is_string() { json!(text) } else { serde_json::from_str(&text).unwrap_or(json!(text)) };
        all.extend(differences("response.body", body, &actual));
    }
    all
}
