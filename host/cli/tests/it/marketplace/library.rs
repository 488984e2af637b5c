//! A folder of packages that a host takes over as `std`, and a registry that runs by itself.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use marketplace::{
    client::{Folder, publish},
    layout::Packed,
};
use serde_json::{Value, json};

use super::{greeting, package};
use crate::support::{Host, Options, command, until};

/// A library of one package.
async fn library(folder: &std::path::Path) {
    let (id, package, docs) = package("std/hello@1.0.0", "", "conformance_http.wasm", &greeting());
    let packed = Packed { package, docs: Some(docs) };
    publish(&Folder::new(folder.to_owned()), &id.package, &id.version, &packed).await.unwrap();
}

fn offered(host: &Host) -> Value {
    until("the library is offered", || {
        let found = host.get_json("/api/v1/packages?namespace=std");
        (found["items"].as_array().unwrap().len() == 1).then_some(found)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_is_taken_over_once_and_is_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    library(folder.path()).await;
    let options = Options::default().env("WEFT_MARKETPLACE__LIBRARY", folder.path().to_str().unwrap());
    let mut host = Host::start_with(options);
    let found = offered(&host);
    assert_eq!((&found["items"][0]["name"], &found["items"][0]["latest"]), (&json!("std/hello"), &json!("1.0.0")));
    let docs = host.get_json("/api/v1/packages/std/hello/versions/1.0.0/docs");
    assert_eq!(docs["readme"], "# Told\n");
    let published = host.get_json("/api/v1/packages/std/hello/versions/1.0.0")["published_at"].clone();
    host.terminate();
    host.restart();
    offered(&host);
    assert_eq!(host.get_json("/api/v1/packages/std/hello/versions/1.0.0")["published_at"], published);
    let pushes = host.json(&["audit", "list", "--all", "--subject", "std/hello"]);
    assert_eq!(pushes["items"].as_array().unwrap().len(), 2, "the package and what explains it, once");
}

#[test]
fn a_registry_runs_by_itself_and_answers_for_packages_alone() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("packages");
    let mut child = command(&["marketplace", "serve", "--listen", "127.0.0.1:0", "--data", folder.to_str().unwrap()])
        .env("WEFT_MARKETPLACE__LIBRARY", "none")
        .current_dir(data.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let status = |path: &str| agent.get(&format!("{url}{path}")).call().unwrap().status().as_u16();
    assert_eq!((status("/v2/"), status("/api/v1/packages"), status("/healthz")), (200, 200, 200));
    for path in ["/api/v1/projects", "/api/v1/projects/default/functions", "/fn/hello", "/v2/models/x", "/"] {
        assert_eq!(status(path), 404, "{path}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
