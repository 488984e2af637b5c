//! Calls between a store in memory and a guest that does what it is told.

use bytes::Bytes;
use host_core::{
    call::TriggerRef,
    event::{Event, FailureKind, Output},
    function::Entries,
    manifest::RecordPolicy,
    ports::{Endpoint, Models},
    record::Verdict,
    size::Millis,
};
use jiff::Timestamp;

use super::*;
use crate::fakes::{Guest, Kept, Scores, Store, clock, name, revision};

struct Host {
    dispatcher: Arc<Dispatcher>,
    store: Arc<Store>,
    guest: Arc<Guest>,
    kept: Arc<Kept>,
}

fn host_with(config: Config, guest: Arc<Guest>, revisions: impl IntoIterator<Item = Arc<Revision>>) -> Host {
    let (store, kept) = (Store::with(revisions), Arc::new(Kept::default()));
    let parts = Parts {
        directory: store.clone(),
        deployments: store.clone(),
        invoke: guest.clone(),
        score: Arc::new(Scores(&["wine@production"])),
        endpoints: Arc::new(Endpoints::new(store.clone())),
        recorder: kept.clone(),
        clock: clock(),
    };
    Host { dispatcher: Arc::new(Dispatcher::new(config, parts)), store, guest, kept }
}

fn host(guest: Arc<Guest>, revisions: impl IntoIterator<Item = Arc<Revision>>) -> Host {
    host_with(Config::default(), guest, revisions)
}

impl Host {
    async fn call(&self, function: &str, call: Call) -> Called {
        let target = Target::Function(Name::default_project(), function.parse().unwrap());
        self.dispatcher.call(target, CallContext::new(TriggerRef::new("http", "/fn/x")), call).await
    }

    async fn refusal(&self, function: &str, call: Call) -> Failure {
        self.call(function, call).await.reply.err().unwrap()
    }
}

fn event() -> Event {
    Event {
        id: "1".into(),
        source: "/test".into(),
        r#type: "test".into(),
        subject: None,
        time: None,
        content_type: None,
        key: None,
        inlet: String::new(),
        extensions: Vec::new(),
        data: Bytes::from_static(b"{}"),
    }
}

fn events(count: usize) -> Call {
    Call::Events(vec![event(); count])
}

#[tokio::test]
async fn a_call_reaches_the_active_revision_and_is_counted_once() {
    let host = host(Guest::silent(), [revision("hello", 1, |_| {}), revision("hello", 2, |_| {})]);
    assert!(matches!(host.call("hello", events(3)).await.reply, Ok(Reply::Events(outcomes)) if outcomes.len() == 3));
    assert_eq!(*host.guest.called.lock(), [2]);
    let tallies = host.kept.tallies.lock();
    assert_eq!((tallies.len(), tallies[0].events, tallies[0].verdict), (1, 3, Verdict::Ok));
}

#[tokio::test]
async fn a_revision_is_called_by_number_and_one_that_is_unknown_is_not_found() {
    let host = host(Guest::silent(), [revision("hello", 1, |_| {}), revision("hello", 2, |_| {})]);
    assert!(host.call("hello@1", events(1)).await.reply.is_ok());
    assert!(host.call("hello@2", events(1)).await.reply.is_ok());
    assert_eq!(*host.guest.called.lock(), [1, 2]);
    assert_eq!(host.refusal("hello@3", events(1)).await.code, code::NOT_FOUND);
    assert_eq!(host.refusal("other", events(1)).await.code, code::NOT_FOUND);
}

#[tokio::test]
async fn a_new_revision_answers_as_soon_as_the_directory_has_it() {
    let host = host(Guest::silent(), [revision("hello", 1, |_| {})]);
    host.call("hello", events(1)).await;
    host.store.history.lock().push(revision("hello", 2, |_| {}));
    host.store.publish();
    host.call("hello", events(1)).await;
    assert_eq!(*host.guest.called.lock(), [1, 2]);
}

#[tokio::test]
async fn a_function_takes_as_many_calls_as_its_manifest_says() {
    let config = Config { max_waiting: 0, retry_after: Millis(250), ..Config::default() };
    let guest = Guest::silent();
    let host = host_with(config, guest.clone(), [revision("hello", 1, |it| it.manifest.limits.concurrency = 1)]);
    let stop = guest.go.acquire_many(1_000).await.unwrap();
    let (first, second) = tokio::join!(host.call("hello", events(1)), async {
        let second = host.refusal("hello", events(1)).await;
        drop(stop);
        second
    });
    assert!(first.reply.is_ok());
    assert_eq!((second.code.as_str(), second.kind), (code::OVERLOADED, FailureKind::Transient));
    assert_eq!(second.retry_after_ms, Some(250));
    assert_eq!(host.kept.tallies.lock().len(), 2);
    assert!(host.kept.calls.lock().iter().all(|it| it.verdict == Verdict::Ok), "who is turned away leaves no record");
}

#[tokio::test]
async fn a_guest_without_a_place_turns_callers_away_and_says_when_to_come_back() {
    let guest = Guest::new(|_| Err(Failure::transient(code::OVERLOADED, "no instance is free")));
    let host = host(guest, [revision("hello", 1, |_| {})]);
    assert_eq!(host.refusal("hello", events(1)).await.retry_after_ms, Some(1_000));
    assert_eq!((host.kept.tallies.lock().len(), host.kept.calls.lock().len()), (1, 0));
}

#[tokio::test]
async fn a_full_host_refuses_functions_that_have_places_left() {
    let config = Config { max_in_flight: 1, max_waiting: 0, ..Config::default() };
    let guest = Guest::silent();
    let host = host_with(config, guest.clone(), [revision("one", 1, |_| {}), revision("two", 1, |_| {})]);
    let stop = guest.go.acquire_many(1_000).await.unwrap();
    let (first, second) = tokio::join!(host.call("one", events(1)), async {
        let second = host.refusal("two", events(1)).await;
        drop(stop);
        second
    });
    assert!(first.reply.is_ok());
    assert!(second.message.contains("this host is busy"), "{second}");
}

#[tokio::test]
async fn a_call_has_the_deadline_of_its_manifest_unless_the_caller_is_in_a_greater_hurry() {
    let host = host(Guest::silent(), [revision("hello", 1, |it| it.manifest.limits.timeout = Some(Millis(50_000)))]);
    let before = Instant::now();
    host.call("hello", events(1)).await;
    let mut hurry = CallContext::new(TriggerRef::new("http", "/"));
    hurry.deadline = Some(before);
    let target = Target::Function(Name::default_project(), name("hello").into());
    host.dispatcher.call(target, hurry, events(1)).await;
    let contexts = host.guest.contexts.lock();
    assert!(contexts[0].deadline.unwrap() >= before + Duration::from_secs(50));
    assert_eq!(contexts[1].deadline, Some(before));
}

#[tokio::test]
async fn each_event_of_a_broken_batch_may_take_as_long_as_any_call() {
    let host = host(Guest::silent(), [revision("hello", 1, |it| it.manifest.limits.timeout = Some(Millis(50_000)))]);
    let before = Instant::now();
    host.call("hello", events(3)).await;
    assert!(host.guest.contexts.lock()[0].deadline.unwrap() >= before + Duration::from_secs(4 * 50));
}

#[tokio::test]
async fn failures_are_recorded_and_successes_only_where_the_policy_wants_them() {
    let guest = Guest::new(|call| match call {
        Call::Events(events) if events.len() == 2 => {
            Ok(Reply::Events(vec![Ok(vec![]), Err(Failure::invalid("bad", "no"))]))
        }
        Call::Events(_) => Ok(Reply::Events(vec![Ok(vec![])])),
        _ => Err(Failure::fatal("x", "x")),
    });
    let all = revision("all", 1, |it| it.manifest.record = RecordPolicy::All);
    let none = revision("none", 1, |it| it.manifest.record = RecordPolicy::Percent(0.0));
    let host = host(guest, [all, none]);
    host.call("all", events(1)).await;
    host.call("none", events(1)).await;
    host.call("none", events(2)).await;
    let calls = host.kept.calls.lock();
    let seen: Vec<_> = calls.iter().map(|it| (it.function.as_str(), it.verdict, it.events)).collect();
    assert_eq!(seen, [("all", Verdict::Ok, 1), ("none", Verdict::Invalid, 2)]);
    assert_eq!(calls[1].failure.as_ref().unwrap().code, "bad");
    assert_eq!(host.kept.tallies.lock().len(), 3);
}

#[tokio::test]
async fn a_call_whose_caller_went_away_is_counted_too() {
    let guest = Guest::silent();
    let host = host(guest.clone(), [revision("hello", 1, |_| {})]);
    let _stop = guest.go.acquire_many(1_000).await.unwrap();
    {
        let call = host.call("hello", events(1));
        tokio::pin!(call);
        assert!(futures_poll(call.as_mut()).await.is_pending());
        assert_eq!(host.dispatcher.in_flight(), 1);
    }
    assert_eq!(host.dispatcher.in_flight(), 0);
    assert_eq!(host.kept.calls.lock()[0].failure.as_ref().unwrap().code, code::CANCELLED);
}

async fn futures_poll<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

#[tokio::test]
async fn a_stream_keeps_its_place_until_its_last_byte_and_is_recorded_then() {
    let (end, ended) = oneshot::channel::<()>();
    let kept = Arc::new(Kept::default());
    let gate = Gate::new(2);
    let queue = Queue { most: 0, longest: Duration::ZERO, deadline: None };
    let cancelled = tokio_util::sync::CancellationToken::new();
    let places = [gate.enter(queue, &cancelled).await.unwrap(), gate.enter(queue, &cancelled).await.unwrap()];
    let keeper = Keeper { recorder: kept.clone(), clock: clock(), slow_us: u64::MAX, samples: Samples::default() };
    let keeper = Arc::new(keeper);
    let context = CallContext::new(TriggerRef::new("http", "/"));
    let mut ticket = keeper.open(&revision("s", 1, |_| {}), &context, &events(1), Entry::Http, Instant::now());
    ticket.keep(places);
    let later = Box::pin(async move {
        let _ = ended.await;
        Finished::default()
    });
    let response = http::Response::new(host_core::body::empty());
    let mut called = Called { reply: Ok(Reply::Http(response)), end: End::Later(Box::new(Stream(later))) };
    close(ticket, &mut called);
    assert_eq!((gate.inside(), kept.tallies.lock().len()), (2, 0));
    end.send(()).unwrap();
    let End::Later(end) = called.end else { panic!("it still streams") };
    end.await;
    assert_eq!((gate.inside(), kept.tallies.lock().len()), (0, 1));
}

struct Stream(Pin<Box<dyn Future<Output = Finished> + Send>>);

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

impl Future for Stream {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Finished> {
        self.0.as_mut().poll(cx)
    }
}

#[tokio::test]
async fn a_host_that_drains_waits_for_calls_in_flight_and_lets_nobody_in() {
    let guest = Guest::silent();
    let host = host(guest.clone(), [revision("hello", 1, |_| {})]);
    let stop = guest.go.acquire_many(1_000).await.unwrap();
    let (called, still_inside) = tokio::join!(host.call("hello", events(1)), async {
        assert_eq!(host.dispatcher.drain(Duration::ZERO).await, 1);
        assert_eq!(host.refusal("hello", events(1)).await.code, code::UNAVAILABLE);
        drop(stop);
        host.dispatcher.drain(Duration::from_secs(3_600)).await
    });
    assert!(called.reply.is_ok());
    assert_eq!(still_inside, 0);
}

#[tokio::test]
async fn events_reach_a_function_that_only_speaks_http_as_posts() {
    let guest = Guest::new(|call| {
        let Call::Http(request) = call else { return Err(Failure::fatal("x", "x")) };
        assert_eq!(request.headers()["ce-id"], "1");
        let status = if request.headers()["ce-subject"] == "busy%20now" { 503 } else { 200 };
        let response = http::Response::builder().status(status).header("content-type", "text/plain");
        Ok(Reply::Http(response.body(host_core::body::full("done")).unwrap()))
    });
    let only_http = Entries { http: true, handler: false, job: false };
    let host = host(guest, [revision("web", 1, |it| it.entries = only_http)]);
    let about = |subject: &str| Event { subject: Some(subject.into()), ..event() };
    let called = host.call("web", Call::Events(vec![about("all well"), about("busy now")])).await;
    let Ok(Reply::Events(outcomes)) = called.reply else { panic!("events are answered with outcomes") };
    let Ok([Output { data, .. }]) = outcomes[0].as_deref() else { panic!("{:?}", outcomes[0]) };
    assert_eq!(data, "done");
    assert_eq!(outcomes[1].as_ref().unwrap_err().kind, FailureKind::Transient);
}

#[tokio::test]
async fn a_job_takes_no_events() {
    let only_job = Entries { http: false, handler: false, job: true };
    let host = host(Guest::silent(), [revision("train", 1, |it| it.entries = only_job)]);
    assert_eq!(host.refusal("train", events(1)).await.code, code::WRONG_ENTRY);
}

#[tokio::test]
async fn a_model_answers_under_the_name_it_is_served_as_from_the_moment_it_is() {
    let host = host(Guest::silent(), []);
    let ask = |text: &'static str| {
        let target = Target::Model(Name::default_project(), text.parse().unwrap());
        let call = Call::Infer(InferCall { inputs: Vec::new(), outputs: Vec::new() });
        let context = CallContext::new(TriggerRef::new("api", "infer"));
        async { host.dispatcher.call(target, context, call).await.reply }
    };
    assert!(matches!(ask("wine@production").await, Ok(Reply::Infer(_))));
    assert_eq!(ask("score-wine").await.err().unwrap().code, code::NOT_FOUND);
    let (model, updated_at) = ("wine@production".parse().unwrap(), Timestamp::UNIX_EPOCH);
    let endpoint = Endpoint { name: name("score-wine"), model, updated_by: "test".into(), updated_at };
    host.store.serve(&Name::default_project(), endpoint).await.unwrap();
    let Ok(Reply::Infer(prediction)) = ask("score-wine").await else { panic!("it is served") };
    assert_eq!(prediction.version.model.as_str(), "wine");
}
