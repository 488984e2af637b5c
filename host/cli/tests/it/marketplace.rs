//! The registry as other people's tools and ours use it, with real components in the real engine.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use bytes::Bytes;
use host_core::{Digest, manifest::Manifest, package::PackageId};
use marketplace::layout::{Artifact, CaseFile, Docs, Draft, pack};
use serde_json::{Value, json};

use crate::support::{Host, guest_file, until};

mod checks;
mod elsewhere;
mod library;
mod newcomer;
mod skopeo;

/// A program that `cargo xtask test` names; without it, what names it is said.
#[expect(clippy::print_stderr, reason = "a test that was not tried says so")]
fn tool(variable: &str) -> Option<String> {
    let found = std::env::var(variable).ok();
    if found.is_none() {
        eprintln!("not tried: `cargo xtask test` does, or set {variable} to the program");
    }
    found
}

/// A package of a guest, with one case.
fn package(id: &str, manifest: &str, guest: &str, case: &Value) -> (PackageId, Artifact, Artifact) {
    let (name, version) = id.split_once('@').unwrap();
    let id = PackageId { package: name.parse().unwrap(), version: version.parse().unwrap() };
    let text = format!(
        "name = \"{}\"\ndescription = \"Does as it is told\"\nversion = \"{version}\"\nlicense = \"Apache-2.0\"\n\
         categories = [\"tests\"]\n{manifest}",
        id.package.name
    );
    let draft = Draft {
        id: id.clone(),
        manifest: Manifest::parse(&text).unwrap(),
        component: Bytes::from(std::fs::read(guest_file(guest)).unwrap()),
        imports: Vec::new(),
        exports: Vec::new(),
        revision: None,
        docs: Docs {
            readme: Some("# Told\n".into()),
            cases: vec![CaseFile { name: "one.json".into(), bytes: case.to_string().into() }],
            icon: None,
        },
    };
    let packed = pack(&draft).unwrap();
    (id, packed.package, packed.docs.unwrap())
}

/// `GET /hello` of the guest `hello`.
fn greeting() -> Value {
    json!({ "request": { "path": "/hello" }, "response": { "status": 200 } })
}

impl Host {
    /// Pushes an artifact as any client would.
    fn push(&self, repository: &str, reference: &str, artifact: &Artifact) -> (u16, String) {
        for blob in &artifact.blobs {
            let path = format!("/v2/{repository}/blobs/uploads/?digest={}", blob.digest);
            let (status, said) = self.post(&path, "application/octet-stream", &blob.bytes);
            assert_eq!(status, 201, "{said}");
        }
        let path = format!("/v2/{repository}/manifests/{reference}");
        let kind = [("content-type", "application/vnd.oci.image.manifest.v1+json")];
        let request = self.put_with(&path, &kind, &artifact.manifest.bytes);
        (request.status, request.body)
    }

    fn put_with(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Said {
        let mut request = ureq::http::Request::builder().method("PUT").uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut response = agent.run(request.body(body).unwrap()).unwrap();
        Said { status: response.status().as_u16(), body: response.body_mut().read_to_string().unwrap() }
    }

    /// What a version is once it was looked at.
    fn settled(&self, id: &PackageId) -> Value {
        let path = format!("/api/v1/packages/{}/versions/{}", id.package, id.version);
        until("the version is looked at", || {
            let shown = self.get_json(&path);
            (shown["state"] != "pending").then_some(shown)
        })
    }

    /// What the host says of it before that.
    fn version(&self, id: &PackageId) -> Value {
        self.get_json(&format!("/api/v1/packages/{}/versions/{}", id.package, id.version))
    }
}

/// The folder of a function that lacks nothing a package needs.
fn whole(host: &Host, name: &str, version: &str, guest: &str) -> String {
    let more = format!(
        "version = \"{version}\"\ndescription = \"Does as it is told\"\nlicense = \"Apache-2.0\"\nauthors = [\"The Weft authors\"]\n"
    );
    let folder = host.function(name, guest, &more);
    std::fs::write(folder.join("README.md"), "# Told\n").unwrap();
    std::fs::create_dir_all(folder.join("cases")).unwrap();
    std::fs::write(folder.join("cases/one.json"), greeting().to_string()).unwrap();
    folder.to_str().unwrap().to_owned()
}

struct Said {
    status: u16,
    body: String,
}

/// Writes an artifact as an OCI image layout with one tag, as other tools read it.
fn image_layout(folder: &Path, tag: &str, artifact: &Artifact) {
    let blobs = folder.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    for blob in artifact.blobs.iter().chain([&artifact.manifest]) {
        std::fs::write(blobs.join(blob.digest.hex()), &blob.bytes).unwrap();
    }
    let index = json!({ "schemaVersion": 2, "manifests": [{ "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": artifact.manifest.digest, "size": artifact.manifest.bytes.len(),
        "annotations": { "org.opencontainers.image.ref.name": tag } }] });
    std::fs::write(folder.join("index.json"), index.to_string()).unwrap();
    std::fs::write(folder.join("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}").unwrap();
}

fn digest_of(file: PathBuf) -> Digest {
    Digest::of(&std::fs::read(file).unwrap())
}

fn succeeded(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}{}", String::from_utf8_lossy(&output.stdout));
    output
}
