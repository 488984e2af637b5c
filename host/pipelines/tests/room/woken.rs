//! Events that wake functions, and what the clock and the platform start.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use bytes::Bytes;
use host_core::{
    RunId,
    call::{Call, Reply, Target},
    event::{Event, Failure, Output, code},
    function::Entries,
    manifest::Overlap,
    page::PageRequest,
    pipeline::{EVENT_STEP, StepState},
    ports::{
        Clockwork as _, DeadLetters as _, Fired, Firing, Journal as _, MOST_DEPTH, StandingPipelines as _, Start,
        Started, Told, TriggerId, WakeError, Wakening,
    },
    retry::Retry,
    run::{RunKind, RunState},
    size::Millis,
};
use serde_json::{Value, json};

use host_pipelines::Config;

use crate::place::{Place, map, name, project, quick};

const HANDLER: Entries = Entries { http: false, handler: true, job: false };

fn event(data: impl Into<Bytes>) -> Event {
    Event {
        id: "7".into(),
        source: "/test".into(),
        r#type: "order".into(),
        subject: None,
        time: Some("2026-01-01T00:00:00Z".into()),
        content_type: Some("application/json".into()),
        key: None,
        inlet: String::new(),
        extensions: Vec::new(),
        data: data.into(),
    }
}

fn wakening(function: &str, event: Event) -> Wakening {
    Wakening {
        id: RunId::next(),
        project: project(),
        function: name(function).into(),
        trigger: "schedule",
        trigger_name: "nightly".into(),
        event,
        retry: Retry { attempts: 3, backoff: Millis(0), ..Retry::default() },
        depth: 2,
        owner: "ann".into(),
    }
}

fn output(data: impl Into<Bytes>) -> Output {
    Output {
        outlet: String::new(),
        r#type: "done".into(),
        subject: None,
        content_type: Some("application/json".into()),
        key: None,
        extensions: Vec::new(),
        data: data.into(),
    }
}

/// A place with a handler that answers each event in this way, and what it was given.
async fn listening(
    answer: impl Fn(&Event) -> Result<Vec<Output>, Failure> + Send + Sync + 'static,
) -> (Place, Arc<Mutex<Vec<Event>>>) {
    let place = Place::new().await;
    place.deploy_as("name = 'listen'", "1", HANDLER).await;
    let seen = Arc::<Mutex<Vec<Event>>>::default();
    let given = seen.clone();
    place.guests.answers(move |target, call| {
        let (Target::Function(..), Call::Events(events)) = (target, call) else { panic!("events are expected") };
        let outcomes = events.iter().map(&answer).collect();
        given.lock().unwrap().extend(events);
        Ok(Reply::Events(outcomes))
    });
    (place, seen)
}

#[tokio::test]
async fn an_event_is_a_run_that_hands_it_over_and_keeps_what_came_back() {
    let (place, seen) = listening(|_| Ok(vec![output("{\"n\":1}")])).await;
    let asked = wakening("listen", event("{\"a\":1}"));
    let id = place.wake(asked.clone()).await.unwrap();
    let run = place.end(id).await;
    assert_eq!(
        (run.state, run.spec.kind, run.spec.name(), run.spec.depth),
        (RunState::Done, RunKind::Event, "listen", 2)
    );
    assert_eq!(run.spec.labels["trigger"], "schedule/nightly");
    assert_eq!(*seen.lock().unwrap(), [event("{\"a\":1}")]);
    let step = place.step(&run, EVENT_STEP).await;
    let kept = json!({ "type": "done", "datacontenttype": "application/json", "data": { "n": 1 } });
    assert_eq!((&step.results["count"], &step.results["outputs"]), (&json!(1), &json!([kept])));
    assert_eq!(place.wake(asked).await.unwrap(), id);
    assert_eq!(seen.lock().unwrap().len(), 1, "the same one twice changes nothing");
}

#[tokio::test]
async fn much_data_travels_as_an_artifact_both_ways() {
    let (place, seen) = listening(|event| Ok(vec![output(event.data.clone())])).await;
    let data = vec![b'x'; 100_000];
    let id = place.wake(wakening("listen", event(data.clone()))).await.unwrap();
    let run = place.end(id).await;
    assert_eq!(seen.lock().unwrap()[0].data, data);
    let outputs: Value = serde_json::from_str(&place.output(&run, EVENT_STEP, "outputs").await).unwrap();
    assert_eq!(outputs[0]["data"].as_str().unwrap().len(), data.len());
    assert_eq!(place.step(&run, EVENT_STEP).await.inputs[0].name, "data");
}

#[tokio::test]
async fn what_may_work_later_is_tried_again_and_what_is_invalid_becomes_a_dead_letter() {
    let tries = AtomicU32::new(0);
    let (place, _) = listening(move |event| match (&event.data[..], tries.fetch_add(1, Ordering::SeqCst)) {
        (b"later", 0 | 1) => Err(Failure::transient("busy", "not now")),
        (b"later", _) => Ok(Vec::new()),
        _ => Err(Failure::invalid("bad", "never")),
    })
    .await;
    let later = place.end(place.wake(wakening("listen", event("later"))).await.unwrap()).await;
    assert_eq!((later.state, place.step(&later, EVENT_STEP).await.attempt), (RunState::Done, 3));
    let bad = place.end(place.wake(wakening("listen", event("bad"))).await.unwrap()).await;
    assert_eq!((bad.state, bad.failure.unwrap().code.as_str()), (RunState::Failed, "bad"));
    let letters = place.store.letters(&project(), None, None, &PageRequest::default()).await.unwrap().items;
    assert_eq!(letters.len(), 1);
    let letter = place.store.letter(&project(), &letters[0].id).await.unwrap().unwrap();
    assert_eq!((letter.trigger.to_string().as_str(), letter.kind.as_str()), ("listen/nightly", "schedule"));
    assert_eq!((letter.event.data.as_ref(), letter.failure.code.as_str(), letter.attempts), (&b"bad"[..], "bad", 1));
}

#[tokio::test]
async fn an_event_waits_for_room_without_an_attempt_and_gives_its_place_back() {
    let tries = AtomicU32::new(0);
    let (place, _) = listening(|_| Ok(Vec::new())).await;
    place.guests.answers(move |_, call| {
        let Call::Events(events) = call else { panic!("events are expected") };
        if &events[0].data[..] == b"free" {
            return Ok(Reply::Events(vec![Ok(Vec::new())]));
        }
        match tries.fetch_add(1, Ordering::SeqCst) {
            0..12 => Err(Failure::transient(code::OVERLOADED, "no room")),
            12..15 => Err(Failure::transient(code::UNAVAILABLE, "it is being made")),
            _ => Ok(Reply::Events(vec![Ok(Vec::new())])),
        }
    });
    let busy = place.wake(wakening("listen", event("busy"))).await.unwrap();
    place
        .until("it waits", async || {
            let steps = place.store.steps(busy).await.unwrap();
            steps.into_iter().find(|it| it.state == StepState::Ready && it.attempt > 0)
        })
        .await;
    let other = place.end(place.wake(wakening("listen", event("free"))).await.unwrap()).await;
    assert_eq!(other.state, RunState::Done, "nobody holds a place while he waits");
    let run = place
        .until("there is room", async || {
            place.clock.advance(jiff::SignedDuration::from_secs(1));
            place.store.run(busy).await.ok().filter(|it| it.state.is_over())
        })
        .await;
    let step = place.step(&run, EVENT_STEP).await;
    assert_eq!((run.state, step.attempt), (RunState::Done, 16));
    let letters = place.store.letters(&project(), None, None, &PageRequest::default()).await.unwrap().items;
    assert_eq!(letters, []);
}

#[tokio::test]
async fn an_event_that_has_waited_for_too_long_is_given_up() {
    let place = Place::with(Config { event_patience_ms: 0, ..quick() }).await;
    place.deploy_as("name = 'listen'", "1", HANDLER).await;
    place.guests.answers(|_, _| Err(Failure::transient(code::OVERLOADED, "no room")));
    let id = place.wake(wakening("listen", event("x"))).await.unwrap();
    let run = place
        .until("it is given up", async || {
            place.clock.advance(jiff::SignedDuration::from_secs(60));
            place.store.run(id).await.ok().filter(|it| it.state.is_over())
        })
        .await;
    assert_eq!((run.state, run.failure.unwrap().code.as_str()), (RunState::Failed, code::OVERLOADED));
    assert_eq!(place.store.letters(&project(), None, None, &PageRequest::default()).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn neither_the_clock_nor_the_platform_makes_more_wait_than_may() {
    let place = Place::with(Config { pending_events: 2, ..quick() }).await;
    place.deploy_as("name = 'listen'", "1", HANDLER).await;
    place.guests.answers(|_, _| Err(Failure::transient(code::OVERLOADED, "no room")));
    for _ in 0..2 {
        place.wake(Wakening { id: RunId::next(), ..wakening("listen", event("x")) }).await.unwrap();
    }
    let started = || Started::Function(Box::new(Wakening { id: RunId::next(), ..wakening("listen", event("x")) }));
    let at = "2025-12-31T23:59:00Z".parse().unwrap();
    let trigger = TriggerId { project: project(), function: name("listen"), name: "nightly".into() };
    place.runs.since(&trigger, "").await.unwrap();
    let firing = Firing { trigger, at, due_at: at, oldest: at, overlap: Overlap::Allow };
    let error = place.runs.fire(firing, started()).await.unwrap_err();
    assert!(matches!(&error, WakeError::Full(why) if why.contains("wait for `listen`")), "{error}");
    let told = Told {
        id: "1".into(),
        at,
        project: project(),
        r#type: "model.promoted".into(),
        subject: String::new(),
        content: json!({}),
        depth: 1,
    };
    assert!(matches!(place.runs.take(&told, vec![started()]).await, Err(WakeError::Full(_))));
    assert!(matches!(place.wake(wakening("listen", event("y"))).await, Err(WakeError::Full(_))));
}

#[tokio::test]
async fn a_job_is_started_with_what_the_event_says_as_params_and_the_event_as_an_input() {
    let place = Place::new().await;
    place.deploy("name = 'work'\n[params]\nn = 1\n[outputs]\ndata = {}", "1").await;
    place.guests.on("work", |job| {
        job.write("data", job.read("event"));
        Ok(())
    });
    let id = place.wake(wakening("work", event("{\"n\":5,\"other\":true}"))).await.unwrap();
    let run = place.end(id).await;
    assert_eq!((run.state, run.spec.kind), (RunState::Done, RunKind::Event));
    assert_eq!(place.guests.jobs("work")[0].call.params, map(json!({ "n": 5 })));
    assert_eq!(place.guests.jobs("work")[0].context.depth, 2);
    let read: Value = serde_json::from_str(&place.output(&run, "work", "data").await).unwrap();
    assert_eq!(
        (&read["type"], &read["data"]["other"], &read["specversion"]),
        (&json!("order"), &json!(true), &json!("1.0"))
    );
}

#[tokio::test]
async fn nobody_is_woken_by_too_long_a_chain_or_where_there_is_nobody() {
    let (place, _) = listening(|_| Ok(Vec::new())).await;
    let deep = Wakening { depth: MOST_DEPTH + 1, ..wakening("listen", event("")) };
    assert!(matches!(place.wake(deep).await, Err(WakeError::TooDeep(9))));
    assert!(matches!(place.wake(wakening("nobody", event(""))).await, Err(WakeError::NoFunction(_))));
}

#[tokio::test]
async fn the_end_of_a_run_that_an_event_woke_is_one_deeper() {
    let (place, _) = listening(|_| Ok(Vec::new())).await;
    let run = place.end(place.wake(wakening("listen", event(""))).await.unwrap()).await;
    let told = place.runs.told(None, 100).await.unwrap();
    let end = told.iter().find(|it| it.subject == run.spec.id.to_string()).unwrap();
    assert_eq!((end.r#type.as_str(), end.depth, &end.content["kind"]), ("run.finished", 3, &json!("event")));
}

#[tokio::test]
async fn an_alias_that_such_a_run_moves_is_told_one_deeper_too() {
    let place = Place::new().await;
    place.deploy("name = 'prep'\n[outputs]\nmodel = {kind = 'model'}", "1").await;
    place.guests.on("prep", |job| {
        job.write("model", "good");
        Ok(())
    });
    let steps =
        "  prep: { function: prep }\n  reg: { register-model: { model: wine, from: prep.model, alias: production } }\n";
    let trigger = "triggers:\n  - event: { types: [model.promoted], name: moved }\n";
    let text = format!("pipeline: circle\n{trigger}steps:\n{steps}");
    let new = place.runs.checked(project(), text, "ann".into()).await.unwrap();
    let kept = place.store.put_in_force(new).await.unwrap();
    let start = Start {
        id: RunId::next(),
        trigger: kept.kept.triggers[0].id(&project(), &name("circle")),
        params: map(json!({})),
        depth: 4,
    };
    let firing = Firing {
        trigger: start.trigger.clone(),
        at: "2025-12-31T23:59:00Z".parse().unwrap(),
        due_at: "2025-12-31T23:59:00Z".parse().unwrap(),
        oldest: "2025-12-31T23:00:00Z".parse().unwrap(),
        overlap: Overlap::Allow,
    };
    place.runs.since(&start.trigger, "").await.unwrap();
    let id = start.id;
    let fired = place.runs.fire(firing, Started::Pipeline(start)).await.unwrap();
    assert_eq!(fired, Fired::Run { run: id, replaced: None });
    let run = place.end(id).await;
    assert_eq!((run.state, run.spec.kind, run.spec.name()), (RunState::Done, RunKind::Pipeline, "circle"));
    assert_eq!((run.spec.labels["trigger"].as_str(), run.spec.pipeline.triggers.len()), ("event/moved", 0));
    let told = place.runs.told(None, 100).await.unwrap();
    let moved = told.iter().find(|it| it.r#type == "model.promoted").unwrap();
    assert_eq!(moved.depth, 5);
}

#[tokio::test]
async fn a_pipeline_that_cannot_be_run_any_more_says_why() {
    let place = Place::new().await;
    let text = "pipeline: p\ntriggers:\n  - schedule: { cron: '@daily' }\nsteps:\n  a: { function: make }\n".to_owned();
    let new = place.runs.checked(project(), text, "ann".into()).await.unwrap();
    let kept = place.store.put_in_force(new).await.unwrap();
    host_core::ports::Deployments::delete(&place.store, &project(), &name("make"), "ann").await.unwrap();
    let trigger: TriggerId = kept.kept.triggers[0].id(&project(), &name("p"));
    let at = "2025-12-31T23:59:00Z".parse().unwrap();
    let firing = Firing { trigger: trigger.clone(), at, due_at: at, oldest: at, overlap: Overlap::Allow };
    let start = Start { id: RunId::next(), trigger, params: map(json!({})), depth: 0 };
    let error = place.runs.fire(firing, Started::Pipeline(start)).await.unwrap_err().to_string();
    assert!(error.contains("cannot be run any more") && error.contains("`make`"), "{error}");
}
