//! What equal work is, and when it is taken instead of being done again.

use std::sync::atomic::{AtomicBool, Ordering};

use host_core::{Digest, event::Failure, ports::Artifacts as _, run::Run};
use host_pipelines::Submission;

use crate::place::{Place, asked};

const MAKE: &str = "  a: { function: make }\n";

impl Place {
    async fn finish(&self, submission: Submission) -> Run {
        let run = self.submit(submission).await;
        self.end(run.spec.id).await
    }

    /// The key of step `a`.
    async fn key(&self, submission: Submission) -> Digest {
        let run = self.finish(submission).await;
        self.step(&run, "a").await.cache_key.unwrap()
    }
}

#[tokio::test]
async fn equal_work_is_taken_from_the_cache_and_names_its_run() {
    let place = Place::new().await;
    let first = place.done(MAKE).await;
    let (second, third) = (place.done(MAKE).await, place.done(MAKE).await);
    assert_eq!(place.guests.count("make"), 1);
    let made = place.step(&first, "a").await;
    assert_eq!(made.cached_from, None);
    for run in [second, third] {
        let taken = place.step(&run, "a").await;
        assert_eq!(taken.cached_from, Some(first.spec.id), "the run that did the work, not one that took it");
        assert_eq!((taken.outputs, taken.usage), (made.outputs.clone(), None));
    }
}

#[tokio::test]
async fn what_goes_into_a_job_is_in_its_key() {
    let place = Place::new().await;
    let base = place.key(asked(MAKE)).await;
    assert_eq!(place.key(asked(MAKE)).await, base);
    assert_ne!(place.key(asked("  a: { function: make, params: { n: 2 } }\n")).await, base, "params");
    assert_ne!(place.key(Submission { seed: 2, ..asked(MAKE) }).await, base, "the seed");
    place
        .deploy("name = 'make'\n[params]\nn = 1\nwords = {type = 'object', default = {}}\n[outputs]\ndata = {}", "2")
        .await;
    assert_ne!(place.key(asked(MAKE)).await, base, "the component");
    assert_eq!(place.guests.count("make"), 4);
}

#[tokio::test]
async fn an_input_counts_by_its_bytes_and_not_by_where_they_came_from() {
    let place = Place::new().await;
    let copy = async |text: &'static str| {
        let digest = place.artifacts.put(text.into()).await.unwrap().digest;
        place
            .key(asked(&format!("  a: {{ function: copy, inputs: {{ data: {{ artifact: \"{digest}\" }} }} }}\n")))
            .await
    };
    let (red, white) = (copy("red").await, copy("white").await);
    assert_ne!(red, white);
    place.guests.on("make", |job| {
        job.write("data", "red");
        Ok(())
    });
    let run = place.done("  m: { function: make }\n  a: { function: copy, inputs: { data: m.data } }\n").await;
    let step = place.step(&run, "a").await;
    assert_eq!((step.cache_key, step.cached_from.is_some()), (Some(red), true));
    assert_eq!(step.inputs[0].from, "m.data", "where it came from this time");
}

#[tokio::test]
async fn the_order_of_keys_makes_no_difference() {
    let place = Place::new().await;
    let one = asked("  a: { function: make, params: { n: 2, words: { x: 1, y: { p: 1, q: 2 } } } }\n");
    let two = asked("  a: { function: make, params: { words: { y: { q: 2, p: 1 }, x: 1 }, n: 2 } }\n");
    assert_eq!(place.key(one).await, place.key(two).await);
    assert_eq!(place.guests.count("make"), 1);
}

#[tokio::test]
async fn the_attempt_makes_no_difference() {
    let place = Place::new().await;
    let is_first = AtomicBool::new(true);
    place.guests.on("make", move |job| {
        job.write("data", "data");
        if is_first.swap(false, Ordering::SeqCst) { Err(Failure::transient("net", "a cable")) } else { Ok(()) }
    });
    let run = place.submit(asked("  a: { function: make, retry: { attempts: 2, backoff: 1s } }\n")).await;
    place.until_called("make", 1).await;
    place.until_idle().await;
    place.pass(1_000);
    let run = place.end(run.spec.id).await;
    assert_eq!(place.step(&run, "a").await.attempt, 2);
    let again = place.done(MAKE).await;
    assert_eq!(place.step(&again, "a").await.cached_from, Some(run.spec.id));
}

#[tokio::test]
async fn the_time_counts_only_where_a_job_sees_it() {
    let place = Place::new().await;
    place.deploy("name = 'daily'\ntime = 'as-of'", "1").await;
    let at = |steps: &str, day: &str| Submission { as_of: Some(day.parse().unwrap()), ..asked(steps) };
    let (monday, tuesday) = ("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z");
    assert_eq!(place.key(at(MAKE, monday)).await, place.key(at(MAKE, tuesday)).await);
    let daily = "  a: { function: daily }\n";
    assert_ne!(place.key(at(daily, monday)).await, place.key(at(daily, tuesday)).await);
}

#[tokio::test]
async fn a_job_that_sees_the_real_time_is_done_every_time_unless_asked_otherwise() {
    let place = Place::new().await;
    place.deploy("name = 'now'\ntime = 'real'", "1").await;
    let run = place.done("  a: { function: now }\n").await;
    place.done("  a: { function: now }\n").await;
    assert_eq!((place.guests.count("now"), place.step(&run, "a").await.cache_key), (2, None));
    place.done("  a: { function: now, cache: true }\n").await;
    place.done("  a: { function: now, cache: true }\n").await;
    assert_eq!(place.guests.count("now"), 3);
    place.done("  a: { function: make, cache: false }\n").await;
    place.done("  a: { function: make, cache: false }\n").await;
    assert_eq!(place.guests.count("make"), 2);
}

#[tokio::test]
async fn a_job_that_may_ask_a_model_of_no_version_yet_is_done_every_time() {
    let place = Place::new().await;
    place.deploy("name = 'score'\n[grants]\nmodel = ['wine']", "1").await;
    place.done("  a: { function: score }\n").await;
    place.done("  a: { function: score }\n").await;
    assert_eq!(place.guests.count("score"), 2);
}

#[tokio::test]
async fn a_cached_result_whose_bytes_are_gone_is_not_used() {
    let place = Place::new().await;
    let first = place.done(MAKE).await;
    let made = place.step(&first, "a").await;
    place.lose(&made.outputs[0].digest);
    let second = place.done(MAKE).await;
    let again = place.step(&second, "a").await;
    assert_eq!((place.guests.count("make"), again.cached_from), (2, None));
    assert_eq!(place.output(&second, "a", "data").await, "data");
}
