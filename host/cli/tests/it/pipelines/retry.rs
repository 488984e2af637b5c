//! Attempts: which failures are tried again, how often, and what is too late.

use serde_json::json;

use crate::{runs::Ran, support::Host};

fn one(host: &Host, step: &str) -> Ran {
    host.submit(&format!("pipeline: one\nsteps:\n  it: {{ function: job, {step} }}\n"))
}

#[test]
fn a_passing_failure_is_tried_again_until_it_passes() {
    let host = Host::start();
    host.deploy_job("job");
    let run = one(&host, "params: { do: flaky, n: 3 }, retry: { attempts: 5, backoff: 10ms }").done();
    let step = run.step("it");
    assert_eq!((&step["attempt"], run.report("it")), (&json!(3), &json!(3)));
    assert_eq!((&step["failure"], &step["not_before"]), (&json!(null), &json!(null)));
}

#[test]
fn attempts_have_a_limit_and_without_a_rule_there_is_one() {
    let host = Host::start();
    host.deploy_job("job");
    for (rule, attempts) in [("retry: { attempts: 2, backoff: 10ms }, ", 2), ("", 1)] {
        let run = one(&host, &format!("{rule} params: {{ do: flaky, n: 9 }}"));
        assert_eq!((run.state(), &run.step("it")["attempt"]), ("failed", &json!(attempts)));
        assert_eq!(run.step("it")["failure"]["message"], format!("attempt {attempts} fails"));
    }
}

#[test]
fn only_the_failures_that_the_rule_names_are_tried_again() {
    let host = Host::start();
    host.deploy_job("job");
    for (failure, on, attempts) in [
        ("transient", "[transient]", 3),
        ("invalid", "[transient]", 1),
        ("fatal", "[transient]", 1),
        ("trap", "[transient]", 3),
        ("fatal", "[fatal, invalid]", 3),
        ("invalid", "[fatal, invalid]", 3),
        ("transient", "[fatal, invalid]", 1),
    ] {
        let run = one(
            &host,
            &format!("params: {{ do: {failure}, text: asked for }}, retry: {{ attempts: 3, backoff: 1ms, on: {on} }}"),
        );
        assert_eq!(run.step("it")["attempt"], attempts, "{failure} on {on}: {}", run.step("it")["failure"]);
        assert_eq!(run.state(), "failed");
    }
}

#[test]
fn an_attempt_that_takes_too_long_ends_and_is_tried_again() {
    let host = Host::start();
    host.deploy_job("job");
    let run = one(&host, "params: { do: spin }, timeout: 200ms, retry: { attempts: 2, backoff: 10ms }");
    let step = run.step("it");
    assert_eq!((run.state(), &step["attempt"]), ("failed", &json!(2)));
    assert_eq!((&step["failure"]["kind"], &step["failure"]["code"]), (&json!("transient"), &json!("deadline")));
}

#[test]
fn the_functions_own_timeout_holds_where_the_step_has_none() {
    let host = Host::start();
    host.deploy("job", "conformance-job.wasm", &format!("[limits]\ntimeout = \"200ms\"\n{}", crate::runs::JOB));
    let run = one(&host, "params: { do: spin }");
    assert_eq!(run.step("it")["failure"]["code"], "deadline");
}

#[test]
fn an_output_that_a_step_asks_for_must_be_left() {
    let host = Host::start();
    host.deploy_job("job");
    let run = one(&host, "params: { do: nothing }, outputs: [out]");
    assert_eq!((run.state(), &run.step("it")["failure"]["code"]), ("failed", &json!("missing-output")));
    one(&host, "params: { do: write, text: x }, outputs: [out]").done();
}
