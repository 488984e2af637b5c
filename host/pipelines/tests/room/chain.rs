//! What one step leaves is what the next one is given.

use host_core::{artifact::Kind, pipeline::Input, run::RunKind};
use host_pipelines::Work;
use indexmap::IndexMap;
use serde_json::json;

use crate::place::{Place, asked, map, states};

#[tokio::test]
async fn a_chain_passes_outputs_as_inputs_by_their_digest() {
    let place = Place::new().await;
    place.guests.on("make", |job| {
        job.write("data", format!("rows {}", job.call.params["n"]));
        Ok(())
    });
    let steps = "  a: { function: make, params: { n: 7 } }\n  b: { function: copy, inputs: { data: a.data } }\n  \
                 c: { function: copy, inputs: { data: b.data } }\n";
    let run = place.done(steps).await;
    assert_eq!(states(&place.steps(&run).await), ["a done", "b done", "c done"]);
    assert_eq!(place.output(&run, "c", "data").await, "rows 7");
    let (a, b) = (place.step(&run, "a").await, place.step(&run, "b").await);
    assert_eq!(a.outputs[0].kind, Kind::Dataset, "as the manifest says");
    assert_eq!((b.inputs[0].digest, b.inputs[0].from.as_str()), (a.outputs[0].digest, "a.data"));
    let given = &place.guests.jobs("copy")[0].call.inputs[0];
    assert_eq!((given.digest, given.kind), (a.outputs[0].digest, Kind::Dataset));
}

#[tokio::test]
async fn results_fill_the_placeholders_of_what_follows() {
    let place = Place::new().await;
    place.guests.on("make", |job| {
        job.track().result("rows", json!(job.call.params["n"].as_i64().unwrap() + 1));
        job.write("data", "data");
        Ok(())
    });
    let steps = "  a: { function: make }\n  b: { function: make, params: { n: \"${steps.a.results.rows}\" } }\n";
    let run = place.done(steps).await;
    assert_eq!(place.step(&run, "b").await.results["rows"], 3);
}

#[tokio::test]
async fn a_job_alone_is_a_run_of_one_step() {
    let place = Place::new().await;
    let blob = host_core::ports::Artifacts::put(&*place.artifacts, "wine".into()).await.unwrap();
    let inputs = IndexMap::from([("data".to_owned(), Input::Artifact(blob.digest.to_string()))]);
    let mut job = asked("");
    job.work = Work::Job("copy".parse().unwrap(), inputs);
    let run = place.submit(job).await;
    let run = place.end(run.spec.id).await;
    assert_eq!((run.spec.kind, run.spec.name()), (RunKind::Job, "copy"));
    assert_eq!(place.output(&run, "copy", "data").await, "wine");
}

#[tokio::test]
async fn every_trial_of_a_sweep_has_its_params_and_its_own_seed() {
    let place = Place::new().await;
    place.guests.on("make", |job| {
        job.track().metric("accuracy", job.call.params["n"].as_f64().unwrap(), None);
        job.write("data", job.call.params["n"].to_string());
        Ok(())
    });
    let steps = "  a: { function: make, sweep: { grid: { n: [1, 3, 2] }, select: max.accuracy } }\n  \
                 b: { function: copy, inputs: { data: a.data } }\n";
    let run = place.done(steps).await;
    assert_eq!(place.output(&run, "b", "data").await, "3", "of the best trial");
    let mut seeds: Vec<_> = place.guests.jobs("make").iter().map(|it| it.call.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), 3);
    assert_eq!(place.step(&run, "a#1").await.params, map(json!({"n": 3, "words": {}})));
}
