//! The list of runs: newest first, filtered, paged, fast.

use std::collections::BTreeMap;

use host_core::{
    RunId,
    page::PageRequest,
    ports::{Journal as _, JournalError, RunFilter},
    run::RunState,
};
use host_store::Store;

use crate::home::{Home, Worker, new_run, project};

crate::facts! {
    runs_are_paged_newest_first_while_more_come,
    runs_are_found_by_state_name_and_labels,
    a_place_nobody_gave_out_is_refused,
}

async fn all(store: &Store, filter: &RunFilter, limit: u32) -> Vec<RunId> {
    let mut page = PageRequest { limit: Some(limit), after: None };
    let mut found = Vec::new();
    loop {
        let next = store.runs(&project(), filter, &page).await.unwrap();
        assert!(next.items.len() <= limit as usize);
        found.extend(next.items.iter().map(|it| it.spec.id));
        page.after = next.next;
        if page.after.is_none() {
            return found;
        }
    }
}

async fn runs_are_paged_newest_first_while_more_come(home: Home) {
    let store = home.store().await;
    let mut ids = Vec::new();
    for number in 0..25 {
        // Some at the same moment: the identity decides then.
        if number % 3 == 0 {
            home.tick();
        }
        ids.push(store.submit(new_run("  a: { function: f }\n")).await.unwrap().spec.id);
    }
    ids.reverse();
    assert_eq!(all(&store, &RunFilter::default(), 7).await, ids);
    let first =
        store.runs(&project(), &RunFilter::default(), &PageRequest { limit: Some(10), after: None }).await.unwrap();
    home.tick();
    store.submit(new_run("  a: { function: f }\n")).await.unwrap();
    let second = store
        .runs(&project(), &RunFilter::default(), &PageRequest { limit: Some(10), after: first.next })
        .await
        .unwrap();
    assert_eq!(second.items.iter().map(|it| it.spec.id).collect::<Vec<_>>(), ids[10..20]);
}

async fn runs_are_found_by_state_name_and_labels(home: Home) {
    let store = home.store().await;
    let mut ids = Vec::new();
    for number in 0..12 {
        let mut run = new_run("  a: { function: f }\n");
        run.labels = BTreeMap::from([
            ("team".into(), format!("t{}", number % 3)),
            ("even".into(), (number % 2 == 0).to_string()),
        ]);
        if number >= 6 {
            run.pipeline.name = "iris".parse().unwrap();
        }
        ids.push(store.submit(run).await.unwrap().spec.id);
        home.tick();
    }
    store.cancel(ids[3], "ann").await.unwrap();
    Worker::new(&store).finish().await;
    let labels =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let filter = RunFilter { labels: labels(&[("team", "t0"), ("even", "true")]), ..RunFilter::default() };
    assert_eq!(all(&store, &filter, 1).await, [ids[6], ids[0]]);
    let filter = RunFilter { name: Some("iris".into()), labels: labels(&[("team", "t1")]), ..RunFilter::default() };
    assert_eq!(all(&store, &filter, 1).await, [ids[10], ids[7]]);
    let filter = RunFilter { state: Some(RunState::Cancelled), ..RunFilter::default() };
    assert_eq!(all(&store, &filter, 5).await, [ids[3]]);
    let filter = RunFilter { state: Some(RunState::Done), name: Some("wine".into()), ..RunFilter::default() };
    assert_eq!(all(&store, &filter, 2).await, [ids[5], ids[4], ids[2], ids[1], ids[0]]);
}

async fn a_place_nobody_gave_out_is_refused(home: Home) {
    let store = home.store().await;
    let page = PageRequest { limit: None, after: Some("' OR 1=1".into()) };
    assert!(matches!(store.runs(&project(), &RunFilter::default(), &page).await, Err(JournalError::Cursor(_))));
}
