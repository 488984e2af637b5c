//! Tools of other people that tests of the marketplace hold ours against: a client of registries, and a registry.

use std::process::Command;

use crate::command;

/// The programs, which need nothing set up.
const SKOPEO: &str = "skopeo";
const REGISTRY: &str = "docker-registry";

/// Whether the client is there.
pub(crate) fn has_skopeo() -> bool {
    command::succeeds(Command::new(SKOPEO).arg("--version"))
}

/// Whether the registry is there.
pub(crate) fn has_registry() -> bool {
    command::succeeds(Command::new(REGISTRY).arg("--version"))
}

/// What tells tests about them.
pub(crate) fn variables() -> [(&'static str, &'static str); 2] {
    [("WEFT_TEST_SKOPEO", SKOPEO), ("WEFT_TEST_DOCKER_REGISTRY", REGISTRY)]
}
