//! What is on record of a run: everything it takes to know what happened, and to do it again.

use std::process::Command;

use serde_json::{Value, json};

use crate::{runs::JOB, support::Host};

/// Commits everything in the host's folder, and returns the commit.
fn commit(host: &Host) -> String {
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").args(identity).args(args).current_dir(host.data()).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    host.file(".gitignore", "host\nhost.log\nfunctions\n");
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "all"]);
    git(&["rev-parse", "HEAD"])
}

const PIPELINE: &str = "
pipeline: recorded
params: { steps: 3 }
steps:
  learn: { function: job, params: { do: record, n: '${params.steps}' } }
  tell: { function: job, params: { do: describe, text: out } }
  use: { function: job, params: { do: copy }, inputs: { data: tell.out }, needs: [learn] }
";

#[test]
fn a_run_is_on_record_with_all_it_takes_to_do_it_again() {
    let host = Host::start();
    let deployed = host.deploy_job("job");
    let file = host.file("recorded.yaml", PIPELINE);
    let head = commit(&host);
    let run = crate::runs::ran(&host.run(&[
        "pipeline",
        "submit",
        &file,
        "--seed",
        "7",
        "-l",
        "team=red",
        "-l",
        "kind=test",
        "--json",
    ]))
    .done();
    let it = &run.0["run"];
    assert_eq!(it["code"], json!({"commit": head, "dirty": false, "file": file}));
    assert_eq!(it["labels"], json!({"team": "red", "kind": "test"}));
    assert_eq!(
        (&it["name"], &it["kind"], &it["owner"], &it["seed"]),
        (&json!("recorded"), &json!("pipeline"), &json!("local"), &json!(7))
    );
    assert_eq!(it["params"], json!({"steps": 3}));
    let times: Vec<&str> =
        ["created_at", "started_at", "finished_at"].iter().map(|key| it[key].as_str().unwrap()).collect();
    assert!(times.is_sorted_by_key(|it| it.parse::<jiff::Timestamp>().unwrap()), "{times:?}");
    for fact in ["release", "engine", "inference", "arch", "cpu_features"] {
        assert_ne!(run.0["platform"][fact], json!(""), "{fact}");
    }
    let pinned =
        json!({"revision": deployed["revision"]["id"], "number": 1, "component": deployed["revision"]["component"]});
    assert_eq!(run.0["functions"], json!({"job": pinned}));

    let step = run.step("use");
    assert_eq!(step["function"], pinned);
    assert_eq!(
        step["inputs"],
        json!([{"name": "data", "digest": run.output("tell", "out"), "kind": "table", "from": "tell.out"}])
    );
    let output = &step["outputs"][0];
    assert_eq!(
        (&output["name"], &output["size"], &output["digest"]),
        (&json!("data"), &json!(8), &json!(run.output("tell", "out")))
    );
    assert!(
        step["usage"]["duration_us"].as_u64() > Some(0) && step["usage"]["memory_bytes"].as_u64() > Some(0),
        "{step}"
    );
    assert!(step["cache_key"].is_string() && step["started_at"].is_string() && step["finished_at"].is_string());

    std::fs::write(host.data().join("recorded.yaml"), format!("{PIPELINE}\n# more\n")).unwrap();
    let dirty = crate::runs::ran(&host.run(&["pipeline", "submit", &file, "--json"])).done();
    assert_eq!(dirty.0["run"]["code"], json!({"commit": head, "dirty": true, "file": file}));
}

#[test]
fn metrics_are_kept_with_their_steps_and_nan_is_one() {
    let host = Host::start();
    host.deploy_job("job");
    let run = host.submit(PIPELINE).done();
    let shown = host.json(&["runs", "show", run.id()]);
    let metrics: Vec<Value> = shown["metrics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| json!([it["step"], it["name"], it["value"], it["at_step"]]))
        .collect();
    assert_eq!(
        json!(metrics),
        json!([
            ["learn", "accuracy", 0.75, null],
            ["learn", "diverged", "NaN", null],
            ["learn", "loss", 1.0, 0],
            ["learn", "loss", 0.5, 1],
            ["learn", "loss", 1.0 / 3.0, 2],
            ["learn", "negative", -1.5, null],
        ])
    );
    let step = run.step("learn");
    assert_eq!(
        step["results"],
        json!({"loss": 1.0 / 3.0, "accuracy": 0.75, "negative": -1.5, "diverged": "NaN", "nested": {"list": [1, 2.5, null, "é"]}, "report": 3})
    );
    assert_eq!(
        step["params"],
        json!({"do": "record", "n": 3, "chosen": {"depth": 3}}),
        "a param that the job chose is one"
    );
}

#[test]
fn an_output_is_described_by_its_job_and_one_that_is_none_is_refused() {
    let host = Host::start();
    host.deploy_job("job");
    let run = host.submit(PIPELINE).done();
    let output = &run.step("tell")["outputs"][0];
    assert_eq!((&output["kind"], &output["metadata"]), (&json!("table"), &json!({"rows": 1, "columns": ["a", "b"]})));
    assert!(run.report("tell")["refused"].as_str().unwrap().contains("undeclared"), "{}", run.report("tell"));
}

#[test]
fn artifacts_are_listed_shown_and_got_with_equal_bytes() {
    let host = Host::start();
    host.deploy_job("job");
    let run = host.submit(PIPELINE).done();
    let all = host.json(&["artifacts", "list", "--run", run.id()]);
    let mut listed: Vec<_> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| json!([it["step"], it["name"], it["kind"], it["size"]]))
        .collect();
    listed.sort_by_key(ToString::to_string);
    assert_eq!(json!(listed), json!([["tell", "out", "table", 8], ["use", "data", "file", 8]]));
    assert_eq!(host.json(&["artifacts", "list", "--kind", "table"])["items"].as_array().unwrap().len(), 1);

    let digest = run.output("tell", "out");
    let shown = host.json(&["artifacts", "show", digest]);
    assert_eq!((&shown["digest"], &shown["size"], &shown["run"]), (&json!(digest), &json!(8), &json!(run.id())));
    let file = host.data().join("got.csv");
    let got = host.json(&["artifacts", "get", digest, "-o", file.to_str().unwrap()]);
    assert_eq!(got["bytes"], 8);
    assert_eq!(std::fs::read(file).unwrap(), b"a,b\n1,2\n");
    assert_eq!(host.bytes(digest), b"a,b\n1,2\n");
    let (code, said) = host.fails(&["artifacts", "show", &format!("sha256:{}", "0".repeat(64))]);
    assert!(code == 3 && said.starts_with("error: "), "{code}: {said}");
}

#[test]
fn what_steps_wrote_and_logged_is_found_by_run_and_step() {
    let host = Host::start();
    host.deploy_job("job");
    let run = host
        .submit("pipeline: talks\nsteps:\n  print: { function: job, params: { do: print, n: 2 } }\n  log: { function: job, params: { do: log, n: 2 } }\n")
        .done();
    let logs = |args: &[&str]| -> Vec<Value> {
        let lines = host.json_lines(&[&["runs", "logs", run.id()], args].concat());
        lines.iter().map(|it| json!([it["step"], it["stream"], it["message"]])).collect()
    };
    let lines = logs(&["--step", "print"]);
    assert_eq!(
        json!(lines),
        json!([
            ["print", "stdout", "out 0"],
            ["print", "stderr", "err 0"],
            ["print", "stdout", "out 1"],
            ["print", "stderr", "err 1"]
        ])
    );
    assert_eq!(json!(logs(&["--step", "log"])), json!([["log", "log", "line 0"], ["log", "log", "line 1"]]));
    assert_eq!(logs(&[]).len(), 6);
    let other = host.submit("pipeline: quiet\nsteps:\n  it: { function: job, params: { do: nothing } }\n").done();
    assert_eq!(host.json_lines(&["runs", "logs", other.id()]), [] as [Value; 0]);
}

#[test]
fn runs_are_listed_newest_first_by_state_name_and_label_a_page_at_a_time() {
    let host = Host::start();
    host.deploy_job("job");
    let yaml = |name: &str, action: &str| {
        format!("pipeline: {name}\nsteps:\n  it: {{ function: job, params: {{ do: {action} }} }}\n")
    };
    let ids: Vec<String> =
        [("one", "nothing", "a"), ("two", "fatal", "b"), ("one", "nothing", "b"), ("two", "nothing", "a")]
            .into_iter()
            .map(|(name, action, team)| {
                host.submit_with(&yaml(name, action), &["-l", &format!("team={team}")]).id().to_owned()
            })
            .collect();
    let list = |args: &[&str]| -> Vec<String> {
        let page = host.json(&[&["runs", "list"], args].concat());
        page["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    };
    let newest: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(list(&[]), newest);
    assert_eq!(list(&["--state", "failed"]), [ids[1].clone()]);
    assert_eq!(list(&["--name", "one"]), [ids[2].clone(), ids[0].clone()]);
    let labelled = host.get_json("/api/v1/projects/default/runs?labels=team=b");
    assert_eq!(labelled["items"].as_array().unwrap().len(), 2);
    let first = host.json(&["runs", "list", "--limit", "3"]);
    let rest = list(&["--limit", "3", "--after", first["next"].as_str().unwrap()]);
    assert_eq!((first["items"].as_array().unwrap().len(), rest), (3, vec![ids[0].clone()]));
}

#[test]
fn a_run_of_one_job_is_a_run_like_any_other() {
    let host = Host::start();
    host.deploy("single", "conformance-job.wasm", JOB);
    let run = host.json(&["run", "single", "-p", "do=write", "-p", "text=x", "--seed", "3"]);
    assert_eq!(
        (&run["run"]["kind"], &run["run"]["name"], &run["run"]["seed"]),
        (&json!("job"), &json!("single"), &json!(3))
    );
    assert_eq!(run["steps"].as_array().unwrap().len(), 1);
    let (code, said) = host.fails(&["run", "single", "-p", "do=fatal", "-p", "text=no"]);
    assert!(
        code == 1 && said.contains("failed: step `single`: no") && said.contains("fn runs logs "),
        "{code}: {said}"
    );
    let (code, said) = host.fails(&["run", "nothing"]);
    assert!(code == 2 && said.contains("there is no function `nothing`"), "{code}: {said}");
}
