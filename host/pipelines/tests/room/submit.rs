//! The front door: everything that is wrong at once, a run once, and a retry of no more than is needed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use host_core::{
    event::Failure,
    ports::{Deployments as _, Journal as _, JournalError, RunFilter},
    run::RunState,
};
use host_pipelines::{Submission, SubmitError, Work};
use serde_json::json;

use crate::place::{Place, asked, map, name, pipeline, project, states};

const CHAIN: &str = "  a: { function: make }\n  b: { function: copy, inputs: { data: a.data } }\n  \
                     c: { function: last, inputs: { data: b.data } }\n";
const COPY: &str = "name = 'copy'\n[inputs]\ndata = {}\n[outputs]\ndata = {}";

/// A place whose function `last` fails until it is told otherwise.
async fn failing() -> (Place, Arc<AtomicBool>) {
    let place = Place::new().await;
    place.deploy("name = 'last'\n[inputs]\ndata = {}", "1").await;
    let is_well = Arc::new(AtomicBool::new(false));
    let well = is_well.clone();
    place.guests.on(
        "last",
        move |_| {
            if well.load(Ordering::SeqCst) { Ok(()) } else { Err(Failure::fatal("oops", "oops")) }
        },
    );
    (place, is_well)
}

impl Place {
    async fn retried(&self, run: &host_core::run::Run) -> host_core::run::Run {
        self.runs.retry(run.spec.id, "bob").await.unwrap();
        self.end(run.spec.id).await
    }

    fn counts(&self) -> [usize; 3] {
        ["make", "copy", "last"].map(|it| self.guests.count(it))
    }
}

#[tokio::test]
async fn a_run_that_is_submitted_twice_is_one_run() {
    let place = Place::new().await;
    let submission = asked("  a: { function: make }\n");
    let first = place.submit(submission.clone()).await;
    place.end(first.spec.id).await;
    let second = place.submit(submission).await;
    assert_eq!((second.spec, second.state), (first.spec, RunState::Done));
    assert_eq!(place.guests.count("make"), 1);
    let page = place.store.runs(&project(), &RunFilter::default(), &Default::default()).await.unwrap();
    assert_eq!(page.items.len(), 1);
}

#[tokio::test]
async fn a_wrong_pipeline_is_refused_with_everything_that_is_wrong() {
    let place = Place::new().await;
    let steps = "  a: { function: mak }\n  b: { function: copy, inputs: { dota: a.data } }\n  \
                 c: { function: make, params: { n: many }, needs: [x] }\n";
    let SubmitError::Invalid(problems) = place.runs.submit(asked(steps)).await.unwrap_err() else { panic!("taken") };
    let all: String = problems.iter().map(|it| format!("{it}\n")).collect();
    for says in ["`mak`", "`data` is missing", "`dota`", "\"many\"", "`x`"] {
        assert!(all.contains(says), "{says} in:\n{all}");
    }
    assert_eq!(problems.len(), 5, "{all}");
    assert_eq!(place.runs.check(&project(), &pipeline(steps)).await.unwrap(), problems);
    let page = place.store.runs(&project(), &RunFilter::default(), &Default::default()).await.unwrap();
    assert_eq!(page.items.len(), 0, "nothing of it is on record");
}

#[tokio::test]
async fn params_of_the_wrong_type_are_refused_all_at_once() {
    let place = Place::new().await;
    let yaml =
        "pipeline: p\nparams: { n: 1, rate: 0.5 }\nsteps:\n  a: { function: make, params: { n: \"${params.n}\" } }\n";
    let params = map(json!({"n": "many", "rate": true, "sped": 1}));
    let wrong = Submission { work: Work::Pipeline(yaml.to_owned()), params, ..asked("") };
    let error = place.runs.submit(wrong).await.unwrap_err();
    assert_eq!(error.to_string(), "there are 3 mistakes in the pipeline or its params");
}

#[tokio::test]
async fn a_wrong_job_is_refused_too() {
    let place = Place::new().await;
    let job = |function: &str, params| Submission {
        work: Work::Job(function.parse().unwrap(), Default::default()),
        params: map(params),
        ..asked("")
    };
    for (function, params) in
        [("mak", json!({})), ("make@7", json!({})), ("make", json!({"n": "many"})), ("copy", json!({}))]
    {
        let error = place.runs.submit(job(function, params)).await.unwrap_err();
        assert!(matches!(error, SubmitError::Invalid(_)), "{function}: {error}");
    }
}

#[tokio::test]
async fn a_retry_does_again_only_what_failed() {
    let (place, is_well) = failing().await;
    let run = place.run(CHAIN).await;
    assert_eq!(states(&place.steps(&run).await), ["a done", "b done", "c failed"]);
    is_well.store(true, Ordering::SeqCst);
    let run = place.retried(&run).await;
    assert_eq!((run.state, place.counts()), (RunState::Done, [1, 1, 2]));
    assert_eq!(place.step(&run, "c").await.attempt, 2, "attempts go on counting");
    let refused = place.runs.retry(run.spec.id, "bob").await.unwrap_err();
    assert!(matches!(refused, SubmitError::Journal(JournalError::State { state: "done", .. })), "{refused}");
}

#[tokio::test]
async fn a_retry_does_again_what_has_a_new_component_and_what_follows_it() {
    let (place, is_well) = failing().await;
    let run = place.run(CHAIN).await;
    let newer = place.deploy(COPY, "2").await;
    is_well.store(true, Ordering::SeqCst);
    let run = place.retried(&run).await;
    assert_eq!((run.state, place.counts()), (RunState::Done, [1, 2, 2]));
    assert_eq!(place.step(&run, "b").await.function.unwrap().component, newer.component);
    assert_eq!(place.guests.jobs("copy")[1].function.revision, Some(2));
}

#[tokio::test]
async fn a_retry_has_all_the_attempts_of_its_rule_again() {
    let (place, _) = failing().await;
    let retried = CHAIN.replace(
        "inputs: { data: b.data }",
        "inputs: { data: b.data }, retry: { attempts: 2, on: [fatal], backoff: 1s }",
    );
    let run = place.submit(asked(&retried)).await;
    for last in [1, 3] {
        place.until_called("last", last).await;
        place.until_idle().await;
        place.pass(1_000);
        assert_eq!(place.end(run.spec.id).await.state, RunState::Failed);
        assert_eq!(place.guests.count("last"), last + 1);
        place.runs.retry(run.spec.id, "bob").await.unwrap();
    }
}

#[tokio::test]
async fn a_function_that_was_deleted_is_no_newer_one() {
    let (place, is_well) = failing().await;
    let run = place.run(CHAIN).await;
    for gone in ["copy", "last"] {
        place.store.delete(&project(), &name(gone), "ann").await.unwrap();
    }
    is_well.store(true, Ordering::SeqCst);
    let run = place.retried(&run).await;
    assert_eq!((run.state, place.counts()), (RunState::Done, [1, 1, 2]), "{:?}", run.failure);
}

#[tokio::test]
async fn a_run_goes_on_with_the_revision_it_began_with() {
    let place = Place::new().await;
    let gate = crate::fakes::Gate::shut();
    place.guests.waits("make", &gate);
    let run = place.submit(asked("  a: { function: make }\n  b: { function: copy, inputs: { data: a.data } }\n")).await;
    place.until_called("make", 1).await;
    place.deploy(COPY, "2").await;
    gate.open();
    let run = place.end(run.spec.id).await;
    assert_eq!(run.state, RunState::Done);
    assert_eq!(place.guests.jobs("copy")[0].function.revision, Some(1));
}
