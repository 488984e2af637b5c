//! `fn secrets`, and what a deploy says of grants.

use serde_json::json;

use super::{TELLER, logged, piped, set, tell, teller};
use crate::support::Host;

#[test]
fn a_secret_is_set_listed_rotated_and_deleted_and_never_shown() {
    let host = Host::start();
    assert_eq!(set(&host, "set", "db", "first-value\n")["version"], 1);
    assert_eq!(set(&host, "set", "db", "second-value")["version"], 2);
    assert_eq!(set(&host, "rotate", "db", "third-value")["version"], 3);
    let file = host.file("value.pem", "-----BEGIN-----\nabc\n-----END-----\n");
    host.json(&["secrets", "set", "pem", "--from-file", &file]);
    let listed = host.json(&["secrets", "list"]);
    let items = listed["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["name"], &items[0]["version"]), (2, &json!("db"), &json!(3)));
    assert_eq!(items[0]["updated_by"], "local");
    assert!(!listed.to_string().contains("value\""), "{listed}");
    let table = String::from_utf8(host.run(&["secrets", "list"]).stdout).unwrap();
    assert!(table.contains("db") && !table.contains("third-value"), "{table}");
    host.json(&["secrets", "delete", "db"]);
    let (code, said) = host.fails(&["secrets", "delete", "db"]);
    assert!(code != 0 && said.contains("has not been set"), "{said}");
    let audit = host.json(&["audit", "list", "--subject", "db"]).to_string();
    for action in ["secret.set", "secret.rotated", "secret.deleted"] {
        assert!(audit.contains(action), "{audit}");
    }
    assert!(!audit.contains("-value"), "{audit}");
}

#[test]
fn a_value_that_cannot_be_a_secret_is_refused() {
    let host = Host::start();
    let refused = |args: &[&str], value: &str, says: &str| {
        let output = piped(&host, args, value);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(says), "{said}");
        assert!(value.len() < 3 || !said.contains(value.trim()), "the value is not repeated: {said}");
    };
    refused(&["secrets", "set", "db"], "abc\n", "cannot be masked");
    refused(&["secrets", "set", "db"], "", "cannot be masked");
    refused(&["secrets", "set", "db"], &"x".repeat(70_000), "longer than 65536 bytes");
    refused(&["secrets", "rotate", "db"], "a value", "run `fn secrets set db`");
    refused(&["secrets", "set", "p4ssw0rd!"], "a value", "not the name of a secret");
    let (_, said) = host.fails(&["secrets", "set", "db", "a-value"]);
    assert!(said.contains("unexpected argument"), "a value is no argument: {said}");
    let (status, said) = host.send("PUT", "/api/v1/projects/default/secrets/db", None, b"{\"value\": 31415926}");
    assert!(status == 422 && !said.contains("31415926"), "{status} {said}");
    let (status, said) = host.send("PUT", "/api/v1/projects/default/secrets/db", None, b"{\"value\": \"abc\"}");
    assert!(status == 422 && said.contains("secret-size"), "{status} {said}");
}

#[test]
fn a_grant_of_a_missing_secret_warns_at_deploy_and_fails_at_the_call() {
    let host = Host::start();
    let folder = host.function("teller", "conformance_secret.wasm", TELLER);
    let output = host.run(&["deploy", folder.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("run `fn secrets set db`"), "{said}");
    let (status, said) = tell(&host, "get", "db");
    assert!(status == 500 && said.contains("run `fn secrets set db`"), "{status} {said}");
    logged(&host, "teller", "run `fn secrets set db`");
    set(&host, "set", "db", "here-it-is");
    assert_eq!(tell(&host, "get", "db"), (200, "here-it-is".to_owned()), "no deploy is needed");
}

#[test]
fn a_component_that_reads_configuration_needs_the_grant() {
    let host = Host::start();
    let folder = host.function("teller", "conformance_secret.wasm", "");
    let (_, said) = host.fails(&["deploy", folder.to_str().unwrap()]);
    assert!(said.contains("wasi:config/store") && said.contains("secret = [\"<name>\"]"), "{said}");
}

#[test]
fn only_what_is_granted_can_be_read() {
    let host = teller("a-db-value");
    set(&host, "set", "other", "another-value");
    assert_eq!(tell(&host, "get", "other"), (200, "nothing".to_owned()));
    assert_eq!(tell(&host, "get", "greeting"), (200, "hello".to_owned()));
    let all: serde_json::Value = serde_json::from_str(&tell(&host, "all", "").1).unwrap();
    assert_eq!(all, json!([["greeting", "hello"], ["db", "a-db-value"]]));
}

#[test]
fn a_secret_belongs_to_its_project() {
    let host = teller("a-db-value");
    let listed = host.json(&["secrets", "list", "--project", "other"]);
    assert_eq!(listed["items"], json!([]));
}
