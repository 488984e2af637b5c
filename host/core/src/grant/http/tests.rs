//! Entries of `[grants] http` as manifests write them, and the requests they allow.

use http::Uri;

use super::*;
use crate::{
    grant::{Grants, Right},
    manifest::{InvalidManifest, Manifest},
};

fn manifest(grants: &str) -> Result<Manifest, InvalidManifest> {
    Manifest::parse(&format!("name = \"x\"\n[grants]\n{grants}\n"))
}

fn allows(grant: &str, request: &str) -> bool {
    let grant: HttpGrant = grant.parse().unwrap();
    let (method, uri) = request.split_once(' ').unwrap();
    let uri: Uri = uri.parse().unwrap();
    grant.allows(&method.parse().unwrap(), &Origin::of(&uri).unwrap(), uri.path())
}

#[test]
fn an_entry_is_a_url_with_methods_before_it_or_a_table() {
    let text = "http = [\"https://API.example.com\", \"GET http://*.example.org:8080/v1/\", \"GET,HEAD https://x.io\", \
                { url = \"http://10.0.0.5:9000\", methods = [\"GET\"], private = true }]";
    let grants = manifest(text).unwrap().grants;
    let told: Vec<_> = grants.http.iter().map(ToString::to_string).collect();
    let expected = [
        "https://api.example.com",
        "GET http://*.example.org:8080/v1/",
        "GET,HEAD https://x.io",
        "GET http://10.0.0.5:9000",
    ];
    assert_eq!(told, expected);
    assert_eq!(grants.http.iter().map(|it| it.private).collect::<Vec<_>>(), [false, false, false, true]);
    let json = serde_json::to_string(&grants).unwrap();
    assert_eq!(serde_json::from_str::<Grants>(&json).unwrap(), grants);
    let toml = toml::to_string(&grants).unwrap();
    assert_eq!(toml::from_str::<Grants>(&toml).unwrap(), grants);
}

#[test]
fn mistakes_are_told_as_what_they_are() {
    for (grants, says) in [
        ("http = [\"api.example.com\"]", "write scheme and host"),
        ("http = [\"ftp://example.com\"]", "write scheme and host"),
        ("http = [\"get https://example.com\"]", "`get` is not a method"),
        ("http = [\"CONNECT https://example.com\"]", "CONNECT opens tunnels"),
        ("http = [\"https://user@example.com\"]", "user name before the host"),
        ("http = [\"https://*\"]", "a `*` may only stand"),
        ("http = [\"https://a.*.com\"]", "a `*` may only stand"),
        ("http = [\"https://*.com\"]", "at least two parts"),
        ("http = [\"https://*.10.0.0.1\"]", "at least two parts"),
        ("http = [\"https://example.com/?q=1\"]", "no query"),
        ("http = [\"https://example.com/a/../b\"]", "a `.` or `..`"),
        ("http = [\"https://example.com:0\"]", "0 is not a port"),
        ("http = [\"https://example.com:99999\"]", "cannot be read"),
        ("http = [\"https://\"]", "cannot be read"),
        ("http = [7]", "{ url = "),
        ("http = [{ private = true }]", "missing field `url`"),
        ("http = [{ url = \"https://x.io\", privat = true }]", "unknown field `privat`"),
        ("http = [{ url = \"GET https://x.io\" }]", "write scheme and host"),
    ] {
        let error = manifest(grants).unwrap_err();
        assert!(error.message.contains(says), "{grants}: {error}");
        assert_eq!(error.line, Some(3), "{grants}");
    }
    let many = format!("http = [{}]", "\"https://x.io\",".repeat(65));
    assert!(manifest(&many).unwrap_err().message.contains("65 entries"));
}

#[test]
fn every_part_of_an_entry_has_to_fit() {
    for (grant, request) in [
        ("https://api.example.com", "POST https://api.example.com/any?q=1"),
        ("https://api.example.com", "GET https://API.EXAMPLE.COM.:443/"),
        ("GET,HEAD https://api.example.com", "HEAD https://api.example.com/"),
        ("https://*.example.com", "GET https://a.b.example.com/"),
        ("http://10.0.0.5:9000", "GET http://0xa000005:9000/"),
        ("https://api.example.com/v1", "GET https://api.example.com/v1"),
        ("https://api.example.com/v1", "GET https://api.example.com/v1/wines"),
        ("https://api.example.com/v1/", "GET https://api.example.com/v1/a%2Fb"),
    ] {
        assert!(allows(grant, request), "{grant}: {request}");
    }
    for (grant, request) in [
        ("https://api.example.com", "GET http://api.example.com/"),
        ("https://api.example.com", "GET https://api.example.com:8443/"),
        ("https://api.example.com", "GET https://api.example.com.evil.org/"),
        ("https://api.example.com", "GET https://xapi.example.com/"),
        ("GET https://api.example.com", "POST https://api.example.com/"),
        ("https://*.example.com", "GET https://example.com/"),
        ("https://*.example.com", "GET https://evilexample.com/"),
        ("https://*.example.com", "GET https://a.example.com.evil.org/"),
        ("https://api.example.com/v1", "GET https://api.example.com/v10"),
        ("https://api.example.com/v1", "GET https://api.example.com/V1/"),
        ("https://api.example.com/v1/", "GET https://api.example.com/v1"),
        ("https://api.example.com/v1/", "GET https://api.example.com/v1/../admin"),
        ("https://api.example.com/v1/", "GET https://api.example.com/v1/%2e%2E/admin"),
        ("https://api.example.com/v1/", "GET https://api.example.com/v1/..%2fadmin"),
        ("https://api.example.com/v1/", "GET https://api.example.com/v1/..;x/admin"),
        ("https://api.example.com/v1/", "GET https://api.example.com/v1/%5c..%5cadmin"),
    ] {
        assert!(!allows(grant, request), "{grant}: {request}");
    }
}

#[test]
fn a_function_that_was_granted_http_reaches_outside() {
    let with = manifest("http = [\"https://api.example.com\"]").unwrap();
    assert!(with.allows(Right::Http) && with.grants.reaches_outside());
    let without = manifest("").unwrap();
    assert!(!without.allows(Right::Http) && !without.grants.reaches_outside());
}
