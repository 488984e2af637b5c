//! Skopeo, which nobody here wrote, pushes to a registry and pulls from it, with a token for a password.

use std::process::Command;

use serde_json::Value;

use super::{digest_of, greeting, image_layout, package, succeeded, tool};
use crate::support::{Host, Options, command};

/// A host that demands tokens, and one that may publish.
fn strict() -> (Host, String) {
    let data = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let folder = data.path().join("host");
    let make = |name: &str, role: &str| {
        let folder = folder.to_str().unwrap();
        let args = ["tokens", "create", name, "--role", role, "--local", "--data", folder];
        String::from_utf8(succeeded(&mut command(&args)).stdout).unwrap().trim().to_owned()
    };
    make("root", "admin");
    let token = make("ann", "developer");
    (Host::on(data, Options::default().env("WEFT_AUTH", "tokens")), token)
}

#[test]
fn skopeo_pushes_a_package_and_pulls_the_same_bytes() {
    let Some(skopeo) = tool("WEFT_TEST_SKOPEO") else { return };
    let (host, token) = strict();
    let folder = host.data().join("layout");
    let (id, artifact, _) = package("acme/hello@1.0.0", "", "conformance_http.wasm", &greeting());
    image_layout(&folder, "1.0.0", &artifact);
    let place = format!("docker://{}/acme/hello:1.0.0", host.url("").trim_start_matches("http://"));
    let layout = format!("oci:{}:1.0.0", folder.display());
    let creds = format!("anybody:{token}");
    let skopeo = |args: &[&str]| {
        let mut command = Command::new(&skopeo);
        command.args(["--insecure-policy"]).args(args).env("HOME", host.data()).env("XDG_RUNTIME_DIR", host.data());
        command
    };
    let push = ["copy", "--dest-tls-verify=false", "--dest-creds", &creds, &layout, &place];
    let anonymous = skopeo(&["copy", "--dest-tls-verify=false", &layout, &place]).output().unwrap();
    assert!(!anonymous.status.success(), "who shows no token pushes nothing");
    succeeded(&mut skopeo(&push));
    succeeded(&mut skopeo(&push));

    let tags = skopeo(&["list-tags", "--tls-verify=false", "--creds", &creds, &place[..place.len() - 6]]);
    let tags: Value = serde_json::from_slice(&succeeded(&mut { tags }).stdout).unwrap();
    assert_eq!(tags["Tags"], serde_json::json!(["1.0.0"]));
    let elsewhere = host.data().join("pulled");
    let target = format!("dir:{}", elsewhere.display());
    succeeded(&mut skopeo(&["copy", "--src-tls-verify=false", "--src-creds", &creds, &place, &target]));
    assert_eq!(digest_of(elsewhere.join("manifest.json")), artifact.manifest.digest);
    for blob in &artifact.blobs {
        assert_eq!(digest_of(elsewhere.join(blob.digest.hex())), blob.digest);
    }
    let copy = place.replace("acme/hello:1.0.0", "acme/tools/copy:any");
    succeeded(&mut skopeo(&[
        "copy",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        "--src-creds",
        &creds,
        "--dest-creds",
        &creds,
        &place,
        &copy,
    ]));
    succeeded(&mut skopeo(&["delete", "--tls-verify=false", "--creds", &creds, &copy]));

    let (status, shown) = host.send("GET", "/api/v1/packages/acme/hello/versions/1.0.0", Some(&token), b"");
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (status, &shown["state"], &shown["digest"]),
        (200, &"pending".into(), &artifact.manifest.digest.to_string().into())
    );
    assert!(shown["reason"].as_str().unwrap().contains("README"), "{shown}: {id}");
}
