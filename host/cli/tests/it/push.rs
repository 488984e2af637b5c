//! `fn runs push`: what was tracked in a folder, on a host.

use std::{fs, path::PathBuf};

use host_core::{Digest, RunId};
use serde_json::{Value, json};

use crate::support::Host;

/// A tracked run as a program leaves it, in the folder that `fn` looks into.
struct Left {
    id: String,
    folder: PathBuf,
}

fn left(host: &Host, state: &str) -> Left {
    let id = RunId::next().to_string();
    let folder = host.data().join(".weft/runs").join(&id);
    fs::create_dir_all(folder.join("files")).unwrap();
    let digest = Digest::of(id.as_bytes());
    fs::write(folder.join("files").join(digest.hex()), &id).unwrap();
    let run = json!({ "id": id, "name": "train", "state": state, "params": { "rate": 0.1 },
        "outputs": [{ "name": "note.txt", "digest": digest, "media_type": "text/plain" }],
        "started_at": "2026-01-01T10:00:00Z", "finished_at": "2026-01-01T10:00:01Z" });
    fs::write(folder.join("run.json"), run.to_string()).unwrap();
    let lines = "{\"name\":\"loss\",\"value\":0.5,\"at_step\":0,\"at\":\"2026-01-01T10:00:05Z\"}\n\
                 {\"name\":\"loss\",\"value\":\"NaN\",\"at_step\":1,\"at\":\"2026-01-01T10:00:09Z\"}\n{\"name\":\"lo";
    fs::write(folder.join("metrics.jsonl"), lines).unwrap();
    Left { id, folder }
}

#[test]
fn tracked_runs_are_sent_once_with_their_bytes_and_their_metrics() {
    let host = Host::start();
    let (first, second) = (left(&host, "done"), left(&host, "failed"));
    let sent: Value = host.json(&["runs", "push", &first.id]);
    assert_eq!((&sent["id"], &sent["kind"], &sent["state"]), (&json!(first.id), &json!("tracked"), &json!("done")));
    let rest = host.json_lines(&["runs", "push", "--all"]);
    assert_eq!(rest.iter().map(|it| &it["id"]).collect::<Vec<_>>(), [&json!(second.id)]);
    assert_eq!(host.json_lines(&["runs", "push", "--all"]), Vec::<Value>::new());
    assert_eq!(host.json(&["runs", "push", &first.id]), sent, "once more changes nothing");

    let shown = host.shown(&first.id).0;
    assert_eq!(shown["run"]["finished_at"], "2026-01-01T10:00:09Z", "its last word counts");
    let metrics: Vec<_> = shown["metrics"].as_array().unwrap().iter().map(|it| it["value"].clone()).collect();
    assert_eq!(metrics, [json!(0.5), json!("NaN")]);
    let output = &shown["steps"][0]["outputs"][0];
    assert_eq!(host.bytes(output["digest"].as_str().unwrap()), first.id.as_bytes());
    let (exit, said) = host.fails(&["runs", "reproduce", &first.id]);
    assert!(exit == 4 && said.contains("is not reproducible: it ran outside the host"), "{exit} {said}");
}

#[test]
fn a_run_whose_process_is_gone_is_sent_as_broken_off_and_one_that_goes_on_is_not() {
    let host = Host::start();
    let run = left(&host, "running");
    let lock = fs::File::create(run.folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let (exit, said) = host.fails(&["runs", "push", &run.id]);
    assert!(exit == 4 && said.contains("still going on"), "{exit} {said}");
    assert_eq!(host.json_lines(&["runs", "push", "--all"]), Vec::<Value>::new());
    lock.unlock().unwrap();
    let sent = host.json(&["runs", "push", "--all"]);
    assert_eq!((&sent["state"], &sent["failure"]["code"]), (&json!("failed"), &json!("broken-off")));
}

#[test]
fn bytes_that_are_not_what_they_were_are_not_sent_as_such() {
    let host = Host::start();
    let run = left(&host, "done");
    let file = fs::read_dir(run.folder.join("files")).unwrap().next().unwrap().unwrap().path();
    fs::write(&file, "changed").unwrap();
    let (exit, said) = host.fails(&["runs", "push", &run.id]);
    assert!(exit == 2 && said.contains("`note.txt` are not what they were"), "{exit} {said}");
    fs::remove_file(&file).unwrap();
    let (exit, said) = host.fails(&["runs", "push", "--all"]);
    assert!(exit == 2 && said.contains("could not read the bytes of `note.txt`"), "{exit} {said}");
    let (exit, said) = host.fails(&["runs", "push", "--all", "--from", "elsewhere"]);
    assert!(exit == 3 && said.contains("there are no tracked runs"), "{exit} {said}");
}
