//! What paths ask for, and what manifests name. The protocol as a whole is tried over HTTP, beside the control plane.

use host_core::{Digest, package::RESERVED, ports::Reference};
use serde_json::{Value, json};

use super::{
    Code, Registry,
    parse::parse,
    route::{self, Route},
};

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn route(path: &str) -> Result<(String, Route), Code> {
    route::parse(path).map(|it| it.map(|(name, route)| (name.to_string(), route)).unwrap()).map_err(|it| it.code)
}

#[test]
fn a_path_is_read_from_its_end_because_names_have_slashes() {
    let digest = Digest::of(b"x");
    let ok =
        |path: &str, name: &str, expected: Route| assert_eq!(route(path), Ok((name.to_owned(), expected)), "{path}");
    ok(&format!("/v2/a/b/c/blobs/{digest}"), "a/b/c", Route::Blob(digest));
    ok("/v2/a/blobs/uploads/", "a", Route::Uploads);
    ok("/v2/a/blobs/uploads", "a", Route::Uploads);
    ok("/v2/a/manifests/v1.0", "a", Route::Manifest(Reference::Tag("v1.0".into())));
    ok(&format!("/v2/a/manifests/{digest}"), "a", Route::Manifest(Reference::Digest(digest)));
    ok("/v2/a/blobs/manifests/tags/list", "a/blobs/manifests", Route::Tags);
    ok(&format!("/v2/tags/x/referrers/{digest}"), "tags/x", Route::Referrers(digest));
    assert_eq!(route::parse("/v2/").unwrap(), None);
}

#[test]
fn what_is_no_path_of_a_registry_is_refused_with_its_word() {
    for (path, code) in [
        ("/v2/a/blobs/sha256:zz", Code::DigestInvalid),
        ("/v2/a/blobs/uploads/not-one", Code::BlobUploadUnknown),
        ("/v2/a/manifests/a b", Code::ManifestInvalid),
        ("/v2/a/manifests/.hidden", Code::ManifestInvalid),
        ("/v2/a/tags/other", Code::Unsupported),
        ("/v2/_catalog", Code::Unsupported),
        ("/v2/../manifests/x", Code::NameInvalid),
        ("/v2/A/manifests/x", Code::NameInvalid),
    ] {
        assert_eq!(route(path).unwrap_err(), code, "{path}");
    }
    assert_eq!(route(&format!("/v2/a/manifests/{}", "x".repeat(129))).unwrap_err(), Code::ManifestInvalid);
}

#[test]
fn the_inference_protocol_keeps_its_paths() {
    assert!(Registry::owns("/v2/") && Registry::owns("/v2/a/tags/list"));
    for path in ["/v2", "/v2/health/live", "/api/v1/packages", "/v2/a"] {
        assert!(!Registry::owns(path), "{path}");
    }
    for word in RESERVED {
        assert!(!Registry::owns(&format!("/v2/{word}/manifests/x")));
    }
}

fn image() -> Value {
    let of = |kind: &str, text: &str| json!({ "mediaType": kind, "digest": Digest::of(text.as_bytes()), "size": 1 });
    json!({ "schemaVersion": 2, "mediaType": IMAGE, "config": of("application/x.config", "config"),
        "layers": [of("application/x.layer", "layer")], "subject": of(IMAGE, "subject"), "annotations": { "a": "b" } })
}

#[test]
fn a_manifest_names_its_parts_and_what_it_is_about() {
    let parsed = parse(image().to_string().as_bytes(), None).unwrap();
    assert_eq!(parsed.blobs, [Digest::of(b"config"), Digest::of(b"layer")]);
    assert_eq!(
        (parsed.subject, parsed.artifact_type.as_deref()),
        (Some(Digest::of(b"subject")), Some("application/x.config"))
    );
    let mut foreign = image();
    foreign["artifactType"] = json!("application/own");
    foreign["layers"][0]["urls"] = json!(["https://elsewhere.example/layer"]);
    let parsed = parse(foreign.to_string().as_bytes(), Some(IMAGE)).unwrap();
    assert_eq!((parsed.blobs.len(), parsed.artifact_type.as_deref()), (1, Some("application/own")));
    let index =
        json!({ "schemaVersion": 2, "manifests": [{ "mediaType": IMAGE, "digest": Digest::of(b"m"), "size": 1 }] });
    let parsed = parse(index.to_string().as_bytes(), Some(&format!("{INDEX}; charset=utf-8"))).unwrap();
    assert_eq!((parsed.manifests, parsed.blobs.len()), (vec![Digest::of(b"m")], 0));
    let docker = image().to_string().replace(IMAGE, "application/vnd.docker.distribution.manifest.v2+json");
    assert!(parse(docker.as_bytes(), None).is_ok());
}

#[test]
fn what_is_no_manifest_is_refused_whatever_it_holds() {
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut manifest = image();
        change(&mut manifest);
        parse(manifest.to_string().as_bytes(), None).unwrap_err().code
    };
    assert_eq!(changed(&|it| it["schemaVersion"] = json!(1)), Code::ManifestInvalid);
    assert_eq!(changed(&|it| it["mediaType"] = json!("text/plain")), Code::ManifestInvalid);
    assert_eq!(changed(&|it| it["config"] = json!(null)), Code::ManifestInvalid);
    assert_eq!(changed(&|it| it["layers"] = json!("x")), Code::ManifestInvalid);
    assert_eq!(changed(&|it| it["layers"][0]["digest"] = json!("sha512:00")), Code::ManifestInvalid);
    assert_eq!(changed(&|it| it["layers"] = json!(vec![it["layers"][0].clone(); 1_000])), Code::ManifestInvalid);
    assert!(parse(image().to_string().as_bytes(), Some(INDEX)).is_err(), "sent as something else");
    let text = image().to_string();
    for end in 0..text.len() {
        assert!(parse(&text.as_bytes()[..end], Some(IMAGE)).is_err());
    }
    assert!(parse("[".repeat(10_000).as_bytes(), Some(IMAGE)).is_err());
}
