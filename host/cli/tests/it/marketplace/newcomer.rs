//! A newcomer's first minutes: the example's script, against a fresh host with its library.

use std::{fs, path::Path, process::Command, time::Instant};

use crate::support::{Host, Options, command, root, until};

/// What the script pulls.
const FUNCTIONS: [&str; 4] = ["load-dataset", "prepare", "train-linear", "evaluate"];

/// How long it may take from the start of the host.
const LIMIT_S: u64 = 120;

/// Publishes functions of the library into a folder, signed, as a release comes with one.
fn library(folder: &Path, home: &Path) {
    let fn_ = |args: &[&str]| {
        let output = command(args).env("XDG_CONFIG_HOME", home).output().unwrap();
        assert!(output.status.success(), "fn {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
    };
    fn_(&["key", "new"]);
    for name in FUNCTIONS {
        let function = root().join("functions").join(name);
        let place = folder.to_str().unwrap();
        fn_(&["publish", function.to_str().unwrap(), "--to", place, "--namespace", "std", "--no-build"]);
    }
    fs::copy(home.join("weft/keys/default.pub"), folder.join("key.pub")).unwrap();
}

#[test]
fn a_newcomer_runs_a_pipeline_of_nothing_but_pulled_functions() {
    let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    library(folder.path(), home.path());
    let began = Instant::now();
    let host = Host::start_with(Options::default().env("WEFT_MARKETPLACE__LIBRARY", folder.path().to_str().unwrap()));
    until("the library is offered", || {
        let found = host.get_json("/api/v1/packages?namespace=std");
        (found["items"].as_array().unwrap().len() == FUNCTIONS.len()).then_some(())
    });
    let script = root().join("deploy/examples/newcomer/newcomer.sh");
    let output = Command::new("sh")
        .arg(&script)
        .env("FN", env!("CARGO_BIN_EXE_fn"))
        .env("WEFT_HOST", host.url(""))
        .env("XDG_CONFIG_HOME", home.path())
        .env_remove("WEFT_PROJECT")
        .env_remove("WEFT_TOKEN")
        .current_dir(home.path())
        .output()
        .unwrap();
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{told}");
    for name in FUNCTIONS {
        assert!(said.contains(name), "{name} is in service: {said}");
    }
    let runs = host.json(&["runs", "list"]);
    assert_eq!((&runs["items"][0]["name"], &runs["items"][0]["state"]), (&"newcomer".into(), &"done".into()));
    assert!(began.elapsed().as_secs() < LIMIT_S, "{:?}", began.elapsed());
}
