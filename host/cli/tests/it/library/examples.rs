//! The README of every function of the library has a pipeline that a host takes as it stands.

use std::path::PathBuf;

use super::Library;
use crate::support::root;

/// The folders of the library whose function is a job, as its manifest says.
fn jobs() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(root().join("functions")).unwrap().map(|it| it.unwrap().path());
    let is_job = |folder: &PathBuf| {
        let manifest = std::fs::read_to_string(folder.join("function.toml")).unwrap_or_default();
        manifest.contains("\n[inputs.") || manifest.contains("\n[outputs.") || manifest.contains("\n[params")
    };
    let mut jobs: Vec<PathBuf> = folders.filter(is_job).collect();
    jobs.sort();
    jobs
}

/// The blocks of a README that are pipelines.
fn pipelines(readme: &str) -> Vec<&str> {
    let blocks = readme.split("```yaml\n").skip(1).filter_map(|it| it.split("\n```").next());
    blocks.filter(|it| it.starts_with("pipeline:")).collect()
}

#[test]
fn every_example_pipeline_is_taken_by_a_host_that_has_the_library() {
    let jobs = jobs();
    assert!(jobs.len() >= 16, "{jobs:?}");
    let name = |folder: &PathBuf| folder.file_name().unwrap().to_str().unwrap().to_owned();
    let names: Vec<String> = jobs.iter().map(name).collect();
    let library = Library::with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for (folder, name) in jobs.iter().zip(&names) {
        let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
        let examples = pipelines(&readme);
        assert!(!examples.is_empty(), "the README of {name} has no example pipeline");
        for example in examples {
            assert!(example.contains(&format!("function: {name}")), "an example of {name} does not use it");
            let file = library.host.file("example.yaml", example);
            let output = library.host.run(&["pipeline", "check", &file]);
            assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
