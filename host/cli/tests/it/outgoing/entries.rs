//! The other ways in: a handler and a job that send requests of their own.

use serde_json::json;

use super::Server;
use crate::{runs::JOB, support::Host};

fn grant(server: &Server) -> String {
    format!("http = [{{ url = \"{}\", private = true }}]\n", server.url)
}

#[test]
fn a_handler_sends_requests() {
    let server = Server::start();
    let host = Host::start();
    host.deploy(
        "shout",
        "conformance_handler.wasm",
        &format!("[grants]\nmodel = [\"conformance\"]\n{}", grant(&server)),
    );
    let url = format!("{}/hello", server.url);
    let answer = host.json(&["invoke", "shout", "--type", "fetch", "--data", &url]);
    assert!(answer.to_string().contains("hello"), "{answer}");
    let elsewhere = host.run(&["invoke", "shout", "--type", "fetch", "--data", "https://example.com/", "--json"]);
    let said = [elsewhere.stdout, elsewhere.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("http-denied"), "{said}");
}

#[test]
fn a_job_with_the_grant_runs_is_not_cached_and_not_reproducible() {
    let server = Server::start();
    let host = Host::start();
    let manifest = format!("[grants]\n{}{JOB}", grant(&server));
    host.deploy("job", "conformance-job.wasm", &manifest);
    let pipeline = format!(
        "pipeline: reaching\nsteps:\n  it: {{ function: job, params: {{ do: fetch, text: \"{}/hello\" }} }}\n",
        server.url
    );
    let run = host.submit(&pipeline).done();
    assert_eq!(*run.report("it"), json!({ "status": 200, "body": "hello" }));
    let again = host.submit(&pipeline).done();
    assert!(again.steps().iter().all(|it| it["cached_from"].is_null()), "the world may have changed");
    let comparison = host.json(&["runs", "reproduce", run.id()]);
    assert_eq!(comparison["obstacles"], json!(["step `it` is not reproducible: granted http"]));
    let forced = pipeline.replace("} }", "}, cache: true }");
    host.submit(&forced).done();
    let cached = host.submit(&forced).done();
    assert!(cached.steps().iter().all(|it| !it["cached_from"].is_null()), "unless the step says so");
}
