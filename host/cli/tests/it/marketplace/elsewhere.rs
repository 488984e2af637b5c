//! `fn` publishes to a registry that is not ours, and pulls from it: Debian's `docker-registry`, which knows no referrers.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{tool, whole};
use crate::support::{Host, until};

/// A running registry, gone when dropped.
struct Registry {
    child: Child,
    address: String,
    _folder: TempDir,
}

impl Registry {
    fn start(program: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let store = folder.path().join("store");
        let config = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\nhttp: {{addr: \"{address}\"}}\n",
            store.display()
        );
        let file = folder.path().join("config.yaml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(program);
        let child = command.arg("serve").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let started = Self { child, address, _folder: folder };
        until("docker-registry answers", || ureq::get(format!("http://{}/v2/", started.address)).call().ok());
        started
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_function_is_published_to_a_registry_of_others_and_pulled_from_it() {
    let Some(program) = tool("WEFT_TEST_DOCKER_REGISTRY") else { return };
    let registry = Registry::start(&program);
    let place = format!("http://{}", registry.address);
    let host = Host::start();
    let folder = whole(&host, "hello", "1.2.0", "conformance_http.wasm");
    let publish = ["publish", &folder, "--to", &place, "--namespace", "acme", "--no-build", "--no-sign"];
    for _ in 0..2 {
        let output = host.run(&publish);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(host.get("/fn/hello").0, 404);
    let pulled = host.run(&["pull", "acme/hello@^1", "--from", &place, "--yes"]);
    assert!(pulled.status.success(), "{}", String::from_utf8_lossy(&pulled.stderr));
    assert_eq!(host.get("/fn/hello/hello").0, 200);
    let docs = host.run(&["doc", "acme/hello", "--from", &place]);
    assert!(String::from_utf8_lossy(&docs.stdout).contains("Does as it is told"));
}
