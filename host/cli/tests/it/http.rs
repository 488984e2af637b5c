//! What the one port answers: functions by path and host, bodies as they stream, events, refusals, the control plane.

mod api;
mod events;
mod limits;
mod routing;
mod streaming;

use crate::support::Host;

/// A host with the conformance guest behind `/fn/site`, all its calls on record, and more of a manifest.
fn site(manifest: &str) -> Host {
    let host = Host::start();
    deploy_site(&host, manifest);
    host
}

fn deploy_site(host: &Host, manifest: &str) {
    host.deploy("site", "conformance_http.wasm", &format!("record = \"all\"\n{manifest}"));
}

/// The newest call on record, once it failed with `code`.
fn failed(host: &Host, code: &str) -> serde_json::Value {
    crate::support::until(&format!("a call failed with {code}"), || {
        let page = host.get_json("/api/v1/projects/default/calls?limit=1");
        Some(page["items"][0].clone()).filter(|it| it["failure"]["code"] == code)
    })
}
