//! Requests that functions send: to whom they may, within bounds, and what everyone is told when they may not.

mod bounds;
mod entries;
mod exchange;
mod refused;
mod server;

use crate::support::{Host, Options, until};
use server::Server;

/// A host with the conformance guest behind `/fn/site`, which may reach `server`.
fn site(server: &Server, options: Options) -> Host {
    let host = Host::start_with(options);
    let url = &server.url;
    let grants = format!(
        "record = \"all\"\n[limits]\nmax_body = \"32MiB\"\n[grants]\nhttp = [{{ url = \"{url}\", private = true }}]\n"
    );
    host.deploy("site", "conformance_http.wasm", &grants);
    host
}

/// What the guest says came of a request to `path` of `server`.
fn reached(host: &Host, server: &Server, path: &str, more: &str) -> String {
    let (status, said) = host.get(&format!("/fn/site/outgoing?authority={}&path={path}{more}", server.authority()));
    assert_eq!(status, 200, "{said}");
    said
}

/// What the host has to say in the log of `site`, once it said so much.
fn told(host: &Host, at_least: usize) -> Vec<String> {
    until("the log of the function is written", || {
        let lines = host.json_lines(&["logs", "site"]);
        let of_host = lines.iter().filter(|it| it["stream"] == "host");
        let told: Vec<_> = of_host.map(|it| it["message"].as_str().unwrap().to_owned()).collect();
        (told.len() >= at_least).then_some(told)
    })
}
