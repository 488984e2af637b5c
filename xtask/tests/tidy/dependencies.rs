//! Who may import whom, and where each heavy library lives. ARCHITECTURE.md says why.

use std::collections::BTreeMap;

use crate::workspace::{none, packages};

/// What each room of the host may import from the rest of the repository. Add to a line only with a reason.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("host-core", &[]),
    ("host-wire", &["host-core"]),
    ("host-store", &["host-core"]),
    ("host-capabilities", &["host-core"]),
    ("host-inference", &["host-core"]),
    ("host-dispatch", &["host-core"]),
    ("host-triggers", &["host-core"]),
    ("host-pipelines", &["host-core"]),
    ("host-engine", &["host-core", "host-capabilities"]),
    ("host-api", &["host-core", "host-wire", "host-store", "host-dispatch", "host-pipelines", "marketplace"]),
    ("marketplace", &["host-core"]),
    ("host-cli", ROOMS),
    ("host-bench", ROOMS),
    ("host-fuzz", &["host-core", "host-triggers", "host-wire"]),
];

/// Every room but the command line, which nobody imports.
const ROOMS: &[&str] = &[
    "host-api",
    "host-capabilities",
    "host-core",
    "host-dispatch",
    "host-engine",
    "host-inference",
    "host-pipelines",
    "host-store",
    "host-triggers",
    "host-wire",
    "marketplace",
];

/// Libraries that only these packages may import.
const ONE_HOME: &[(&str, &[&str])] = &[
    ("arrow", &[]),
    ("axum", &["host-api", "host-triggers", "host-cli", "host-bench", "marketplace"]),
    ("clap", &["host-cli", "host-bench", "xtask"]),
    ("croner", &["host-core"]),
    ("datafusion", &[]),
    // The benchmarks hold our speed against that of a bare client.
    ("lapin", &["host-triggers", "host-bench"]),
    ("object_store", &["host-store"]),
    ("oci-client", &["marketplace"]),
    ("ort", &["host-inference"]),
    ("parquet", &[]),
    ("prometheus-client", &["host-api"]),
    // Whole-host tests stand in for other people's producers and consumers.
    ("rdkafka", &["host-triggers", "host-bench", "host-cli"]),
    ("redis", &["host-capabilities"]),
    // The store never calls it: object_store speaks HTTP with it, and needs a feature of it switched on.
    ("reqwest", &["host-capabilities", "host-cli", "host-store"]),
    ("sqlx", &["host-store"]),
    ("tonic", &["host-triggers"]),
    ("tract-onnx", &["host-inference"]),
    ("wasmtime", &["host-engine"]),
    ("wasmtime-wasi", &["host-engine"]),
    ("wasmtime-wasi-http", &["host-engine"]),
    ("wasmtime-wasi-nn", &["host-engine"]),
    ("wit-component", &["host-engine"]),
];

/// All that core may import: words, no IO and nothing heavy.
const LIGHT: &[&str] = &[
    "aho-corasick",
    "async-trait",
    "base64",
    "bytes",
    "croner",
    "futures-core",
    "hex",
    "http",
    "http-body",
    "http-body-util",
    "indexmap",
    "jiff",
    "percent-encoding",
    "rand",
    "rand_chacha",
    "saphyr",
    "saphyr-parser",
    "schemars",
    "semver",
    "serde",
    "serde_json",
    "sha2",
    "smol_str",
    "strsim",
    "thiserror",
    "tokio-util",
    "toml",
    "url",
    "uuid",
    "zeroize",
];

#[test]
fn rooms_import_only_the_rooms_they_may() {
    let lines: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let mut findings = Vec::new();
    for package in packages().iter().filter(|it| it.is_room() || it.name == "marketplace") {
        let Some(may) = lines.get(package.name.as_str()) else {
            findings.push(format!("{} has no line in MAY_IMPORT", package.name));
            continue;
        };
        let ours = package.imports().filter(|it| ROOMS.contains(it) || *it == "host-cli");
        findings.extend(ours.filter(|it| !may.contains(it)).map(|it| format!("{} imports {it}", package.name)));
    }
    none(findings, "rooms meet through the ports in host-core; see ARCHITECTURE.md, who may import whom");
}

#[test]
fn each_heavy_library_has_one_home() {
    let homes: BTreeMap<&str, &[&str]> = ONE_HOME.iter().copied().collect();
    let mut findings = Vec::new();
    for package in packages().iter().filter(|it| !is_guest_side(&it.folder)) {
        for import in package.imports() {
            if let Some(home) = homes.get(import).filter(|it| !it.contains(&package.name.as_str())) {
                findings.push(format!("{} imports {import}, whose home is {home:?}", package.name));
            }
        }
    }
    none(findings, "ask the home of the library for what you need, through a port");
}

#[test]
fn core_imports_only_light_libraries() {
    let core = packages().iter().find(|it| it.name == "host-core").unwrap();
    let findings = core.imports().filter(|it| !LIGHT.contains(it)).map(str::to_owned).collect();
    none(findings, "core holds words and rules, no IO; argue for a new library in LIGHT");
}

#[test]
fn guests_never_import_the_host() {
    let mut findings = Vec::new();
    for package in packages().iter().filter(|it| is_guest_side(&it.folder)) {
        let host = package.dependencies.iter().filter(|it| it.name.starts_with("host-"));
        findings.extend(host.map(|it| format!("{} depends on {}", package.name, it.name)));
    }
    none(findings, "a guest knows the contract in sdk/wit, not the host; not even in its tests");
}

fn is_guest_side(folder: &std::path::Path) -> bool {
    folder.starts_with("sdk") || folder.starts_with("functions")
}
