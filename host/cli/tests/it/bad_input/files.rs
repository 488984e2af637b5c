//! Jobs that try paths that are not theirs, and artifacts that vanish or change on disk.

use std::path::PathBuf;

use super::{deploy_job, host, job, still_serves};
use crate::support::Host;

#[test]
fn no_path_leads_out_of_a_jobs_folders() {
    let host = host();
    deploy_job(&host);
    let input = format!("dataset={}", host.file("input", "secret"));
    let report = job(&host, "escape", "", &[&input]).unwrap();
    let tried = report["reads"].as_array().unwrap().iter().chain(report["writes"].as_array().unwrap());
    for one in tried {
        assert!(one["tried"]["error"].is_string(), "{one} should not have worked");
    }
    for target in ["/etc/passwd", "../../../../etc/passwd", "/in/dataset"] {
        let report = job(&host, "link", target, &[&input]).unwrap();
        assert!(report["symbolic"]["error"].is_string() && report["hard"]["error"].is_string(), "{target}: {report}");
        assert_eq!(report["is_there"], false, "{target}");
    }
    for (action, path) in [("delete", "/in/dataset"), ("write-at", "/in/dataset"), ("read", "/out/../in/dataset")] {
        let report = job(&host, action, path, &[&input]).unwrap();
        assert!(report["error"].is_string(), "{action} {path}: {report}");
    }
    assert_eq!(job(&host, "read", "/in/dataset", &[&input]).unwrap()["ok"], 6, "its own input it may read");
    still_serves(&host);
}

#[test]
fn a_job_writes_what_it_declares_and_nothing_else() {
    let host = host();
    deploy_job(&host);
    let cases = [
        ("undeclared", "x", "`/out/x` is not declared: add [outputs.x] to function.toml"),
        ("undeclared", "../x", "not permitted"),
        ("folder", "out", "outputs are files"),
        ("many", "", "is not declared"),
        ("flood", "", "it wrote more than 4MiB under /out, which is what limits.output allows"),
    ];
    for (action, text, expected) in cases {
        let failure = job(&host, action, text, &[]).unwrap_err();
        assert!(failure["message"].as_str().unwrap().contains(expected), "{action} {text}: {failure}");
    }
    still_serves(&host);
}

#[test]
fn names_that_would_leave_the_folders_are_refused() {
    let host = host();
    deploy_job(&host);
    let file = host.file("input", "bytes");
    for name in ["../dataset", "/etc/passwd", "", ".", "a/b"] {
        let (code, error) =
            host.fails(&["run", "conformance-job", "-p", "do=nothing", "-i", &format!("{name}={file}")]);
        assert!(code == 2 || code == 4, "{name}: {code} {error}");
    }
    for key in ["[inputs.\"../x\"]", "[outputs.\"/x\"]", "[params.\"-x\"]\ntype = \"string\""] {
        let folder = host.function("bad", "conformance-command.wasm", &format!("{key}\n"));
        let (code, error) = host.fails(&["deploy", folder.to_str().unwrap()]);
        assert_eq!(code, 2, "{key}");
        assert!(error.contains("cannot name a param, input or output"), "{error}");
    }
    still_serves(&host);
}

/// Uploads bytes and returns their digest and the file that holds them.
fn artifact(host: &Host, bytes: &[u8]) -> (String, PathBuf) {
    let answer = host.ask("POST", "/api/v1/projects/default/artifacts?name=input", &[], bytes);
    let digest = answer.json()["digest"].as_str().unwrap().to_owned();
    let hex = digest.trim_start_matches("sha256:");
    let file = host.data().join("host/artifacts/sha256").join(&hex[..2]).join(&hex[2..]);
    assert!(file.is_file(), "{}", file.display());
    (digest, file)
}

#[test]
fn an_artifact_that_was_deleted_is_missed_by_name() {
    let host = host();
    deploy_job(&host);
    let (digest, file) = artifact(&host, b"bytes of a dataset");
    std::fs::remove_file(&file).unwrap();
    let failure = job(&host, "copy", "", &[&format!("dataset={digest}")]).unwrap_err();
    let message = failure["message"].as_str().unwrap();
    assert!(
        message.contains("`dataset`") && message.contains(&format!("artifact {digest} is not in the store")),
        "{message}"
    );
    let (code, error) = host.fails(&["artifacts", "get", &digest]);
    assert_eq!(code, 3);
    assert!(error.contains("is not in the store"), "{error}");
    still_serves(&host);

    artifact(&host, b"bytes of a dataset");
    job(&host, "copy", "again", &[&format!("dataset={digest}")]).unwrap();
}

#[test]
fn an_artifact_that_was_changed_is_not_used() {
    let host = host();
    deploy_job(&host);
    let (digest, file) = artifact(&host, b"bytes of a dataset");
    let mut permissions = std::fs::metadata(&file).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    std::fs::set_permissions(&file, permissions).unwrap();
    std::fs::write(&file, b"BYTES OF A DATASET").unwrap();
    let failure = job(&host, "copy", "", &[&format!("dataset={digest}")]).unwrap_err();
    assert!(failure["message"].as_str().unwrap().contains("is damaged"), "{failure}");
    assert!(!host.run(&["artifacts", "get", &digest]).status.success());
    still_serves(&host);
}
