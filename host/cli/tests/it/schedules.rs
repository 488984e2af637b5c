//! What starts by itself: by the clock, and by what happens on the platform.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{
    runs::JOB,
    support::{Host, until},
};

/// A job that the clock starts every second.
pub(crate) fn every_second(what: &str, more: &str) -> String {
    format!("{JOB}\n[[triggers]]\nkind = \"schedule\"\ncron = \"* * * * * *\"\n{more}\ndata = {{ do = \"{what}\" }}\n")
}

/// A handler that listens to the ends of runs. It knows none of their types, so that each is a dead letter.
fn listens(subjects: &str) -> String {
    let trigger = format!("[[triggers]]\nkind = \"event\"\ntypes = [\"run.*\"]\nsubjects = [{subjects}]\n");
    format!("{trigger}[grants]\nmodel = [\"wine\"]\n")
}

/// The runs of a name, newest first.
pub(crate) fn runs(host: &Host, name: &str) -> Vec<Value> {
    let page = host.get_json(&format!("/api/v1/projects/default/runs?name={name}&limit=500"));
    page["items"].as_array().unwrap().clone()
}

fn over(host: &Host, name: &str, at_least: usize) -> Vec<Value> {
    until("enough runs to be over", || {
        let runs = runs(host, name);
        (runs.iter().filter(|it| it["state"] != "running").count() >= at_least).then_some(runs)
    })
}

#[test]
fn the_clock_starts_a_job_with_its_data() {
    let host = Host::start();
    host.deploy("tick", "conformance-job.wasm", &every_second("nothing", "missed = \"all\""));
    let runs = over(&host, "tick", 2);
    let run = runs.last().unwrap();
    assert_eq!((run["kind"].as_str(), run["state"].as_str()), (Some("event"), Some("done")), "{run}");
    assert_eq!(run["labels"]["trigger"], "schedule/schedule");
    let listed = host.json(&["triggers", "list"]);
    let trigger = &listed["items"][0];
    assert_eq!((trigger["kind"].as_str(), trigger["state"].as_str()), (Some("schedule"), Some("running")), "{listed}");
    assert!(trigger["next_at"].is_string(), "{trigger}");
}

#[test]
fn a_schedule_that_is_not_understood_is_refused_with_an_example() {
    let host = Host::start();
    let manifest = format!("{JOB}\n[[triggers]]\nkind = \"schedule\"\ncron = \"61 * * * *\"\n");
    let folder = host.function("tick", "conformance-job.wasm", &manifest);
    let (_, said) = host.fails(&["deploy", folder.to_str().unwrap()]);
    assert!(said.contains("`61 * * * *` is not understood") && said.contains("0 2 * * *"), "{said}");
}

#[test]
fn a_killed_host_goes_on_with_what_is_on_time_and_leaves_out_what_it_missed() {
    let mut host = Host::start();
    let policy = "missed = \"last\"\noverlap = \"Allow\"";
    host.deploy("tick", "conformance-job.wasm", &every_second("nothing", policy));
    let before = over(&host, "tick", 2).len();
    host.kill();
    let killed = Instant::now();
    until("more time to pass than counts as on time", || (killed.elapsed() > Duration::from_secs(9)).then_some(()));
    host.restart();
    let missed = killed.elapsed().as_secs();
    let runs = over(&host, "tick", before + 2);
    let mut identities: Vec<&str> = runs.iter().map(|it| it["id"].as_str().unwrap()).collect();
    identities.sort_unstable();
    identities.dedup();
    assert_eq!(identities.len(), runs.len());
    let since = runs.len() - before;
    assert!((since as u64) < missed + 3, "{since} runs in {missed} seconds and a few more");
}

#[test]
fn the_end_of_a_run_wakes_a_function_and_what_it_cannot_take_is_a_dead_letter() {
    let host = Host::start();
    host.deploy_job("job");
    host.deploy("listen", "conformance_handler.wasm", &format!("record = \"all\"\n{}", listens("\"watched\"")));
    host.submit("pipeline: other\nsteps:\n  it: { function: job, params: { do: nothing } }\n").done();
    host.submit("pipeline: watched\nsteps:\n  it: { function: job, params: { do: nothing } }\n").done();
    let woken = over(&host, "listen", 1);
    assert_eq!(woken.len(), 1, "only what it asked for: {woken:?}");
    assert_eq!(
        (woken[0]["kind"].as_str(), woken[0]["labels"]["trigger"].as_str()),
        (Some("event"), Some("event/event"))
    );
    let calls = host.calls("function=listen", 1);
    assert_eq!((calls[0]["trigger"].as_str(), calls.len()), (Some("event"), 1), "{calls:?}");
    let letters = host.json(&["dead-letters", "list"]);
    assert_eq!(letters["items"][0]["failure"]["code"], "unknown-behaviour", "{letters}");
}

#[test]
fn a_circle_of_events_comes_to_an_end() {
    let host = Host::start();
    host.deploy_job("job");
    host.deploy("ring", "conformance_handler.wasm", &listens("\"begin\", \"ring\""));
    host.submit("pipeline: begin\nsteps:\n  it: { function: job, params: { do: nothing } }\n").done();
    until("the chain to be stopped", || {
        let audit = host.get_json("/api/v1/projects/default/audit?limit=500");
        audit["items"].as_array().unwrap().iter().any(|it| it["action"] == "chain.stopped").then_some(())
    });
    assert_eq!(runs(&host, "ring").len(), 8);
}

#[test]
fn a_pipeline_that_is_kept_is_started_by_its_triggers_and_by_its_name() {
    let host = Host::start();
    host.deploy_job("job");
    let file = host.file(
        "kept.yaml",
        "pipeline: kept
params: { text: by hand }
triggers:
  - schedule: { cron: '* * * * * *' }
    params: { text: by the clock }
  - event: { types: [run.finished], subjects: [watched] }
    params: { text: by an event }
steps:
  it: { function: job, params: { do: write, text: '${params.text}' } }
",
    );
    let kept = host.json(&["pipeline", "deploy", &file]);
    assert_eq!((kept["number"].as_u64(), kept["triggers"].as_array().unwrap().len()), (Some(1), 2), "{kept}");
    assert_eq!(host.json(&["pipeline", "deploy", &file])["number"], 1, "the same text changes nothing");
    host.submit("pipeline: watched\nsteps:\n  it: { function: job, params: { do: nothing } }\n").done();
    host.json_lines(&["pipeline", "submit", "kept"]);
    for (label, text) in [("schedule/schedule", "by the clock"), ("event/event", "by an event"), ("", "by hand")] {
        let run = until("a run of each kind", || {
            let of = |it: &&Value| it["state"] == "done" && it["labels"]["trigger"].as_str().unwrap_or("") == label;
            runs(&host, "kept").iter().find(of).cloned()
        });
        assert_eq!((run["kind"].as_str(), &run["params"]["text"]), (Some("pipeline"), &text.into()), "{run}");
    }
    assert_eq!(host.json(&["pipeline", "list"])["items"][0]["name"], "kept");
    assert!(host.json(&["pipeline", "show", "kept"])["pipeline"].as_str().unwrap().starts_with("pipeline: kept"));
    host.json(&["pipeline", "delete", "kept"]);
    let (_, said) = host.fails(&["pipeline", "submit", "kept"]);
    assert!(said.contains("`kept` does not exist"), "{said}");
    until("its triggers to be gone", || {
        let listed = host.json(&["triggers", "list"]);
        listed["items"].as_array().unwrap().is_empty().then_some(())
    });
}

#[test]
fn mistakes_in_a_pipeline_keep_it_from_being_kept() {
    let host = Host::start();
    let file = host.file(
        "wrong.yaml",
        "pipeline: wrong\ntriggers:\n  - schedule: { cron: often }\nsteps:\n  it: { function: nobody }\n",
    );
    let (_, said) = host.fails(&["pipeline", "deploy", &file]);
    assert!(said.contains("`often` is not understood") && said.contains("`nobody`"), "{said}");
    assert_eq!(host.json(&["pipeline", "list"])["items"], serde_json::json!([]));
}
