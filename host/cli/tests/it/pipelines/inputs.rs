//! Inputs: what another step made, a file, an artifact, an address, a model.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::json;

use crate::{
    models::{Fixture, agree},
    support::Host,
};

/// A web server of a test's own, which counts who asks.
struct Web {
    url: String,
    asked: Arc<AtomicUsize>,
    body: Arc<Mutex<String>>,
}

impl Web {
    fn start(body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/rows.csv", listener.local_addr().unwrap());
        let web = Self { url, asked: Arc::default(), body: Arc::new(Mutex::new(body.to_owned())) };
        let (asked, body) = (web.asked.clone(), web.body.clone());
        // It ends with the test program.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4_096]);
                asked.fetch_add(1, Ordering::SeqCst);
                let body = body.lock().unwrap().clone();
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        web
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn now_says(&self, body: &str) {
        body.clone_into(&mut self.body.lock().unwrap());
    }
}

#[test]
fn a_file_becomes_an_artifact_and_an_input() {
    let host = Host::start();
    host.deploy_job("job");
    let file = host.file("rows.csv", "a,b\n1,2\n");
    let run = host.json(&["run", "job", "-p", "do=copy", "--input", &format!("data={file}")]);
    let input = &run["steps"][0]["inputs"][0];
    assert_eq!((&input["name"], &input["kind"]), (&json!("data"), &json!("file")));
    let output = &run["steps"][0]["outputs"][0];
    assert_eq!(output["digest"], input["digest"]);
    assert_eq!(host.bytes(output["digest"].as_str().unwrap()), b"a,b\n1,2\n");
    let again =
        host.json(&["run", "job", "-p", "do=inputs", "-i", &format!("other={}", input["digest"].as_str().unwrap())]);
    let seen = &again["steps"][0]["results"]["report"][0];
    assert_eq!(seen["path"], "/in/other");
    assert_eq!((&seen["digest"], &seen["bytes"]), (&input["digest"], &json!(8)));
}

#[test]
fn an_address_is_fetched_once_and_pinned() {
    let host = Host::start();
    host.deploy_job("job");
    let web = Web::start("first");
    let yaml = format!(
        "
pipeline: fetching
params:
  url: {{ type: string, default: '{}' }}
steps:
  load:
    function: job
    params: {{ do: flaky, n: 3 }}
    inputs: {{ data: {{ url: '${{params.url}}' }} }}
    retry: {{ attempts: 3, backoff: 10ms }}
  copy: {{ function: job, params: {{ do: copy }}, inputs: {{ data: '{}' }}, needs: [load] }}
",
        web.url, web.url
    );
    let run = host.submit(&yaml).done();
    assert_eq!(run.step("load")["attempt"], 3);
    assert_eq!(web.asked(), 1, "a run fetches once, whatever its steps and their attempts");
    assert_eq!(run.step("copy")["inputs"][0]["from"], web.url.as_str());
    assert_eq!(host.bytes(run.output("copy", "data")), b"first");

    web.now_says("second");
    let again = host.json(&["runs", "reproduce", run.id()]);
    assert_eq!(again["verdict"], "identical");
    assert_eq!(web.asked(), 1, "a reproduction takes the bytes that were pinned");
    let other = host.submit(&yaml).done();
    assert_eq!(host.bytes(other.output("copy", "data")), b"second");
}

#[test]
fn an_address_that_answers_nothing_good_fails_the_step_and_says_so() {
    let host = Host::start();
    host.deploy_job("job");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let yaml = |url: &str| {
        format!(
            "pipeline: lost\nsteps:\n  load: {{ function: job, params: {{ do: copy }}, inputs: {{ data: '{url}' }} }}\n"
        )
    };
    let run = host.submit(&yaml(&format!("http://{nobody}/x")));
    assert_eq!((run.state(), &run.step("load")["failure"]["kind"]), ("failed", &json!("transient")));
    let run = host.submit(&yaml(&host.url("/fn/nothing")));
    let failure = &run.step("load")["failure"];
    assert_eq!((&failure["kind"], &failure["code"]), (&json!("invalid"), &json!("fetch-status")));
    assert!(failure["message"].as_str().unwrap().starts_with("input `data`: "), "{failure}");
}

#[test]
fn an_artifact_that_does_not_exist_fails_the_step_and_says_so() {
    let host = Host::start();
    host.deploy_job("job");
    let missing = format!("sha256:{}", "0".repeat(64));
    let run = host.submit(&format!(
        "pipeline: lost\nsteps:\n  load: {{ function: job, params: {{ do: copy }}, inputs: {{ data: '{missing}' }} }}\n"
    ));
    let failure = &run.step("load")["failure"];
    assert_eq!((&failure["kind"], &failure["code"]), (&json!("invalid"), &json!("missing-artifact")));
}

#[test]
fn a_model_is_an_input_that_can_be_asked() {
    let host = Host::start();
    host.deploy_job("job");
    let fixture = Fixture::read("mlp-regressor");
    let digest = host.register("scorer", &fixture.bytes)["digest"].clone();

    let input = &fixture.input;
    let question =
        json!({"input": "scorer", "tensor": input["name"], "shape": input["shape"], "values": input["data"]});
    let text = format!("text={}", json!(question.to_string()));
    let run = host.json(&["run", "job", "-p", "do=infer", "-p", &text, "-i", "scorer=model:scorer@1"]);
    let step = &run["steps"][0];
    let report = &step["results"]["report"];
    assert!(agree(&report["outputs"][0]["values"], &fixture.outputs[0]["data"]), "{report}");
    assert_eq!(report["input_digest"], digest);
    assert_eq!((&step["inputs"][0]["from"], &step["inputs"][0]["kind"]), (&json!("scorer@1"), &json!("model")));
}
