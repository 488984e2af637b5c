//! Keys of requests: begun once, answered alike, however many ask at once.

use std::time::Duration;

use host_core::{
    Digest,
    ports::{Begun, Idempotency as _, KeptResponse, KeyScope},
};
use jiff::SignedDuration;

use crate::home::{ENDED, Home, LONG, project};

crate::facts! {
    a_key_is_begun_once_and_answered_alike,
    of_many_that_ask_at_once_one_executes,
    a_lost_turn_is_taken_over_and_cannot_answer_any_more,
    a_key_is_somebodys_own,
    an_old_key_is_forgotten,
}

const DAY: Duration = Duration::from_secs(86_400);

fn scope(key: &str) -> KeyScope {
    KeyScope { project: project(), subject: "function hello".into(), principal: String::new(), key: key.into() }
}

fn response(body: &'static [u8]) -> KeptResponse {
    let headers = vec![("content-type".to_owned(), "text/plain".to_owned()), ("x-a".to_owned(), "é".to_owned())];
    KeptResponse { status: 201, headers, body: Some(body.into()) }
}

async fn a_key_is_begun_once_and_answered_alike(home: Home) {
    let store = home.store().await;
    let (key, this, other) = (scope("k"), Digest::of(b"this"), Digest::of(b"other"));
    let Begun::Mine(turn) = store.begin(&key, this, LONG, DAY).await.unwrap() else { panic!("it is new") };
    assert!(matches!(store.begin(&key, this, LONG, DAY).await.unwrap(), Begun::Running(left) if left <= LONG));
    assert_eq!(store.begin(&key, other, LONG, DAY).await.unwrap(), Begun::Other);
    assert!(store.finish(&key, turn, &response(b"\0\xff")).await.unwrap());
    store.close().await;
    let store = home.store().await;
    assert_eq!(store.begin(&key, this, LONG, DAY).await.unwrap(), Begun::Done(response(b"\0\xff")));
    assert_eq!(store.begin(&key, other, LONG, DAY).await.unwrap(), Begun::Other);
    assert!(!store.finish(&key, turn, &response(b"twice")).await.unwrap(), "the first answer counts");
    store.release(&key, turn).await.unwrap();
    assert!(matches!(store.begin(&key, this, LONG, DAY).await.unwrap(), Begun::Done(_)), "an answer is not forgotten");
    let large = KeptResponse { body: None, ..response(b"") };
    let Begun::Mine(turn) = store.begin(&scope("large"), this, LONG, DAY).await.unwrap() else { panic!("it is new") };
    store.finish(&scope("large"), turn, &large).await.unwrap();
    assert_eq!(store.begin(&scope("large"), this, LONG, DAY).await.unwrap(), Begun::Done(large));
}

async fn of_many_that_ask_at_once_one_executes(home: Home) {
    let [(first, _), (second, _)] = home.two_hosts().await;
    let asking = (0..20).map(|number| {
        let store = if number % 2 == 0 { first.clone() } else { second.clone() };
        tokio::spawn(async move { store.begin(&scope("race"), Digest::of(b"x"), LONG, DAY).await.unwrap() })
    });
    let mut mine = 0;
    for asked in asking.collect::<Vec<_>>() {
        match asked.await.unwrap() {
            Begun::Mine(_) => mine += 1,
            Begun::Running(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(mine, 1);
}

async fn a_lost_turn_is_taken_over_and_cannot_answer_any_more(home: Home) {
    let store = home.store().await;
    let (key, print) = (scope("k"), Digest::of(b"x"));
    let Begun::Mine(lost) = store.begin(&key, print, ENDED, DAY).await.unwrap() else { panic!("it is new") };
    let Begun::Mine(turn) = store.begin(&key, print, LONG, DAY).await.unwrap() else { panic!("its turn was over") };
    assert_eq!((turn.id, turn.attempt), (lost.id, lost.attempt + 1), "the same request, another attempt");
    assert!(!store.finish(&key, lost, &response(b"late")).await.unwrap());
    store.release(&key, lost).await.unwrap();
    assert!(store.finish(&key, turn, &response(b"right")).await.unwrap());
    let Begun::Mine(turn) = store.begin(&scope("free"), print, LONG, DAY).await.unwrap() else { panic!("it is new") };
    store.release(&scope("free"), turn).await.unwrap();
    assert!(matches!(store.begin(&scope("free"), print, LONG, DAY).await.unwrap(), Begun::Mine(_)));
}

async fn a_key_is_somebodys_own(home: Home) {
    let store = home.store().await;
    let others = [
        KeyScope { principal: "ann".into(), ..scope("k") },
        KeyScope { subject: "function other".into(), ..scope("k") },
        KeyScope { project: "other".parse().unwrap(), ..scope("k") },
        scope("K"),
    ];
    store.begin(&scope("k"), Digest::of(b"x"), LONG, DAY).await.unwrap();
    for other in others {
        assert!(matches!(store.begin(&other, Digest::of(b"y"), LONG, DAY).await.unwrap(), Begun::Mine(_)), "{other:?}");
    }
}

async fn an_old_key_is_forgotten(home: Home) {
    let store = home.store().await;
    let print = Digest::of(b"x");
    store.begin(&scope("old"), print, LONG, ENDED).await.unwrap();
    assert!(matches!(store.begin(&scope("old"), Digest::of(b"y"), LONG, ENDED).await.unwrap(), Begun::Mine(_)));
    store.begin(&scope("young"), print, LONG, DAY).await.unwrap();
    home.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(store.forget_keys().await.unwrap(), 1);
    assert!(matches!(store.begin(&scope("young"), print, LONG, DAY).await.unwrap(), Begun::Running(_)));
}
