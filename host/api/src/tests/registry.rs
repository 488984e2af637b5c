//! The registry as its clients see it: blobs, manifests, referrers, and packages that become offered.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use host_core::{
    Digest,
    function::Entries,
    identity::{Access, Demand},
    manifest::Manifest,
    package::PackageId,
    ports::{Inspection, PrepareError},
};
use host_store::{ArtifactStore, Store};
use http::Request;
use marketplace::{
    catalogue::{Candidate, Catalogue, Vet},
    layout::{Artifact, Blob, CaseFile, Docs, Draft, Packed, pack},
    registry::{self, Registry},
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::host::{Answer, Host};
use crate::Config;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A registry over the test's store, with somebody who looks at what is pushed.
pub(super) fn of(
    rows: Arc<Store>,
    artifacts: Arc<ArtifactStore>,
    vet: Arc<Agreeable>,
    stop: &CancellationToken,
) -> Arc<Registry> {
    let config = registry::Config {
        every: host_core::size::Millis(20),
        max_blob: host_core::size::ByteSize(1 << 20),
        max_uploads: 2,
        ..registry::Config::default()
    };
    let catalogue = Arc::new(Catalogue::new(config.clone(), rows.clone(), rows.clone(), artifacts.clone(), vet));
    tokio::spawn(catalogue.clone().follow(stop.clone()));
    Arc::new(Registry::new(config, rows, artifacts, catalogue, None).unwrap())
}

/// Finds what it is told to find in every package.
#[derive(Default)]
pub(super) struct Agreeable {
    imports: Mutex<Vec<String>>,
    differences: Mutex<Vec<String>>,
}

#[async_trait]
impl Vet for Agreeable {
    async fn inspect(&self, _: &Digest) -> Result<Inspection, PrepareError> {
        let entries = Entries { job: true, ..Entries::default() };
        Ok(Inspection { entries, imports: self.imports.lock().clone(), ..Inspection::default() })
    }

    async fn try_cases(&self, candidate: &Candidate) -> Result<Vec<String>, String> {
        assert!(!candidate.cases.is_empty());
        Ok(self.differences.lock().clone())
    }
}

impl Host {
    async fn oci(&self, method: &str, uri: &str, media_type: &str, body: impl Into<Body>) -> Answer {
        let answer = self.send(method, uri, media_type, body).await;
        assert_eq!(answer.header("docker-distribution-api-version"), "registry/2.0", "{method} {uri}");
        answer
    }

    async fn push_blob(&self, repository: &str, blob: &Blob) {
        let uri = format!("/v2/{repository}/blobs/uploads/?digest={}", blob.digest);
        let pushed = self.oci("POST", &uri, "application/octet-stream", blob.bytes.clone()).await;
        assert_eq!(pushed.status, 201, "{:?}", pushed.body);
    }

    async fn push(&self, repository: &str, reference: &str, artifact: &Artifact) -> Answer {
        for blob in &artifact.blobs {
            self.push_blob(repository, blob).await;
        }
        let uri = format!("/v2/{repository}/manifests/{reference}");
        self.oci("PUT", &uri, MANIFEST, artifact.manifest.bytes.clone()).await
    }

    /// What a version came to be.
    async fn settled(&self, package: &str, version: &str) -> Value {
        let uri = format!("/api/v1/packages/{package}/versions/{version}");
        for _ in 0..3_000 {
            let shown = self.get(&uri).await.json();
            if shown["state"] != "pending" {
                return shown;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{package}@{version} was never looked at");
    }
}

impl Answer {
    /// The status and the word of OCI for it.
    fn refusal(&self) -> (u16, String) {
        (self.status, self.json()["errors"][0]["code"].as_str().unwrap().to_owned())
    }
}

fn package(id: &str, description: &str, component: &'static [u8]) -> Packed {
    let (package, version) = id.split_once('@').unwrap();
    let name = package.split('/').nth(1).unwrap();
    let text = format!(
        "name = \"{name}\"\ndescription = \"{description}\"\nversion = \"{version}\"\nlicense = \"Apache-2.0\"\n\
         categories = [\"data\", \"tests\"]\nlanguage = \"rust\"\n[inputs.data]\ndescription = \"Rows\"\n"
    );
    pack(&Draft {
        id: PackageId { package: package.parse().unwrap(), version: version.parse().unwrap() },
        manifest: Manifest::parse(&text).unwrap(),
        component: Bytes::from_static(component),
        imports: Vec::new(),
        exports: Vec::new(),
        revision: None,
        docs: Docs {
            readme: Some(format!("# {name}\n")),
            cases: vec![CaseFile { name: "one.json".into(), bytes: Bytes::from_static(b"{}") }],
            icon: None,
        },
    })
    .unwrap()
}

/// Pushes a package and what explains it, and waits until it is offered or not.
async fn publish(host: &Host, id: &str, description: &str) -> Value {
    let packed = package(id, description, b"\0asm one");
    let (name, version) = id.split_once('@').unwrap();
    let pushed = host.push(name, version, &packed.package).await;
    assert_eq!(pushed.status, 201, "{:?}", pushed.body);
    let docs = packed.docs.unwrap();
    let pushed = host.push(name, &docs.manifest.digest.to_string(), &docs).await;
    assert_eq!(pushed.header("oci-subject"), packed.package.manifest.digest.to_string());
    host.settled(name, version).await
}

fn image(layer: &Blob, config: &Blob, subject: Option<&Blob>) -> Artifact {
    let mut manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config.descriptor("application/x.config"),
        "layers": [layer.descriptor("application/x.layer")] });
    if let Some(subject) = subject {
        manifest["subject"] = json!(subject.descriptor(MANIFEST));
        manifest["annotations"] = json!({ "said": "by a test" });
    }
    Artifact { manifest: Blob::new(manifest.to_string()), blobs: vec![config.clone(), layer.clone()] }
}

#[tokio::test]
async fn a_blob_comes_in_one_piece_or_in_several_and_goes_out_whole_or_in_part() {
    let host = Host::new().await;
    assert_eq!(host.oci("GET", "/v2/", "", "").await.status, 200);
    let blob = Blob::new("0123456789");
    let uri = format!("/v2/acme/x/blobs/{}", blob.digest);
    assert_eq!(host.oci("HEAD", &uri, "", "").await.status, 404);
    let begun = host.oci("POST", "/v2/acme/x/blobs/uploads/", "", "").await;
    assert_eq!((begun.status, begun.header("range")), (202, "0-0"));
    let place = begun.header("location").to_owned();
    let first = Request::builder().method("PATCH").uri(&place).header("content-range", "0-3");
    let first = host.ask(first.body("0123".into()).unwrap()).await;
    assert_eq!((first.status, first.header("range")), (202, "0-3"));
    let again = Request::builder().method("PATCH").uri(&place).header("content-range", "0-3");
    let again = host.ask(again.body("0123".into()).unwrap()).await;
    assert_eq!((again.status, again.header("range")), (416, "0-3"), "a piece out of order changes nothing");
    assert_eq!(host.oci("GET", &place, "", "").await.header("range"), "0-3");
    assert_eq!(host.oci("PATCH", &place, "", "456").await.header("range"), "0-6");
    let done = host.oci("PUT", &format!("{place}?digest={}", blob.digest), "", "789").await;
    assert_eq!((done.status, done.header("location")), (201, uri.as_str()));
    assert_eq!(host.oci("GET", &place, "", "").await.refusal(), (404, "BLOB_UPLOAD_UNKNOWN".into()));

    let whole = host.oci("GET", &uri, "", "").await;
    assert_eq!((whole.status, whole.header("content-length"), &whole.body[..]), (200, "10", &b"0123456789"[..]));
    assert_eq!(whole.header("docker-content-digest"), blob.digest.to_string());
    let part = Request::builder().uri(&uri).header("range", "bytes=2-4").body(Body::empty()).unwrap();
    let part = host.ask(part).await;
    assert_eq!((part.status, part.header("content-range"), &part.body[..]), (206, "bytes 2-4/10", &b"234"[..]));
    let beyond = Request::builder().uri(&uri).header("range", "bytes=10-").body(Body::empty()).unwrap();
    assert_eq!(host.ask(beyond).await.status, 416);

    let mount = format!("/v2/acme/y/blobs/uploads/?mount={}&from=acme/x", blob.digest);
    assert_eq!(host.oci("POST", &mount, "", "").await.status, 201);
    let unknown = format!("/v2/acme/z/blobs/uploads/?mount={}&from=acme/x", Digest::of(b"nowhere"));
    assert_eq!(host.oci("POST", &unknown, "", "").await.status, 202, "what is not there is to be sent");
    assert_eq!(host.oci("DELETE", &uri, "", "").await.status, 202);
    assert_eq!(host.oci("GET", &uri, "", "").await.refusal(), (404, "BLOB_UNKNOWN".into()));
    assert_eq!(host.oci("GET", &uri.replace("/x/", "/y/"), "", "").await.status, 200);
}

#[tokio::test]
async fn what_is_not_what_it_says_it_is_is_refused() {
    let host = Host::new().await;
    let wrong = Digest::of(b"other");
    let uri = format!("/v2/acme/x/blobs/uploads/?digest={wrong}");
    assert_eq!(host.oci("POST", &uri, "", "bytes").await.refusal(), (400, "DIGEST_INVALID".into()));
    let uri = "/v2/acme/x/blobs/uploads/?digest=sha512:00";
    assert_eq!(host.oci("POST", uri, "", "bytes").await.refusal(), (400, "DIGEST_INVALID".into()));
    let large = Blob::new(vec![b'x'; (1 << 20) + 1]);
    let uri = format!("/v2/acme/x/blobs/uploads/?digest={}", large.digest);
    assert_eq!(host.oci("POST", &uri, "", large.bytes).await.refusal(), (413, "SIZE_INVALID".into()));

    let first = host.oci("POST", "/v2/acme/x/blobs/uploads/", "", "").await.header("location").to_owned();
    let elsewhere = first.replace("acme/x", "acme/y");
    assert_eq!(host.oci("PATCH", &elsewhere, "", "x").await.refusal(), (404, "BLOB_UPLOAD_UNKNOWN".into()));
    assert_eq!(host.oci("POST", "/v2/acme/x/blobs/uploads/", "", "").await.status, 202);
    let third = host.oci("POST", "/v2/acme/x/blobs/uploads/", "", "").await;
    assert_eq!(third.refusal(), (429, "TOOMANYREQUESTS".into()));
    assert_eq!(host.oci("DELETE", &first, "", "").await.status, 204);
    assert_eq!(host.oci("POST", "/v2/acme/x/blobs/uploads/", "", "").await.status, 202);

    for (path, code) in [
        ("/v2/Acme/x/manifests/latest", "NAME_INVALID"),
        ("/v2/acme/../x/manifests/latest", "NAME_INVALID"),
        ("/v2/acme/x/manifests/..", "MANIFEST_INVALID"),
        ("/v2/acme/x/manifests/sha256:00", "DIGEST_INVALID"),
        ("/v2/acme/x/blobs/../../etc", "UNSUPPORTED"),
        ("/v2/acme/x/manifests/latest", "MANIFEST_UNKNOWN"),
        ("/v2/acme/x/tags/list", "NAME_UNKNOWN"),
    ] {
        assert_eq!(host.oci("GET", path, "", "").await.refusal().1, code, "{path}");
    }
    assert_eq!(host.get("/v2/models/x/manifests/latest").await.status, 404, "the inference protocol's");
    let put = async |body: &str, media_type: &str| {
        host.oci("PUT", "/v2/acme/x/manifests/v1", media_type, body.to_owned()).await
    };
    assert_eq!(put("{", MANIFEST).await.refusal(), (400, "MANIFEST_INVALID".into()));
    assert_eq!(put("{\"schemaVersion\":1}", MANIFEST).await.refusal(), (400, "MANIFEST_INVALID".into()));
    assert_eq!(
        put("{\"schemaVersion\":2,\"layers\":[]}", "text/plain").await.refusal(),
        (400, "MANIFEST_INVALID".into())
    );
    let lacking = image(&Blob::new("layer"), &Blob::new("{}"), None);
    let text = String::from_utf8(lacking.manifest.bytes.to_vec()).unwrap();
    assert_eq!(put(&text, MANIFEST).await.refusal(), (404, "MANIFEST_BLOB_UNKNOWN".into()));
    assert_eq!(put(&text, "application/vnd.oci.image.index.v1+json").await.refusal(), (400, "MANIFEST_INVALID".into()));
    assert_eq!(put(&" ".repeat((4 << 20) + 1), MANIFEST).await.refusal(), (413, "SIZE_INVALID".into()));
}

#[tokio::test]
async fn any_image_is_kept_under_tags_that_move_and_never_offered() {
    let host = Host::new().await;
    let (config, one, two) = (Blob::new("{}"), Blob::new("one"), Blob::new("two"));
    let (first, second) = (image(&one, &config, None), image(&two, &config, None));
    for tag in ["1.0.0", "latest", "old"] {
        assert_eq!(host.push("acme/tools/x", tag, &first).await.status, 201);
    }
    assert_eq!(host.push("acme/tools/x", "latest", &second).await.status, 201);
    let got = host.oci("GET", "/v2/acme/tools/x/manifests/latest", "", "").await;
    assert_eq!((got.header("content-type"), &got.body), (MANIFEST, &second.manifest.bytes));
    assert_eq!(got.header("docker-content-digest"), second.manifest.digest.to_string());
    let head = host.oci("HEAD", "/v2/acme/tools/x/manifests/1.0.0", "", "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), first.manifest.bytes.len().to_string());

    let page = host.oci("GET", "/v2/acme/tools/x/tags/list?n=2", "", "").await;
    assert_eq!(page.json(), json!({ "name": "acme/tools/x", "tags": ["1.0.0", "latest"] }));
    assert_eq!(page.header("link"), "</v2/acme/tools/x/tags/list?n=2&last=latest>; rel=\"next\"");
    let rest = host.oci("GET", "/v2/acme/tools/x/tags/list?n=2&last=latest", "", "").await;
    assert_eq!((rest.json()["tags"].clone(), rest.header("link")), (json!(["old"]), ""));

    let used = format!("/v2/acme/tools/x/blobs/{}", one.digest);
    assert_eq!(host.oci("DELETE", &used, "", "").await.refusal(), (409, "DENIED".into()));
    assert_eq!(host.oci("DELETE", "/v2/acme/tools/x/manifests/old", "", "").await.status, 202);
    let by_digest = format!("/v2/acme/tools/x/manifests/{}", first.manifest.digest);
    assert_eq!(host.oci("DELETE", &by_digest, "", "").await.status, 202);
    assert_eq!(host.oci("GET", "/v2/acme/tools/x/manifests/1.0.0", "", "").await.status, 404);
    assert_eq!(host.oci("DELETE", &used, "", "").await.status, 202);
    assert_eq!(host.get("/api/v1/packages").await.json()["items"], json!([]));
}

#[tokio::test]
async fn what_refers_to_a_manifest_is_listed_by_kind_whether_or_not_it_is_there() {
    let host = Host::new().await;
    let (config, layer) = (Blob::new("{}"), Blob::new("one"));
    let subject = image(&layer, &config, None);
    let referrer = image(&Blob::new("said of it"), &config, Some(&subject.manifest));
    let pushed = host.push("acme/x", &referrer.manifest.digest.to_string(), &referrer).await;
    assert_eq!((pushed.status, pushed.header("oci-subject")), (201, subject.manifest.digest.to_string().as_str()));
    let uri = format!("/v2/acme/x/referrers/{}", subject.manifest.digest);
    let listed = host.oci("GET", &uri, "", "").await;
    assert_eq!(listed.header("content-type"), "application/vnd.oci.image.index.v1+json");
    let expected = json!({ "mediaType": MANIFEST, "digest": referrer.manifest.digest, "size": referrer.manifest.bytes.len(),
        "artifactType": "application/x.config", "annotations": { "said": "by a test" } });
    assert_eq!(listed.json()["manifests"], json!([expected]));
    let sifted = host.oci("GET", &format!("{uri}?artifactType=application%2Fother"), "", "").await;
    assert_eq!((sifted.json()["manifests"].clone(), sifted.header("oci-filters-applied")), (json!([]), "artifactType"));
    let none = format!("/v2/acme/x/referrers/{}", Digest::of(b"nothing"));
    assert_eq!(host.oci("GET", &none, "", "").await.json()["manifests"], json!([]));
}

#[tokio::test]
async fn a_package_is_offered_once_its_docs_are_there_and_its_cases_pass() {
    let host = Host::new().await;
    let packed = package("acme/describe@1.0.0", "Describes tables", b"\0asm one");
    assert_eq!(host.push("acme/describe", "1.0.0", &packed.package).await.status, 201);
    let waiting = host.get("/api/v1/packages/acme/describe/versions/1.0.0").await.json();
    assert_eq!(waiting["state"], "pending");
    assert!(waiting["reason"].as_str().unwrap().contains("README and cases are not here yet"), "{waiting}");
    assert_eq!(host.get("/api/v1/packages").await.json()["items"], json!([]));

    let listed = publish(&host, "acme/describe@1.0.0", "Describes tables").await;
    assert_eq!((&listed["state"], &listed["published_by"]), (&json!("listed"), &json!("local")));
    let found = host.get("/api/v1/packages?q=DESCR").await.json();
    assert_eq!((&found["items"][0]["name"], &found["items"][0]["latest"]), (&json!("acme/describe"), &json!("1.0.0")));
    let docs = host.get("/api/v1/packages/acme/describe/versions/1.0.0/docs").await.json();
    assert_eq!(
        (&docs["readme"], &docs["manifest"]["inputs"]["data"]["description"]),
        (&json!("# describe\n"), &json!("Rows"))
    );

    assert_eq!(host.push("acme/describe", "1.0.0", &packed.package).await.status, 201, "the same again is no change");
    let other = package("acme/describe@1.0.0", "Describes tables", b"\0asm two");
    let refused = host.push("acme/describe", "1.0.0", &other.package).await;
    assert_eq!(refused.refusal(), (409, "DENIED".into()));
    let message = refused.json()["errors"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("publish the next version"), "{message}");
    let gone = host.oci("DELETE", "/v2/acme/describe/manifests/1.0.0", "", "").await;
    assert_eq!(gone.refusal(), (409, "DENIED".into()), "what is offered stays");
    assert_eq!(publish(&host, "acme/describe@1.1.0", "Describes more").await["state"], "listed");
    let versions = host.get("/api/v1/packages/acme/describe/versions").await.json();
    let numbers: Vec<_> = versions["items"].as_array().unwrap().iter().map(|it| it["version"].clone()).collect();
    assert_eq!(numbers, ["1.1.0", "1.0.0"]);
    assert_eq!(host.get("/api/v1/packages/acme/describe").await.json()["description"], "Describes more");
}

#[tokio::test]
async fn a_package_that_does_not_hold_what_it_says_is_refused_with_every_reason() {
    let host = Host::new().await;
    host.vet.imports.lock().push("wasi:nn/graph@0.2.0-rc-2024-10-28".into());
    let packed = package("acme/describe@1.0.0", "Describes tables", b"\0asm one");
    let refused = host.push("acme/describe", "1.0.0", &packed.package).await;
    assert_eq!(refused.refusal(), (400, "MANIFEST_INVALID".into()));
    let detail = refused.json()["errors"][0]["detail"].clone();
    assert_eq!(detail, json!(["it imports `wasi:nn/graph@0.2.0-rc-2024-10-28`, which function.toml does not grant"]));
    host.vet.imports.lock().clear();
    let elsewhere = host.push("acme/other", "1.0.0", &packed.package).await.json();
    assert!(elsewhere["errors"][0]["message"].as_str().unwrap().contains("it says it is `acme/describe@1.0.0`"));
    let other_tag = host.push("acme/describe", "2.0.0", &packed.package).await;
    assert_eq!(other_tag.refusal().0, 400);
    assert_eq!(host.push("acme/describe", "latest", &packed.package).await.status, 201, "a tag that is no version");
    assert_eq!(host.get("/api/v1/packages/acme/describe").await.status, 404);

    host.vet.differences.lock().push("outcome.rows: expected 1, got 2".into());
    let refused = publish(&host, "acme/describe@1.0.0", "Describes tables").await;
    assert_eq!((&refused["state"], &refused["reason"]), (&json!("refused"), &json!("outcome.rows: expected 1, got 2")));
    assert_eq!(host.get("/api/v1/packages").await.json()["items"], json!([]));
    host.vet.differences.lock().clear();
    let again = publish(&host, "acme/describe@1.0.0", "Describes tables").await;
    assert_eq!(again["state"], "listed", "pushed once more, it is looked at once more");
}

#[tokio::test]
async fn pulls_are_counted_and_what_is_yanked_or_deprecated_says_so() {
    let host = Host::new().await;
    publish(&host, "acme/describe@1.0.0", "Describes tables").await;
    publish(&host, "acme/describe@1.1.0", "Describes more").await;
    let component = Digest::of(b"\0asm one");
    for _ in 0..3 {
        assert_eq!(host.oci("GET", &format!("/v2/acme/describe/blobs/{component}"), "", "").await.status, 200);
    }
    let mut counted = Value::Null;
    for _ in 0..3_000 {
        counted = host.get("/api/v1/packages/acme/describe").await.json()["downloads"].clone();
        if counted == 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(counted, 3);

    let uri = "/api/v1/packages/acme/describe/versions/1.1.0/yank";
    let yanked = host.put(uri, json!({ "reason": "counts wrongly" })).await.json();
    assert_eq!((&yanked["yanked"]["reason"], &yanked["yanked"]["by"]), (&json!("counts wrongly"), &json!("local")));
    assert_eq!(host.get("/api/v1/packages/acme/describe").await.json()["latest"], "1.0.0");
    assert_eq!(host.oci("GET", "/v2/acme/describe/manifests/1.1.0", "", "").await.status, 200, "it stays");
    assert!(host.send("DELETE", uri, "", "").await.json()["yanked"].is_null());
    assert_eq!(host.get("/api/v1/packages/acme/describe").await.json()["latest"], "1.1.0");
    let uri = "/api/v1/packages/acme/describe/deprecation";
    let deprecated = host.put(uri, json!({ "message": "use std/describe" })).await.json();
    assert_eq!(deprecated["deprecated"], "use std/describe");
    assert!(host.put(uri, json!({})).await.json()["deprecated"].is_null());
    assert_eq!(host.put("/api/v1/packages/acme/none/deprecation", json!({})).await.problem().0, 404);
    let bad = host.get("/api/v1/packages/acme/describe/versions/one").await;
    assert_eq!(bad.problem(), (422, "invalid-version".into()));
    let categories = host.get("/api/v1/packages/categories").await.json();
    assert_eq!(categories["items"][1], json!({ "name": "tests", "packages": 1 }));
}

async fn token(host: &Host, name: &str, role: &str, project: Option<&str>) -> String {
    let (role, project) = (role.parse().unwrap(), project.map(|it| it.parse().unwrap()));
    let new = host_store::NewToken { name: name.parse().unwrap(), role, project, expires_at: None };
    host.store.create_token(new, 100, "local").await.unwrap().text
}

async fn with(host: &Host, method: &str, uri: &str, authorization: &str, body: String) -> Answer {
    let request = Request::builder().method(method).uri(uri).header("authorization", authorization);
    host.ask(request.header("content-type", "application/json").body(body.into()).unwrap()).await
}

fn basic(token: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("anybody:{token}")))
}

#[tokio::test]
async fn tokens_are_passwords_to_a_registry_and_namespaces_have_owners() {
    let access = Access { demand: Demand::Tokens, ..Access::default() };
    let host = Host::reached(access, Config::default()).await;
    let nobody = host.oci("GET", "/v2/", "", "").await;
    assert_eq!((nobody.status, nobody.header("www-authenticate")), (401, "Basic realm=\"weft\""));
    assert_eq!(nobody.refusal().1, "UNAUTHORIZED");
    let (ann, bob) =
        (token(&host, "ann", "developer", None).await, token(&host, "bob", "developer", Some("wine")).await);
    let (viewer, admin) = (token(&host, "eve", "viewer", None).await, token(&host, "root", "admin", None).await);
    let blob = Blob::new("bytes");
    let push = format!("/v2/acme/x/blobs/uploads/?digest={}", blob.digest);
    for (who, status) in
        [(basic(&viewer), 403), (basic(&ann), 201), (format!("Bearer {ann}"), 201), (basic("wrong"), 401)]
    {
        assert_eq!(with(&host, "POST", &push, &who, "bytes".into()).await.status, status);
    }
    let pull = format!("/v2/acme/x/blobs/{}", blob.digest);
    assert_eq!(with(&host, "GET", &pull, &basic(&viewer), String::new()).await.status, 200);
    let denied = with(&host, "POST", &push, &basic(&bob), "bytes".into()).await;
    assert_eq!(denied.refusal(), (403, "DENIED".into()));
    assert_eq!(with(&host, "GET", "/api/v1/packages", &basic(&ann), String::new()).await.status, 401, "only there");

    let owners = "/api/v1/namespaces/acme/owners";
    let add = |owner: &str| format!("{owners}/{owner}");
    let role = json!({ "role": "publisher" }).to_string();
    assert_eq!(with(&host, "PUT", &add("bob@wine"), &format!("Bearer {bob}"), role.clone()).await.problem().0, 403);
    let added = with(&host, "PUT", &add("bob@wine"), &format!("Bearer {ann}"), role.clone()).await.json();
    assert_eq!(added["owners"].as_array().unwrap().len(), 2);
    assert_eq!(with(&host, "POST", &push, &basic(&bob), "bytes".into()).await.status, 201);
    assert_eq!(
        with(&host, "DELETE", &pull, &basic(&bob), String::new()).await.refusal().0,
        403,
        "a publisher deletes nothing"
    );
    let last = with(&host, "DELETE", &add("ann"), &format!("Bearer {ann}"), String::new()).await;
    assert_eq!(last.problem(), (409, "last-owner".into()));
    let verified = json!({ "verified": true }).to_string();
    let uri = "/api/v1/namespaces/acme/verified";
    assert_eq!(with(&host, "PUT", uri, &format!("Bearer {ann}"), verified.clone()).await.problem().0, 403);
    assert_eq!(with(&host, "PUT", uri, &format!("Bearer {admin}"), verified).await.json()["verified"], true);
    let std = with(&host, "PUT", "/api/v1/namespaces/std", &format!("Bearer {ann}"), String::new()).await;
    assert_eq!(std.problem(), (403, "not-an-owner".into()), "the library's");
    let audit =
        with(&host, "GET", "/api/v1/audit?subject=acme", &format!("Bearer {admin}"), String::new()).await.json();
    let actions: Vec<_> = audit["items"].as_array().unwrap().iter().map(|it| it["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["namespace.verified", "namespace.owner-added", "namespace.claimed"]);
}
