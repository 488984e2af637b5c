//! What becomes of events, by what their function says.

use host_core::Name;

use super::*;
use crate::fakes::{Around, echo, event};

fn id() -> TriggerId {
    TriggerId { project: Name::default_project(), function: "score".parse().unwrap(), name: "orders".into() }
}

fn handover(around: &Around, attempts: u32) -> Handover {
    let board = Arc::new(Board::new(id(), "kafka", "orders".into()));
    let retry = Retry { attempts, ..Retry::default() };
    Handover::new(around.rooms(), id(), "kafka", retry, board)
}

/// The fate of an event whose function fails in this way, at the second of three attempts.
async fn fate(answer: fn(&Event, u32) -> host_core::event::Outcome) -> Fate {
    let around = Around::answering(answer);
    let stop = CancellationToken::new();
    let mut fates = handover(&around, 3).once(vec![event("1", "x")], Arc::default(), 2, &stop).await;
    fates.pop().unwrap()
}

#[tokio::test]
async fn outputs_are_whole_events_by_the_time_they_leave() {
    let around = Around::answering(echo);
    let mut traced = event("orders/0/7", "x");
    traced.extensions = vec![("traceparent".into(), "00-1".into())];
    let stop = CancellationToken::new();
    let fates = handover(&around, 1).once(vec![traced, event("b", "y")], Arc::default(), 1, &stop).await;
    let outputs: Vec<_> = fates
        .into_iter()
        .flat_map(|it| match it {
            Fate::Done(left) => left.whole(),
            other => panic!("{other:?}"),
        })
        .map(|it| it.event)
        .collect();
    assert_eq!((outputs[0].id.as_str(), outputs[0].source.as_str()), ("orders/0/7/0", "/fn/score"));
    assert_eq!(outputs[0].extensions, [("traceparent".to_owned(), "00-1".to_owned())]);
    assert!(outputs[0].time.is_some());
    assert_eq!((outputs[1].id.as_str(), &outputs[1].data[..]), ("b/0", &b"y"[..]));
}

#[tokio::test]
async fn a_failure_says_what_becomes_of_its_event() {
    assert!(matches!(fate(|_, _| Err(Failure::invalid("x", "x"))).await, Fate::Dead(_)));
    assert!(matches!(fate(|_, _| Err(Failure::transient("x", "x"))).await, Fate::Again(..)));
    assert!(matches!(fate(|_, _| Err(Failure::fatal("x", "x"))).await, Fate::Halt(_)));
    assert!(matches!(fate(|_, _| Err(Failure::transient(code::OVERLOADED, "x"))).await, Fate::NotYet(..)));
    let Fate::NotYet(_, wait) = fate(|_, _| Err(Failure::invalid(code::NOT_FOUND, "x"))).await else {
        panic!("a function that is not there yet is waited for")
    };
    assert!(wait >= Duration::from_secs(1));
    let asked = fate(|_, _| Err(Failure { retry_after_ms: Some(7), ..Failure::transient("x", "x") })).await;
    assert!(matches!(asked, Fate::Again(_, wait) if wait == Duration::from_millis(7)), "{asked:?}");
}

#[tokio::test]
async fn the_last_attempt_gives_an_event_up() {
    let around = Around::answering(|_, _| Err(Failure::transient("x", "x")));
    let handover = handover(&around, 2);
    let stop = CancellationToken::new();
    let first = handover.once(vec![event("1", "x")], Arc::default(), 1, &stop).await;
    let second = handover.once(vec![event("1", "x")], Arc::default(), 2, &stop).await;
    assert!(matches!(first[..], [Fate::Again(..)]) && matches!(second[..], [Fate::Dead(_)]));
    assert_eq!(handover.board.status().failures, 2);
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_tried_event_by_event() {
    let around = Around::answering(|event, attempt| match &event.data[..] {
        b"large" => Err(Failure::invalid(code::TOO_LARGE, "it is")),
        _ => echo(event, attempt),
    });
    let (handover, stop) = (handover(&around, 3), CancellationToken::new());
    let large = || vec![event("1", "large"), event("2", "large")];
    let again = |index: usize| event(&index.to_string(), if index == 0 { "large" } else { "small" });
    let fates = handover.attempt(large(), Arc::default(), 1, again, &stop).await;
    assert!(matches!(fates[..], [Fate::Dead(_), Fate::Done(_)]), "{fates:?}");
    assert_eq!(around.dispatch.calls.lock().len(), 3);
    let fates = handover.attempt(vec![event("1", "large"), event("2", "x")], Arc::default(), 1, again, &stop).await;
    assert!(matches!(fates[..], [Fate::Dead(_), Fate::Done(_)]), "one alone says nothing of its batch");
    assert_eq!(around.dispatch.calls.lock().len(), 4);
}

#[tokio::test]
async fn messages_of_one_identity_that_say_different_things_are_two_letters() {
    let around = Around::answering(echo);
    let handover = handover(&around, 1);
    for data in ["x", "y", "x"] {
        let place = Some(Place { topic: "orders".into(), partition: 0, offset: 0 });
        handover.bury(event("same", data), place, Failure::invalid("bad", "bad"), 1).await.unwrap();
    }
    let letters = around.letters.kept.lock().clone();
    let times: Vec<_> = letters.iter().map(|it| (&it.event.data[..], it.times)).collect();
    assert_eq!(times, [(&b"x"[..], 2), (&b"y"[..], 1)]);
}

#[tokio::test]
async fn an_event_that_is_read_twice_is_one_letter_and_its_place_tells_it_from_others() {
    let around = Around::answering(echo);
    let handover = handover(&around, 1);
    let place = |offset| Some(Place { topic: "orders".into(), partition: 0, offset });
    for offset in [7, 7, 8] {
        let failure = Failure::invalid("bad", "bad");
        handover.bury(event("same", "x"), place(offset), failure, 1).await.unwrap();
    }
    let letters = around.letters.kept.lock().clone();
    assert_eq!(letters.len(), 2);
    assert!(letters[0].id.len() == 32 && letters[0].id != letters[1].id && letters[0].kind == "kafka");
}
