//! The conformance suite: one behaviour in every language, on a whole host. The cases are in sdk/conformance/suite.

mod cases;
mod files;
mod more;
mod notebooks;
mod python;

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::{Host, Options, guest_file, root};

/// The three guests of a language: handler, http, job. They may be one component.
struct Guests {
    handler: PathBuf,
    http: PathBuf,
    job: PathBuf,
}

impl Guests {
    fn rust() -> Self {
        let [handler, http, job] =
            ["conformance_suite.wasm", "conformance_suite_http.wasm", "conformance-suite-job.wasm"].map(guest_file);
        Self { handler, http, job }
    }

    /// Those of a language whose toolchain is no part of this repository's, where they are built.
    fn of(language: &str) -> Option<Self> {
        let folder = guests_folder()?;
        let all = folder.join(format!("{language}.wasm"));
        let one = |entry: &str| Some(folder.join(format!("{language}-{entry}.wasm"))).filter(|it| it.is_file());
        if all.is_file() {
            return Some(Self { handler: all.clone(), http: all.clone(), job: all });
        }
        let found = one("handler").zip(one("http")).zip(one("job"));
        let found = found.map(|((handler, http), job)| Self { handler, http, job });
        found.or_else(|| left_out(&format!("the suite in {language}"), "builds its guests"))
    }
}

fn guests_folder() -> Option<PathBuf> {
    let folder = std::env::var_os("WEFT_TEST_GUESTS").map(PathBuf::from);
    folder.or_else(|| left_out("guests of other toolchains", "does, or set WEFT_TEST_GUESTS to their folder"))
}

/// Says what is not tested here, and why.
#[expect(clippy::print_stderr, reason = "whoever runs the tests learns what was left out")]
fn left_out<T>(what: &str, who: &str) -> Option<T> {
    eprintln!("{what}: not tried: `cargo xtask test` {who}");
    None
}

/// A host that keeps what it compiles for the next time: an interpreter takes as long as a hundred functions.
fn host() -> Host {
    let folder = std::env::var_os("WEFT_TEST_GUESTS").map(|it| Path::new(&it).join("compiled"));
    let options = folder
        .map_or_else(Options::default, |it| Options::default().env("WEFT_ENGINE__CACHE", &it.display().to_string()));
    Host::start_with(options.env("WEFT_ENGINE__COMPILE_TIMEOUT", "10m"))
}

/// The manifest that every guest of the suite runs under.
fn manifest() -> String {
    std::fs::read_to_string(root().join("sdk/conformance/suite/function.toml")).unwrap()
}

/// Deploys a component under a manifest, as it is: `fn deploy` would write each function's name into it, and the host would
/// compile the same interpreter once for every name.
fn deploy(host: &Host, name: &str, component: &Path, manifest: &str) {
    let bytes = std::fs::read(component).unwrap();
    let digest = host_core::Digest::of(&bytes);
    let fields = [("content-type", "application/octet-stream")];
    let sent = host.exchange("PUT", &format!("/api/v1/components/{digest}"), &fields, &bytes);
    assert!(sent.status < 300, "{}", sent.text());
    let revision = json!({ "component": digest, "manifest": format!("name = \"{name}\"\n{manifest}") });
    let path = format!("/api/v1/projects/default/functions/{name}/revisions?activate=true");
    let (status, said) = host.post(&path, "application/json", revision.to_string().as_bytes());
    assert!(status < 300, "{name}: {said}");
}

/// A host on which a language's guests are deployed as `handler`, `http` and `job`.
fn deployed(guests: &Guests) -> Host {
    let host = host();
    let manifest = manifest();
    let all = [("next", &guests.handler), ("handler", &guests.handler), ("http", &guests.http), ("job", &guests.job)];
    for (name, component) in all {
        deploy(&host, name, component, &manifest);
    }
    host
}

fn passes(guests: &Guests) {
    let host = deployed(guests);
    let model = more::Model::register(&host);
    let failed = cases::all(&host);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    more::bodies(&host);
    model.answers(&host);
    more::sent(&host);
    more::random_numbers(&host);
}

#[test]
fn rust_does_what_the_suite_says() {
    passes(&Guests::rust());
}

#[test]
fn javascript_does_what_the_suite_says() {
    if let Some(guests) = Guests::of("javascript") {
        passes(&guests);
    }
}

#[test]
fn small_javascript_does_what_the_suite_says_of_events_and_jobs() {
    if let Some(small) = Guests::of("javascript-small") {
        passes(&Guests { handler: small.handler, http: Guests::rust().http, job: small.job });
    }
}

#[test]
fn python_does_what_the_suite_says() {
    if let Some(component) = python::suite() {
        passes(&Guests { handler: component.clone(), http: component.clone(), job: component });
    }
}
