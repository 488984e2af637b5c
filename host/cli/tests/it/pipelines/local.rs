//! The same work without a host: `--local` keeps the same record.

use serde_json::{Value, json};

use crate::{
    runs::{JOB, Ran, ran},
    support::{Host, command},
};

/// Takes out what may differ: identities, times, what it cost.
fn comparable(mut run: Value) -> Value {
    fn clean(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.retain(|key, _| {
                    !(key.ends_with("_at") || ["id", "as_of", "revision", "usage", "at"].contains(&key.as_str()))
                });
                map.values_mut().for_each(clean);
            }
            Value::Array(items) => items.iter_mut().for_each(clean),
            _ => {}
        }
    }
    clean(&mut run);
    run
}

#[test]
fn a_job_without_a_host_leaves_the_same_record() {
    let host = Host::start();
    let folder = host.function("job", "conformance-job.wasm", JOB);
    let file = host.file("rows.csv", "a,b\n1,2\n");
    let data = host.data().join("local");
    let input = format!("data={file}");
    let args = ["-p", "do=copy", "-i", &input, "--seed", "5", "--json"];
    let local = command(&["run", folder.to_str().unwrap(), "--local", "--data", data.to_str().unwrap()])
        .args(args)
        .current_dir(host.data())
        .output()
        .unwrap();
    host.deploy_job("job");
    let remote = host.run(&[&["run", "job"], &args[..]].concat());
    let (local, remote) = (ran(&local).done(), ran(&remote).done());
    assert_eq!(comparable(local.0.clone()), comparable(remote.0));

    // The record is there for later, under the same folder.
    let again = command(&["run", "job", "--local", "--data", data.to_str().unwrap()])
        .args(args)
        .current_dir(host.data())
        .output()
        .unwrap();
    assert_eq!(ran(&again).done().steps()[0]["cached_from"], local.id());
}

#[test]
fn a_pipeline_without_a_host_leaves_the_same_record() {
    let host = Host::start();
    let folder = host.function("job", "conformance-job.wasm", JOB);
    let yaml = "pipeline: same\nsteps:\n  a: { function: job, params: { do: random } }\n  b: { function: job, params: { do: measure }, sweep: { grid: { text: ['1', '2'] }, select: min.loss } }\n";
    let file = host.file("same.yaml", yaml);
    let data = host.data().join("local");
    let local = |args: &[&str]| -> Ran {
        ran(&command(args)
            .args(["--local", "--json", "--data", data.to_str().unwrap()])
            .current_dir(host.data())
            .output()
            .unwrap())
    };
    local(&["run", folder.to_str().unwrap(), "-p", "do=nothing"]).done();
    let here = local(&["pipeline", "submit", &file]).done();
    host.deploy_job("job");
    let there = ran(&host.run(&["pipeline", "submit", &file, "--json"])).done();
    assert_eq!(comparable(here.0), comparable(there.0));
}

#[test]
fn a_local_run_that_fails_says_so_and_ends_with_a_code() {
    let host = Host::start();
    let folder = host.function("job", "conformance-job.wasm", JOB);
    let data = host.data().join("local");
    let args = [
        "run",
        folder.to_str().unwrap(),
        "--local",
        "--data",
        data.to_str().unwrap(),
        "-p",
        "do=trap",
        "-p",
        "text=oh",
    ];
    let output = command(&args).current_dir(host.data()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), said.contains("oh")), (Some(1), true), "{said}");
}

#[test]
fn a_folder_that_a_host_uses_is_not_taken() {
    let host = Host::start();
    let folder = host.function("job", "conformance-job.wasm", JOB);
    let taken = host.data().join("host");
    let args = ["run", folder.to_str().unwrap(), "--local", "--data", taken.to_str().unwrap(), "-p", "do=nothing"];
    let output = command(&args).current_dir(host.data()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("is in use by another host"), "{said}");
    assert_eq!(host.json(&["runs", "list"])["items"], json!([]));
}
