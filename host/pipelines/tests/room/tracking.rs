//! What a job tells of itself is on record while it runs, and is not lost when the store is away.

use std::sync::atomic::Ordering;

use futures_util::FutureExt as _;
use host_core::{ports::Journal as _, run::Run};
use host_pipelines::Config;
use serde_json::json;

use crate::{
    fakes::Gate,
    place::{Place, asked, quick},
};

const MAKE: &str = "  a: { function: make }\n";

/// A job that tracks something of every kind, then waits at the gate.
fn tracks(place: &Place, gate: &Gate) {
    let gate = gate.clone();
    place.guests.on_async("make", move |job| {
        let gate = gate.clone();
        async move {
            let track = job.track();
            track.metric("loss", 0.5, Some(1));
            track.metric("loss", 0.25, Some(2));
            track.result("rows", json!(150));
            track.param("rate", json!(0.1));
            track.progress(0.5, "half way");
            job.wait(&gate).await.map(|()| None)
        }
        .boxed()
    });
}

/// The values of `loss`, in their order.
async fn losses(place: &Place, run: &Run) -> Vec<f64> {
    place.store.metrics(run.spec.id).await.unwrap().iter().map(|it| it.value).collect()
}

async fn while_it_runs(place: &Place) {
    let gate = Gate::shut();
    tracks(place, &gate);
    let run = place.submit(asked(MAKE)).await;
    place.until("it is written", async || (losses(place, &run).await.len() == 2).then_some(())).await;
    let step = place.step(&run, "a").await;
    assert_eq!((&step.results["rows"], &step.results["loss"]), (&json!(150), &json!(0.25)));
    assert_eq!(step.params["rate"], 0.1);
    assert_eq!(step.progress.unwrap().message, "half way");
    gate.open();
    place.end(run.spec.id).await;
    assert_eq!(losses(place, &run).await, [0.5, 0.25], "each of them once");
    let step = place.step(&run, "a").await;
    assert_eq!((&step.results["rows"], &step.results["loss"]), (&json!(150), &json!(0.25)));
}

#[tokio::test]
async fn metrics_results_and_progress_are_written_while_the_step_runs() {
    while_it_runs(&Place::new().await).await;
}

#[tokio::test]
async fn what_could_not_be_written_is_written_with_the_next() {
    let place = Place::new().await;
    place.journal.failing_tracks.store(3, Ordering::SeqCst);
    while_it_runs(&place).await;
    assert_eq!(place.journal.failing_tracks.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_last_values_are_written_although_the_store_was_away_when_the_job_ended() {
    let place = Place::with(Config { track_ms: 1_000_000, ..quick() }).await;
    let gate = Gate::shut();
    tracks(&place, &gate);
    gate.open();
    let run = place.done(MAKE).await;
    assert_eq!(losses(&place, &run).await, [0.5, 0.25]);
    let place = Place::new().await;
    tracks(&place, &gate);
    gate.open();
    place.journal.failing_tracks.store(4, Ordering::SeqCst);
    let run = place.done(MAKE).await;
    assert_eq!(losses(&place, &run).await, [0.5, 0.25]);
}

#[tokio::test]
async fn what_a_failed_step_tracked_stays_on_record() {
    let place = Place::new().await;
    place.guests.on("make", |job| {
        job.track().metric("loss", 0.5, None);
        job.track().result("rows", json!(3));
        Err(host_core::event::Failure::fatal("oops", "oops"))
    });
    let run = place.run(MAKE).await;
    assert_eq!(losses(&place, &run).await, [0.5]);
    assert_eq!(place.step(&run, "a").await.results["rows"], 3);
}

#[tokio::test]
async fn points_that_do_not_fit_between_two_writes_are_dropped_but_the_last_value_stands() {
    let place = Place::with(Config { track_points: 5, ..quick() }).await;
    place.guests.on("make", |job| {
        (1..=8).for_each(|it| job.track().metric("loss", f64::from(it), None));
        job.write("data", "data");
        Ok(())
    });
    let run = place.done(MAKE).await;
    assert_eq!(losses(&place, &run).await, [1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(place.step(&run, "a").await.results["loss"], 8.0);
}

#[tokio::test]
async fn a_metric_that_is_no_number_is_kept_as_a_word() {
    let place = Place::new().await;
    place.guests.on("make", |job| {
        job.track().metric("loss", f64::NAN, None);
        job.write("data", "data");
        Ok(())
    });
    let run = place.done(MAKE).await;
    assert!(losses(&place, &run).await[0].is_nan());
    assert_eq!(place.step(&run, "a").await.results["loss"], "NaN");
}
