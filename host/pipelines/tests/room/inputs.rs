//! Inputs by URL: fetched once, pinned for good.

use std::sync::atomic::{AtomicU32, Ordering};

use host_core::{Digest, event::Failure, pipeline::StepState, ports::Journal as _, run::RunState};

use crate::{
    fakes::Gate,
    place::{Place, asked},
};

const URL: &str = "https://example.com/wine.csv";
const OTHER: &str = "https://example.com/other.csv";

fn copy(more: &str) -> String {
    format!("  a: {{ function: copy, inputs: {{ data: {{ url: \"{URL}\" }} }}{more} }}\n")
}

#[tokio::test]
async fn a_url_stays_pinned_over_a_retry() {
    let place = Place::new().await;
    let attempts = AtomicU32::new(0);
    place.guests.on("copy", move |job| {
        job.write("data", job.read("data"));
        if attempts.fetch_add(1, Ordering::SeqCst) == 0 { Err(Failure::transient("net", "a cable")) } else { Ok(()) }
    });
    let run = place.submit(asked(&copy(", retry: { attempts: 2, backoff: 1s }"))).await;
    place.until_called("copy", 1).await;
    place.until_idle().await;
    place.pass(1_000);
    let run = place.end(run.spec.id).await;
    assert_eq!(run.state, RunState::Done);
    assert_eq!(place.web.asked(), [URL]);
    assert_eq!(place.output(&run, "a", "data").await, "page 1");
    assert_eq!(place.step(&run, "a").await.inputs[0].from, URL);
}

#[tokio::test]
async fn what_was_fetched_before_another_url_failed_is_not_fetched_again() {
    let place = Place::new().await;
    place.deploy("name = 'join'\n[inputs]\none = {}\ntwo = {}", "1").await;
    place.guests.on("join", |job| {
        job.write("data", job.read("one") + &job.read("two"));
        Ok(())
    });
    place.web.set_down(OTHER, true);
    let steps = format!(
        "  a: {{ function: join, inputs: {{ one: {{ url: \"{URL}\" }}, two: {{ url: \"{OTHER}\" }} }}, retry: {{ attempts: 2, backoff: 1s }} }}\n"
    );
    let run = place.submit(asked(&steps)).await;
    place.until("the second failed", async || (place.web.asked().len() == 2).then_some(())).await;
    place.until_idle().await;
    place.web.set_down(OTHER, false);
    place.pass(1_000);
    let run = place.end(run.spec.id).await;
    assert_eq!(run.failure, None);
    assert_eq!(place.web.asked(), [URL, OTHER, OTHER]);
    assert_eq!(place.output(&run, "a", "data").await, "page 1page 3");
}

#[tokio::test]
async fn the_trials_of_a_sweep_are_given_what_was_fetched_once() {
    let place = Place::new().await;
    place.deploy("name = 'try'\n[params]\nn = 1\n[inputs]\ndata = {}", "1").await;
    place.guests.on("try", |job| {
        job.write("data", job.read("data"));
        Ok(())
    });
    let sweep = format!(
        "  a: {{ function: try, inputs: {{ data: {{ url: \"{URL}\" }} }}, sweep: {{ grid: {{ n: [1, 2, 3, 4, 5, 6] }}, parallel: 4 }} }}\n"
    );
    let run = place.done(&sweep).await;
    assert_eq!(place.web.asked(), [URL]);
    for trial in 0..6 {
        assert_eq!(place.output(&run, &format!("a#{trial}"), "data").await, "page 1");
    }
}

#[tokio::test]
async fn a_url_stays_pinned_when_the_host_that_fetched_it_is_gone() {
    let place = Place::new().await;
    let gate = Gate::shut();
    place.guests.waits("copy", &gate);
    let run = place.submit(asked(&copy(""))).await;
    place.until_called("copy", 1).await;
    place.store.cancel(run.spec.id, "ann").await.unwrap();
    place.until_idle().await;
    place.guests.on("copy", |job| {
        job.write("data", job.read("data"));
        Ok(())
    });
    place.runs.retry(run.spec.id, "ann").await.unwrap();
    let run = place.end(run.spec.id).await;
    assert_eq!((run.state, place.web.asked()), (RunState::Done, vec![URL.to_owned()]));
    assert_eq!(place.output(&run, "a", "data").await, "page 1", "nothing of the first attempt was settled");
}

#[tokio::test]
async fn a_reproduction_fetches_nothing() {
    let place = Place::new().await;
    let run = place.done(&copy("")).await;
    let again = place.runs.reproduce(run.spec.id, "bob").await.unwrap();
    let again = place.end(again.spec.id).await;
    assert_eq!(place.output(&again, "a", "data").await, "page 1");
    assert_eq!(place.web.asked(), [URL]);
    place.done(&copy("")).await;
    assert_eq!(place.web.asked().len(), 2, "a run of its own asks for itself");
}

#[tokio::test]
async fn a_url_that_cannot_be_had_fails_the_step_and_says_so() {
    let place = Place::new().await;
    place.web.set_down(URL, true);
    let run = place.run(&copy("")).await;
    let failure = run.failure.unwrap();
    assert_eq!(failure.code, "fetch");
    assert_eq!(failure.message, format!("step `a`: input `data`: `{URL}` could not be reached: it is down"));
}

#[tokio::test]
async fn a_timeout_and_a_cancellation_reach_a_step_that_is_still_fetching() {
    let place = Place::new().await;
    place.web.wait_at(&Gate::shut());
    let run = place.run(&copy(", timeout: 5ms")).await;
    assert_eq!(run.failure.unwrap().code, "deadline");
    let run = place.submit(asked(&copy(""))).await;
    place.until("it fetches", async || (place.web.asked().len() == 2).then_some(())).await;
    place.runs.cancel(run.spec.id, "ann").await.unwrap();
    place.until_idle().await;
    assert_eq!(place.step(&run, "a").await.state, StepState::Cancelled);
    assert_eq!(place.guests.count("copy"), 0);
}

#[tokio::test]
async fn an_input_whose_bytes_are_gone_is_named() {
    let place = Place::new().await;
    let nothing = Digest::of(b"nothing");
    let run =
        place.run(&format!("  a: {{ function: copy, inputs: {{ data: {{ artifact: \"{nothing}\" }} }} }}\n")).await;
    let failure = run.failure.unwrap();
    assert_eq!(failure.code, "missing-artifact");
    assert_eq!(failure.message, format!("step `a`: `data`: artifact {nothing} is not in the store"));
}
