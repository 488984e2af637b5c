//! A host that follows what another one deploys.

use host_core::{RevisionId, ports::PrepareError};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::fakes::{Guest, Store, name, revision};

/// A host on a store that another host shares.
async fn host(store: &Arc<Store>) -> (Arc<Guest>, Arc<Prepared>) {
    let guest = Guest::silent();
    let directory = Prepared::new(store.clone(), guest.clone());
    directory.refresh().await.unwrap();
    (guest, directory)
}

/// What another host does.
fn deploy(store: &Store, revision: &Arc<Revision>) {
    store.history.lock().push(Arc::clone(revision));
    store.publish();
}

fn answering(directory: &Prepared) -> Option<RevisionId> {
    directory.functions().get(&Name::default_project(), &name("hello")).map(|it| it.id)
}

#[tokio::test]
async fn what_is_deployed_is_loaded_before_it_answers_at_first() {
    let first = revision("hello", 1, |_| {});
    let (guest, directory) = host(&Store::with([first.clone()])).await;
    assert_eq!((answering(&directory), guest.prepared.lock().clone()), (Some(first.id), vec![first.id]));
}

#[tokio::test]
async fn a_revision_of_another_host_answers_once_it_is_loaded_and_the_one_before_is_let_go() {
    let (first, second) = (revision("hello", 1, |_| {}), revision("hello", 2, |_| {}));
    let store = Store::with([first.clone(), revision("other", 1, |_| {})]);
    let (guest, directory) = host(&store).await;
    let gate = guest.hold_preparing();
    deploy(&store, &second);
    let taking = tokio::spawn({
        let directory = directory.clone();
        async move { directory.refresh().await.unwrap() }
    });
    guest.preparing.notified().await;
    assert_eq!((answering(&directory), guest.retired.lock().len()), (Some(first.id), 0), "while it is compiled");
    drop(gate);
    taking.await.unwrap();
    assert_eq!((answering(&directory), guest.retired.lock().clone()), (Some(second.id), vec![first.id]));
    assert_eq!(guest.prepared.lock().len(), 3, "what answers already is not loaded again");
}

#[tokio::test]
async fn a_revision_that_cannot_be_loaded_here_leaves_the_one_before_answering_until_it_can() {
    let (first, second) = (revision("hello", 1, |_| {}), revision("hello", 2, |_| {}));
    let store = Store::with([first.clone()]);
    let (guest, directory) = host(&store).await;
    *guest.refuse.lock() = Some(PrepareError::Storage("the artifacts are away".into()));
    deploy(&store, &second);
    deploy(&store, &revision("fresh", 1, |_| {}));
    let functions = directory.refresh().await.unwrap();
    assert_eq!((answering(&directory), guest.retired.lock().len()), (Some(first.id), 0));
    assert!(functions.get(&Name::default_project(), &name("fresh")).is_some(), "its callers are told what is wrong");
    *guest.refuse.lock() = None;
    directory.take_over(store.functions()).await;
    assert_eq!((answering(&directory), guest.retired.lock().clone()), (Some(second.id), vec![first.id]));
}

#[tokio::test]
async fn a_function_that_another_host_deleted_is_let_go() {
    let first = revision("hello", 1, |_| {});
    let store = Store::with([first.clone()]);
    let (guest, directory) = host(&store).await;
    store.history.lock().clear();
    store.publish();
    directory.refresh().await.unwrap();
    assert_eq!((answering(&directory), guest.retired.lock().clone()), (None, vec![first.id]));
}

#[tokio::test]
async fn a_follower_takes_over_by_itself_and_ends_when_told() {
    let (first, second) = (revision("hello", 1, |_| {}), revision("hello", 2, |_| {}));
    let store = Store::with([first.clone()]);
    let (_guest, directory) = host(&store).await;
    let stop = CancellationToken::new();
    let following = tokio::spawn(directory.clone().follow(stop.clone().cancelled_owned()));
    let seen = directory.functions().generation;
    deploy(&store, &second);
    directory.changed(seen).await;
    assert_eq!(answering(&directory), Some(second.id));
    stop.cancel();
    following.await.unwrap();
}
