//! Keyed state in both databases: the facts that hold for every backend, and that it is still there afterwards.

use std::sync::Arc;

use bytes::Bytes;
use host_core::ports::{Bucket, KeyValue};
use host_store::StoreState;

use crate::{
    facts,
    home::{Home, name, project},
    suite::Subject,
};

mod in_sqlite {
    crate::suite::every_fact!(super::in_sqlite);
}

mod in_postgres {
    crate::suite::every_fact!(super::in_postgres);
}

async fn try_in<F: Future<Output = ()>>(home: &Home, fact: impl FnOnce(Subject) -> F) {
    let [(first, _), (second, _)] = home.two_hosts().await;
    let hosts: [Arc<dyn KeyValue>; 2] = [StoreState::start(&first), StoreState::start(&second)];
    fact(Subject::new(hosts, "default")).await;
    first.close().await;
    second.close().await;
}

async fn in_sqlite<F: Future<Output = ()>>(_: &str, fact: impl FnOnce(Subject) -> F) {
    try_in(&Home::sqlite(), fact).await;
}

#[expect(clippy::print_stderr, reason = "whoever runs the tests learns what was left out")]
async fn in_postgres<F: Future<Output = ()>>(_: &str, fact: impl FnOnce(Subject) -> F) {
    match Home::postgres().await {
        Some(home) => {
            try_in(&home, fact).await;
            home.drop_database().await;
        }
        None => eprintln!("not tried on Postgres: `cargo xtask test` does, or set WEFT_TEST_POSTGRES"),
    }
}

fn bucket() -> Bucket {
    Bucket { project: project(), name: name("default") }
}

async fn what_was_kept_is_there_when_the_store_is_opened_again(home: Home) {
    let store = home.store().await;
    let state = StoreState::start(&store);
    assert_eq!(state.increment(&bucket(), "n", 7).await, Ok(7));
    state.set(&bucket(), vec![("k".into(), Bytes::from_static(&[0, 255]))]).await.unwrap();
    store.close().await;
    let told = state.increment(&bucket(), "n", 1).await.unwrap_err();
    assert!(!told.to_string().is_empty(), "a closed store refuses");
    let store = home.store().await;
    let state = StoreState::start(&store);
    assert_eq!(state.increment(&bucket(), "n", 1).await, Ok(8));
    let read = state.get(&bucket(), &["k".into()]).await.unwrap();
    assert_eq!(read, [Some(Bytes::from_static(&[0, 255]))]);
    store.close().await;
}

async fn changes_that_come_together_are_each_answered(home: Home) {
    let store = home.store().await;
    let state = StoreState::start(&store);
    state.set(&bucket(), vec![("word".into(), Bytes::from_static(b"x"))]).await.unwrap();
    let ask = |n: i64| {
        let state = state.clone();
        let key = if n % 10 == 0 { "word".to_owned() } else { format!("n/{}", n % 7) };
        tokio::spawn(async move { state.increment(&bucket(), &key, 1).await })
    };
    let mut refused = 0;
    for task in (0..500).map(ask).collect::<Vec<_>>() {
        refused += usize::from(task.await.unwrap().is_err());
    }
    assert_eq!(refused, 50, "a value that is no number fails alone");
    let keys: Vec<String> = (0..7).map(|n| format!("n/{n}")).collect();
    let counts = state.get(&bucket(), &keys).await.unwrap();
    let sum: i64 = counts.iter().flatten().map(|it| std::str::from_utf8(it).unwrap().parse::<i64>().unwrap()).sum();
    assert_eq!(sum, 450);
    store.close().await;
}

facts!(what_was_kept_is_there_when_the_store_is_opened_again, changes_that_come_together_are_each_answered);
