//! What is published runs in the real engine before anybody finds it.

use std::net::TcpListener;

use serde_json::json;

use super::{greeting, package};
use crate::support::{Host, Options};

#[test]
fn a_package_is_found_once_its_cases_passed_in_the_real_engine() {
    let host = Host::start();
    let (id, artifact, docs) = package("acme/hello@1.0.0", "", "conformance_http.wasm", &greeting());
    assert_eq!(host.push("acme/hello", "1.0.0", &artifact).0, 201);
    assert_eq!(host.version(&id)["state"], "pending");
    assert_eq!(host.get_json("/api/v1/packages?q=hello")["items"], json!([]));
    assert_eq!(host.push("acme/hello", &docs.manifest.digest.to_string(), &docs).0, 201);
    let settled = host.settled(&id);
    assert_eq!(settled["state"], "listed", "{settled}");
    assert_eq!(host.get_json("/api/v1/packages?q=hello")["items"][0]["name"], "acme/hello");
    let docs = host.get_json("/api/v1/packages/acme/hello/versions/1.0.0/docs");
    assert_eq!((&docs["readme"], &docs["version"]["categories"]), (&json!("# Told\n"), &json!(["tests"])));
    let claimed = host.json(&["namespaces", "show", "acme"]);
    assert_eq!((&claimed["owners"][0]["role"], &claimed["packages"]), (&json!("owner"), &json!(1)));
    assert_eq!(host.json(&["namespaces", "verify", "acme"])["verified"], true);
    assert!(host.json(&["namespaces", "add", "acme", "ann@wine"])["owners"][0]["name"] == "ann@wine");
    assert!(host.run(&["namespaces", "remove", "acme", "ann@wine"]).status.success());
    assert_eq!(host.fails(&["namespaces", "show", "nobody"]).0, 3);
    assert_eq!(host.fails(&["namespaces", "add", "acme", "../ann"]).0, 2);
}

#[test]
fn a_case_that_differs_keeps_a_package_out_and_says_where() {
    let host = Host::start();
    let case = json!({ "request": { "path": "/hello" }, "response": { "status": 418 } });
    let (id, artifact, docs) = package("acme/hello@1.0.0", "", "conformance_http.wasm", &case);
    assert_eq!(host.push("acme/hello", "1.0.0", &artifact).0, 201);
    assert_eq!(host.push("acme/hello", &docs.manifest.digest.to_string(), &docs).0, 201);
    let settled = host.settled(&id);
    assert_eq!(
        (&settled["state"], &settled["reason"]),
        (&json!("refused"), &json!("case `one`: response.status: expected 418, got 200"))
    );
    let (status, _) = host.send("DELETE", "/v2/acme/hello/manifests/1.0.0", None, b"");
    assert_eq!(status, 202, "a version that nobody finds may go, and be published anew");
}

#[test]
fn what_imports_more_than_it_grants_or_explains_too_little_is_not_taken() {
    let host = Host::start();
    let (_, artifact, _) =
        package("acme/nn@1.0.0", "[params.rate]\ntype = \"number\"\n", "conformance-nn.wasm", &greeting());
    let (status, said) = host.push("acme/nn", "1.0.0", &artifact);
    assert_eq!(status, 400, "{said}");
    assert!(
        said.contains("which function.toml does not grant") && said.contains("param `rate` has no description"),
        "{said}"
    );
    assert_eq!(host.get("/api/v1/packages/acme/nn").0, 404);
}

#[test]
fn a_version_that_waits_is_looked_at_by_the_next_host() {
    let mut host = Host::start();
    let (id, artifact, docs) = package("acme/hello@1.0.0", "", "conformance_http.wasm", &greeting());
    assert_eq!(host.push("acme/hello", "1.0.0", &artifact).0, 201);
    assert_eq!(host.push("acme/hello", &docs.manifest.digest.to_string(), &docs).0, 201);
    host.kill();
    host.restart();
    assert_eq!(host.settled(&id)["state"], "listed");
    assert_eq!(host.terminate().code(), Some(0));
}

#[test]
fn cases_reach_nobody_whatever_their_package_was_granted() {
    let host = Host::start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let manifest = format!("[grants]\nhttp = [{{ url = \"http://127.0.0.1:{port}\", private = true }}]\n");
    let path = format!("/outgoing?authority=127.0.0.1:{port}&path=/");
    let case = json!({ "request": { "path": path }, "response": { "status": 200, "body": "200 0" } });
    let (id, artifact, docs) = package("acme/caller@1.0.0", &manifest, "conformance_http.wasm", &case);
    assert_eq!(host.push("acme/caller", "1.0.0", &artifact).0, 201);
    assert_eq!(host.push("acme/caller", &docs.manifest.digest.to_string(), &docs).0, 201);
    let settled = host.settled(&id);
    assert_eq!(settled["state"], "refused");
    assert!(settled["reason"].as_str().unwrap().contains("error: "), "{settled}");
    assert!(listener.accept().is_err(), "nobody called");
}

#[test]
fn cases_that_never_end_are_cut_short() {
    let mut host = Host::start_with(Options::default().env("WEFT_MARKETPLACE__CASES_TIME", "2s"));
    let case = json!({ "request": { "path": "/spin" } });
    let (id, artifact, docs) = package("acme/spin@1.0.0", "", "conformance_http.wasm", &case);
    assert_eq!(host.push("acme/spin", "1.0.0", &artifact).0, 201);
    assert_eq!(host.push("acme/spin", &docs.manifest.digest.to_string(), &docs).0, 201);
    assert_eq!(host.settled(&id)["reason"], "its cases took longer than 2 s");
    assert_eq!(host.terminate().code(), Some(0));
}
