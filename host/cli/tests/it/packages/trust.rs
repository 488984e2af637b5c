//! Trust: by key and namespace, revoked for good, and looked at by the host itself.

use serde_json::{Value, json};

use super::Bench;
use crate::support::{Host, Options, until};

#[test]
fn where_signatures_are_required_nothing_else_is_taken() {
    let bench = Bench::new();
    bench.publish("1.0.0", "", &["--no-sign"]);
    let said = bench.said(&["pull", "acme/greet", "--from", &bench.path("shelf"), "--yes", "--as", "warned"]);
    assert!(said.contains("warning: acme/greet@1.0.0: nobody has signed it"), "{said}");
    bench.json(&["trust", "set", "require"]);
    let (code, said) = bench.pull_fails(&["acme/greet", "--yes"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("nobody has signed it, and this project requires signatures"), "{said}");
    let key = bench.key("default");
    bench.json(&["sign", "acme/greet@1.0.0", "--from", &bench.path("shelf")]);
    let (_, said) = bench.pull_fails(&["acme/greet", "--yes"]);
    assert!(said.contains("which this project does not trust for `acme`"), "{said}");
    bench.json(&["trust", "add", "other", "--key", &key]);
    let (_, said) = bench.pull_fails(&["acme/greet", "--yes"]);
    assert!(said.contains("which this project does not trust for `acme`"), "{said}");
    bench.json(&["trust", "add", "acme", "--key", &key]);
    bench.pull(&["acme/greet", "--yes"]);
}

#[test]
fn a_revoked_key_opens_nothing_any_more_and_says_what_it_had_opened() {
    let bench = Bench::new();
    let key = bench.key("default");
    bench.publish("1.0.0", "", &[]);
    bench.json(&["trust", "add", "acme", "--key", &key]);
    bench.pull(&["acme/greet", "--yes"]);
    let id = bench.json(&["key", "show"])["id"].as_str().unwrap().to_owned();
    let revoked = bench.json(&["trust", "revoke", &id]);
    assert_eq!(revoked["in_service"], json!(["greet"]));
    let (code, said) = bench.pull_fails(&["acme/greet", "--yes", "--as", "again"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("which was revoked at"), "{said}");
    let (code, said) = bench.fails(&["trust", "add", "acme", "--key", &key]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("was revoked at"), "{said}");
    bench.json(&["key", "revoke", "default"]);
    assert!(
        bench.fails(&["sign", "acme/greet@1.0.0", "--from", &bench.path("shelf")]).1.contains("could not read the key")
    );
}

#[test]
fn a_key_is_kept_where_only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    bench.key("mine");
    let file = bench.host.data().join("home/weft/keys/mine.pem");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(bench.fails(&["key", "new", "mine"]).1.contains("there is a key of that name already"));
    assert_eq!(bench.json(&["key", "list"])[0]["name"], "mine");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    bench.publish("1.0.0", "", &["--no-sign"]);
    let shelf = bench.path("shelf");
    let (_, said) = bench.fails(&["sign", "acme/greet@1.0.0", "--key", "mine", "--from", &shelf]);
    assert!(said.contains("others on this machine can read that key"), "{said}");
}

/// Deploys as a client that looks at nothing, and gives the status and the problem's code.
fn deploy(bench: &Bench, function: &str, body: &Value) -> (u16, String) {
    let path = format!("/api/v1/projects/default/functions/{function}/revisions");
    let (status, said) = bench.host.send("POST", &path, None, body.to_string().as_bytes());
    let said: Value = serde_json::from_str(&said).unwrap();
    (status, said["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn the_host_looks_at_a_package_itself_whatever_its_client_says() {
    let bench = Bench::new();
    let key = bench.key("default");
    let published = bench.publish("1.0.0", "", &[]);
    bench.json(&["trust", "add", "acme", "--key", &key]);
    bench.json(&["trust", "set", "require"]);
    // Sends the component's bytes, and makes 1.0.0 the version in force.
    bench.pull(&["acme/greet", "--yes"]);
    let manifest = std::fs::read_to_string(bench.blob(&published["digest"])).unwrap();
    let parsed: Value = serde_json::from_str(&manifest).unwrap();
    let function: Value =
        serde_json::from_str(parsed["annotations"]["io.weft.function.manifest"].as_str().unwrap()).unwrap();
    let component = &parsed["layers"][0]["digest"];
    let body = |package: Value| json!({ "component": component, "manifest": function, "package": package });
    let unsigned = body(json!({ "source": "x", "manifest": manifest, "signatures": [] }));
    assert_eq!(deploy(&bench, "greet", &unsigned), (403, "untrusted-package".to_owned()));
    let garbage = body(json!({ "source": "x", "manifest": manifest, "signatures": ["{}"] }));
    assert_eq!(deploy(&bench, "greet", &garbage), (403, "untrusted-package".to_owned()));
    let no_package = body(json!({ "source": "x", "manifest": "{}" }));
    assert_eq!(deploy(&bench, "greet", &no_package), (422, "bad-package".to_owned()));
    let mut greedy = unsigned.clone();
    greedy["manifest"]["limits"]["memory"] = json!("1GiB");
    assert_eq!(deploy(&bench, "greet", &greedy), (422, "other-package".to_owned()));
    let other = bench.host.deploy("other", "conformance_hello_http.wasm", "");
    let mut swapped = unsigned;
    swapped["component"] = other["revision"]["component"].clone();
    assert_eq!(deploy(&bench, "greet", &swapped), (422, "other-package".to_owned()));
}

#[test]
fn a_lower_version_does_not_pass_the_host_either() {
    let bench = Bench::new();
    let first = bench.publish("1.0.0", "", &["--no-sign"]);
    bench.publish("2.0.0", "", &["--no-sign"]);
    bench.pull(&["acme/greet@1.0.0", "--yes", "--as", "elsewhere"]);
    bench.pull(&["acme/greet", "--yes"]);
    let manifest = std::fs::read_to_string(bench.blob(&first["digest"])).unwrap();
    let parsed: Value = serde_json::from_str(&manifest).unwrap();
    let function: Value =
        serde_json::from_str(parsed["annotations"]["io.weft.function.manifest"].as_str().unwrap()).unwrap();
    let mut body = json!({ "component": parsed["layers"][0]["digest"], "manifest": function,
        "package": { "source": "x", "manifest": manifest } });
    assert_eq!(deploy(&bench, "greet", &body), (409, "downgrade".to_owned()));
    body["package"]["downgrade"] = true.into();
    assert_eq!(deploy(&bench, "greet", &body).0, 201);
}

#[test]
fn the_library_that_came_with_a_host_is_trusted_as_the_host_is() {
    let made = Bench::new();
    made.key("default");
    let (folder, shelf) = (made.function("1.0.0", ""), made.path("shelf"));
    made.json(&["publish", folder.to_str().unwrap(), "--to", &shelf, "--namespace", "std"]);
    let public = made.host.data().join("home/weft/keys/default.pub");
    std::fs::copy(public, std::path::Path::new(&shelf).join("key.pub")).unwrap();
    let bench = Bench { host: Host::start_with(Options::default().env("WEFT_MARKETPLACE__LIBRARY", &shelf)) };
    until("the library is offered", || {
        let found = bench.host.get_json("/api/v1/packages?namespace=std");
        (!found["items"].as_array().unwrap().is_empty()).then_some(())
    });
    bench.json(&["trust", "set", "require"]);
    let shown = bench.json(&["trust", "show"]);
    assert_eq!((&shown["keys"][0]["namespace"], &shown["keys"][0]["added_by"]), (&"std".into(), &"host".into()));
    let pulled = bench.json(&["pull", "std/greet", "--yes"]);
    assert_eq!(pulled["signed_by"], shown["keys"][0]["id"]);
    assert_eq!(pulled["released"]["revision"]["manifest"]["limits"]["isolation"], "warm");
    let revoked = bench.json(&["trust", "revoke", shown["keys"][0]["id"].as_str().unwrap()]);
    assert_eq!(revoked["in_service"], json!(["greet"]));
    let (code, said) = bench.fails(&["pull", "std/greet", "--yes"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("which was revoked at"), "a project may want none of the library: {said}");
}
