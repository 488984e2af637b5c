//! Runs that happened outside of any host: taken in whole, once, and shown like every other.

use std::collections::BTreeMap;

use host_core::{
    Digest, RunId,
    artifact::{Artifact, Kind},
    event::Failure,
    page::PageRequest,
    pipeline::{Pipeline, StepState, TRACKED_STEP, Tracked},
    ports::{Journal as _, JournalError, RunFilter},
    run::{MetricPoint, NewRun, RunKind, RunState, StepInput, StepKey, StepOutput, TrackedRun},
};
use host_store::ArtifactFilter;
use jiff::Timestamp;
use serde_json::json;

use crate::home::{Home, Worker, map, new_run, project};

crate::facts! {
    a_run_from_outside_is_shown_like_every_other,
    importing_the_same_run_again_changes_nothing,
    a_failed_run_keeps_its_failure_and_what_it_made,
    it_has_its_place_by_when_it_began_and_nobody_claims_it,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn tracked() -> TrackedRun {
    let id = RunId::next();
    let program = Tracked {
        runtime: "CPython 3.12.4".into(),
        code: Some(Digest::of(b"train.py")),
        packages: BTreeMap::from([("pandas".into(), "3.0.0".into())]),
    };
    let spec = NewRun {
        id,
        kind: RunKind::Tracked,
        pipeline: Pipeline::of_tracked("train".parse().unwrap(), program),
        params: map(json!({ "rate": 0.1 })),
        labels: BTreeMap::from([("team".into(), "a".into())]),
        ..new_run("  a: { function: f }\n")
    };
    let key = StepKey { run: id, step: TRACKED_STEP.into(), trial: None };
    let metric = |value: f64, at_step| MetricPoint {
        key: key.clone(),
        name: "loss".into(),
        value,
        at_step: Some(at_step),
        at: at("2025-06-01T10:00:01Z"),
    };
    TrackedRun {
        spec,
        state: RunState::Done,
        failure: None,
        inputs: vec![StepInput {
            name: "train.csv".into(),
            digest: Digest::of(b"1,2"),
            kind: Kind::Dataset,
            media_type: Some("text/csv".into()),
            from: "data/train.csv".into(),
        }],
        outputs: vec![StepOutput {
            name: "model.onnx".into(),
            digest: Digest::of(b"model"),
            size: 5,
            kind: Kind::Model,
            media_type: None,
            metadata: json!({}),
        }],
        results: map(json!({ "loss": 0.25 })),
        metrics: vec![metric(0.5, 0), metric(f64::NAN, 1)],
        started_at: at("2025-06-01T10:00:00Z"),
        finished_at: at("2025-06-01T10:00:02Z"),
    }
}

async fn a_run_from_outside_is_shown_like_every_other(home: Home) {
    let store = home.store().await;
    let told = tracked();
    let (run, is_new) = store.import_run(&told).await.unwrap();
    assert!(is_new && run == store.run(told.spec.id).await.unwrap(), "{run:?}");
    assert_eq!((run.spec.clone(), run.state, run.created_at), (told.spec.clone(), RunState::Done, told.started_at));

    let steps = store.steps(run.spec.id).await.unwrap();
    assert_eq!((steps.len(), steps[0].state, steps[0].attempt), (1, StepState::Done, 1));
    assert_eq!((&steps[0].params, &steps[0].results), (&told.spec.params, &told.results));
    assert_eq!((&steps[0].inputs, &steps[0].outputs), (&told.inputs, &told.outputs));
    assert_eq!((steps[0].started_at, steps[0].finished_at), (Some(told.started_at), Some(told.finished_at)));

    let metrics = store.metrics(run.spec.id).await.unwrap();
    assert_eq!((metrics.len(), &metrics[0]), (2, &told.metrics[0]));
    assert!(metrics[1].value.is_nan() && metrics[1].at_step == Some(1));

    let made = ArtifactFilter { run: Some(run.spec.id), ..ArtifactFilter::default() };
    let made: Vec<Artifact> = store.artifacts(&project(), &made, &PageRequest::default()).await.unwrap().items;
    assert_eq!((made.len(), made[0].name.as_str(), made[0].step.as_deref()), (1, "model.onnx", Some(TRACKED_STEP)));

    let label = RunFilter { labels: told.spec.labels.clone(), ..RunFilter::default() };
    assert_eq!(
        store.runs(&project(), &label, &PageRequest::default()).await.unwrap().items,
        std::slice::from_ref(&run)
    );
    let events = store.events(&project(), &PageRequest::default()).await.unwrap().items;
    assert_eq!((events.len(), events[0].r#type.as_str()), (1, "run.imported"));
    let audit = store.audit(&project(), None, &PageRequest::default()).await.unwrap().items;
    assert_eq!((audit[0].who.as_str(), audit[0].action.as_str()), ("ann", "run.imported"));
}

async fn importing_the_same_run_again_changes_nothing(home: Home) {
    let store = home.store().await;
    let told = tracked();
    let (first, _) = store.import_run(&told).await.unwrap();
    let other = TrackedRun { state: RunState::Failed, results: map(json!({ "loss": 9 })), ..told.clone() };
    let (again, is_new) = store.import_run(&other).await.unwrap();
    assert!(!is_new && again == first, "{again:?}");
    assert_eq!(store.metrics(told.spec.id).await.unwrap().len(), 2);
    assert_eq!(store.steps(told.spec.id).await.unwrap()[0].results, told.results);
    assert_eq!(store.audit(&project(), None, &PageRequest::default()).await.unwrap().items.len(), 1);

    let submitted = store.submit(new_run("  a: { function: f }\n")).await.unwrap();
    let mut taken = tracked();
    taken.spec.id = submitted.spec.id;
    assert_eq!(store.import_run(&taken).await.unwrap(), (submitted, false), "the id of another run is left alone");
}

async fn a_failed_run_keeps_its_failure_and_what_it_made(home: Home) {
    let store = home.store().await;
    let failure = Failure { backtrace: Some("line 3".into()), ..Failure::fatal("ValueError", "no\0 good") };
    let told = TrackedRun { state: RunState::Failed, failure: Some(failure), ..tracked() };
    let id = told.spec.id;
    store.import_run(&told).await.unwrap();
    let run = store.run(id).await.unwrap();
    let failure = run.failure.unwrap();
    assert_eq!(
        (run.state, failure.code.as_str(), failure.backtrace.as_deref()),
        (RunState::Failed, "ValueError", Some("line 3"))
    );
    assert_eq!(store.steps(id).await.unwrap()[0].state, StepState::Failed);
    let made = ArtifactFilter { run: Some(id), ..ArtifactFilter::default() };
    assert_eq!(store.artifacts(&project(), &made, &PageRequest::default()).await.unwrap().items.len(), 1);
    let refused = store.cancel(id, "ann").await.unwrap_err();
    assert!(matches!(refused, JournalError::State { state: "failed", .. }), "{refused}");
}

async fn it_has_its_place_by_when_it_began_and_nobody_claims_it(home: Home) {
    let store = home.store().await;
    let here = store.submit(new_run("  a: { function: f }\n")).await.unwrap().spec.id;
    let there = store.import_run(&tracked()).await.unwrap().0.spec.id;
    let all = store.runs(&project(), &RunFilter::default(), &PageRequest::default()).await.unwrap().items;
    assert_eq!(all.iter().map(|it| it.spec.id).collect::<Vec<_>>(), [here, there]);
    assert_eq!(Worker::new(&store).finish().await, ["a"]);
    assert_eq!(store.recover().await.unwrap(), 0);
}
