//! What all hosts know of triggers, and the events that were given up.

use host_core::{
    RevisionId,
    call::Place,
    clock::{Clock as _, SystemClock},
    event::{Event, Failure},
    page::PageRequest,
    ports::{DeadLetter, DeadLetters as _, Seek, SourceError, TriggerId, TriggerMemory as _},
    size::ByteSize,
};
use host_store::{Config, Store};
use jiff::{SignedDuration, Timestamp};

use crate::home::{Home, name, project};

crate::facts! {
    a_pause_counts_on_every_host_until_it_is_lifted,
    a_failure_pauses_once_and_is_told_once,
    a_cause_is_told_when_it_changes,
    who_paused_resumed_moved_and_replayed_is_audited,
    a_letter_is_kept_once_and_as_it_came,
    a_letter_that_dies_again_leaves_a_trace,
    letters_are_listed_newest_first_by_function_and_trigger,
    old_letters_are_forgotten,
    of_too_many_letters_the_oldest_go,
    of_letters_that_are_too_large_together_the_oldest_go,
}

fn id(function: &str) -> TriggerId {
    TriggerId { project: project(), function: name(function), name: "kafka".into() }
}

fn letter(number: u32, at: Timestamp) -> DeadLetter {
    DeadLetter {
        id: format!("letter-{number:06}"),
        trigger: id("score"),
        kind: "kafka".into(),
        at,
        event: Event {
            id: format!("orders/0/{number}"),
            source: "kafka:orders".into(),
            r#type: "order\"é".into(),
            subject: Some("s".into()),
            time: None,
            content_type: Some("text/plain".into()),
            key: Some(vec![0, 255, number.to_le_bytes()[0]].into()),
            inlet: String::new(),
            extensions: vec![("traceparent".into(), "00-1".into()), ("a".into(), "b".into())],
            data: vec![0, 1, 254, 255].into(),
        },
        place: Some(Place { topic: "orders".into(), partition: 3, offset: u64::from(number) }),
        failure: Failure { backtrace: Some("at\nmain".into()), ..Failure::invalid("bad-json", "it is none") },
        revision: Some(RevisionId::next()),
        attempts: 5,
        times: 1,
        replayed_at: None,
    }
}

async fn told(store: &Store) -> Vec<String> {
    let events = store.events(&project(), &PageRequest::default()).await.unwrap().items;
    let unhealthy = events.into_iter().rev().filter(|it| it.r#type == "trigger.unhealthy");
    unhealthy.map(|it| format!("{} {} {}", it.subject, it.content["cause"], it.content["paused"])).collect()
}

async fn count(store: &Store) -> usize {
    let page = PageRequest { limit: Some(1_000), after: None };
    store.letters(&project(), None, None, &page).await.unwrap().items.len()
}

async fn a_pause_counts_on_every_host_until_it_is_lifted(home: Home) {
    let [(here, _), (there, _)] = home.two_hosts().await;
    assert!(here.paused().await.unwrap().is_empty());
    here.set_paused(&id("score"), Some("ann paused it"), "ann").await.unwrap();
    there.set_paused(&id("score"), Some("ben paused it"), "ben").await.unwrap();
    assert_eq!(there.paused().await.unwrap(), [(id("score"), "ann paused it".to_owned())], "the first reason stays");
    there.set_paused(&id("score"), None, "ben").await.unwrap();
    there.set_paused(&id("other"), None, "ben").await.unwrap();
    assert!(here.paused().await.unwrap().is_empty());
    here.set_paused(&id("score"), Some("again"), "ann").await.unwrap();
    assert_eq!(there.paused().await.unwrap(), [(id("score"), "again".to_owned())]);
    assert!(told(&here).await.is_empty(), "what people do is no news of the platform");
}

async fn a_failure_pauses_once_and_is_told_once(home: Home) {
    let [(here, _), (there, _)] = home.two_hosts().await;
    here.halt(&id("score"), "no model\0").await.unwrap();
    there.halt(&id("score"), "no model either").await.unwrap();
    assert_eq!(here.paused().await.unwrap(), [(id("score"), "no model\u{FFFD}".to_owned())]);
    assert_eq!(told(&here).await, ["score/kafka \"no model\u{FFFD}\" true"]);
}

async fn a_cause_is_told_when_it_changes(home: Home) {
    let [(here, _), (there, _)] = home.two_hosts().await;
    here.healthy(&id("score")).await.unwrap();
    for (store, cause) in [(&here, "a"), (&there, "a"), (&here, "b"), (&there, "b")] {
        home.tick();
        store.unhealthy(&id("score"), cause).await.unwrap();
    }
    here.healthy(&id("score")).await.unwrap();
    home.tick();
    there.unhealthy(&id("score"), "b").await.unwrap();
    assert!(here.paused().await.unwrap().is_empty(), "it goes on trying");
    let expected = ["score/kafka \"a\" false", "score/kafka \"b\" false", "score/kafka \"b\" false"];
    assert_eq!(told(&here).await, expected);
}

async fn who_paused_resumed_moved_and_replayed_is_audited(home: Home) {
    let store = home.store().await;
    store.keep(vec![letter(1, home.tick())]).await.unwrap();
    store.set_paused(&id("score"), Some("ann paused it"), "ann").await.unwrap();
    home.tick();
    store.moved(&id("score"), &Seek::Earliest, "ben").await.unwrap();
    home.tick();
    store.set_paused(&id("score"), None, "cleo").await.unwrap();
    store.set_paused(&id("score"), None, "cleo").await.unwrap();
    home.tick();
    store.replayed(&project(), "letter-000001", "dan").await.unwrap();
    let events = store.audit(&project(), Some("score/kafka"), &PageRequest::default()).await.unwrap().items;
    let events: Vec<_> = events.iter().map(|it| format!("{} {} {}", it.who, it.action, it.details)).collect();
    let expected = [
        "dan dead-letter.replayed {\"letter\":\"letter-000001\"}",
        "cleo trigger.resumed {\"reason\":null}",
        "ben trigger.moved {\"to\":\"earliest\"}",
        "ann trigger.paused {\"reason\":\"ann paused it\"}",
    ];
    assert_eq!(events, expected);
}

async fn a_letter_is_kept_once_and_as_it_came(home: Home) {
    let store = home.store().await;
    let first = letter(1, home.tick());
    store.keep(vec![first.clone(), letter(2, host_core::clock::Clock::now(&home.clock))]).await.unwrap();
    store.keep(vec![letter(3, host_core::clock::Clock::now(&home.clock))]).await.unwrap();
    store.keep(vec![]).await.unwrap();
    assert_eq!(store.letter(&project(), &first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(store.letter(&name("other"), &first.id).await.unwrap(), None, "projects see their own");
    assert_eq!(store.letter(&project(), "unknown").await.unwrap(), None);
    store.replayed(&project(), "unknown", "ann").await.unwrap();
    store.replayed(&project(), &first.id, "ann").await.unwrap();
    assert!(store.letter(&project(), &first.id).await.unwrap().unwrap().replayed_at.is_some());
    let many = (10..260).map(|number| letter(number, host_core::clock::Clock::now(&home.clock))).collect();
    store.keep(many).await.unwrap();
    assert_eq!(count(&store).await, 253);
}

async fn a_letter_that_dies_again_leaves_a_trace(home: Home) {
    let store = home.store().await;
    let first = letter(1, home.tick());
    store.keep(vec![first.clone()]).await.unwrap();
    store.replayed(&project(), &first.id, "ann").await.unwrap();
    let again = DeadLetter { at: home.tick(), attempts: 9, failure: Failure::fatal("worse", "than before"), ..first };
    store.keep(vec![again.clone(), again.clone()]).await.unwrap();
    let kept = store.letter(&project(), &again.id).await.unwrap().unwrap();
    assert_eq!(kept, DeadLetter { times: 3, replayed_at: None, ..again });
    assert_eq!(count(&store).await, 1);
}

async fn letters_are_listed_newest_first_by_function_and_trigger(home: Home) {
    let store = home.store().await;
    let mut letters: Vec<_> = (0..5).map(|number| letter(number, home.tick())).collect();
    letters[1].trigger = id("other");
    letters[3].trigger.name = "second".into();
    store.keep(letters).await.unwrap();
    let list = async |function: Option<&str>, trigger: Option<&str>, page: PageRequest| {
        let function = function.map(name);
        let page = store.letters(&project(), function.as_ref(), trigger, &page).await.unwrap();
        let numbers: Vec<_> = page.items.iter().map(|it| it.place.as_ref().unwrap().offset).collect();
        (numbers, page.next)
    };
    let two = |after| PageRequest { limit: Some(2), after };
    let (first, next) = list(None, None, two(None)).await;
    let (second, next) = list(None, None, two(next)).await;
    let (third, next) = list(None, None, two(next)).await;
    assert_eq!((first, second, third, next), (vec![4, 3], vec![2, 1], vec![0], None));
    assert_eq!(list(Some("score"), None, two(None)).await.0, [4, 3]);
    assert_eq!(list(Some("score"), Some("kafka"), PageRequest::default()).await.0, [4, 2, 0]);
    assert!(list(Some("other"), Some("second"), two(None)).await.0.is_empty());
    let wrong = store.letters(&project(), None, None, &two(Some("x".into()))).await.unwrap_err();
    assert!(matches!(wrong, SourceError::Unsupported(_)), "{wrong}");
}

async fn of_letters_that_are_too_large_together_the_oldest_go(mut home: Home) {
    let large = |number, at| {
        let mut letter = letter(number, at);
        letter.event.data = vec![7; 3_000].into();
        letter
    };
    home.config = Config { letters_size: ByteSize(20_000), keep_letters: None, ..home.config.clone() };
    let store = home.store().await;
    for number in 0..10 {
        store.keep(vec![large(number, home.tick())]).await.unwrap();
    }
    store.age().await.unwrap();
    let left = store.letters(&project(), None, None, &PageRequest::default()).await.unwrap().items;
    let numbers: Vec<_> = left.iter().map(|it| it.place.as_ref().unwrap().offset).collect();
    assert_eq!(numbers, [9, 8, 7, 6, 5], "4,000 bytes each as they are kept");
}

async fn old_letters_are_forgotten(home: Home) {
    let store = home.store().await;
    // Postgres has its own clock.
    let now = if home.is_postgres() { SystemClock.now() } else { home.clock.now() };
    let old = now - SignedDuration::from_hours(24 * 31);
    store.keep((0..10).map(|number| letter(number, if number < 7 { old } else { now })).collect()).await.unwrap();
    assert_eq!((store.age().await.unwrap().forgotten, count(&store).await), (7, 3));
}

async fn of_too_many_letters_the_oldest_go(mut home: Home) {
    home.config = Config { most_letters: 20, keep_letters: None, ..home.config.clone() };
    let store = home.store().await;
    for number in 0..30 {
        store.keep(vec![letter(number, home.tick())]).await.unwrap();
    }
    assert!((20..=22).contains(&count(&store).await), "at most a tenth too many");
    store.age().await.unwrap();
    let kept = store.letters(&project(), None, None, &PageRequest::default()).await.unwrap().items;
    let numbers: Vec<_> = kept.iter().map(|it| it.place.as_ref().unwrap().offset).collect();
    assert_eq!(numbers, (10..30).rev().collect::<Vec<u64>>());
}
