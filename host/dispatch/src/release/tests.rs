//! Releases between a store in memory and a guest that is never called.

use host_core::{Digest, grant::Right, manifest::Manifest, ports::PrepareError};

use super::*;
use crate::fakes::{Guest, Shelf, Store, clock, name, revision};

fn submission(function: &str) -> Submission {
    Submission {
        project: Name::default_project(),
        manifest: Manifest::bare(name(function)),
        component: Digest::of(b"component"),
        who: "test".into(),
        activate: true,
    }
}

fn release(guest: &Arc<Guest>, store: &Arc<Store>) -> Release {
    Release::new(Arc::new(Shelf(Some(9))), store.clone(), store.clone(), guest.clone(), clock())
}

fn active(store: &Store) -> Option<u64> {
    store.functions().get(&Name::default_project(), &name("hello")).map(|it| it.number)
}

#[tokio::test]
async fn a_deployed_revision_answers_and_the_one_before_is_let_go() {
    let first = revision("hello", 1, |_| {});
    let (guest, store) = (Guest::silent(), Store::with([first.clone()]));
    let released = release(&guest, &store).deploy(submission("hello")).await.unwrap();
    assert_eq!(active(&store), Some(released.revision.number));
    assert_eq!(released.previous.unwrap().id, first.id);
    assert!(guest.prepared.lock().contains(&released.revision.id));
    assert_eq!(guest.retired.lock().last(), Some(&first.id));
}

#[tokio::test]
async fn a_revision_that_is_not_activated_leaves_the_active_one_alone() {
    let (guest, store) = (Guest::silent(), Store::with([revision("hello", 1, |_| {})]));
    let quiet = Submission { activate: false, ..submission("hello") };
    let released = release(&guest, &store).deploy(quiet).await.unwrap();
    assert_eq!((released.revision.number, active(&store)), (2, Some(1)));
    let reference = "hello@2".parse().unwrap();
    release(&guest, &store).activate(&Name::default_project(), &reference, "test").await.unwrap();
    assert_eq!(active(&store), Some(2));
}

#[tokio::test]
async fn a_component_that_cannot_be_loaded_makes_no_revision() {
    let (guest, store) = (Guest::silent(), Store::with([revision("hello", 1, |_| {})]));
    *guest.refuse.lock() = Some(PrepareError::Compile("too deep".into()));
    let error = release(&guest, &store).deploy(submission("hello")).await.unwrap_err();
    assert!(matches!(error, Error::Unfit(_)), "{error}");
    assert_eq!((store.revisions.lock().len(), active(&store)), (1, Some(1)));
}

#[tokio::test]
async fn an_import_without_its_grant_is_refused_with_the_line_to_add() {
    let mut guest = Guest::silent();
    Arc::get_mut(&mut guest).unwrap().inspection.imports = vec!["weft:function/model@0.1.0".into()];
    let store = Store::with([]);
    let error = release(&guest, &store).deploy(submission("hello")).await.unwrap_err();
    let Error::NotGranted { right, line_to_add, .. } = error else { panic!("{error}") };
    assert_eq!((right, line_to_add), (Right::Model, Some("model = [\"<name>\"]")));
    let mut granted = submission("hello");
    granted.manifest.grants.model = vec!["wine".parse().unwrap()];
    release(&guest, &store).deploy(granted).await.unwrap();
}

#[tokio::test]
async fn a_component_that_was_never_sent_is_missing() {
    let (guest, store) = (Guest::silent(), Store::with([]));
    let release = Release::new(Arc::new(Shelf(None)), store.clone(), store.clone(), guest, clock());
    let error = release.deploy(submission("hello")).await.unwrap_err();
    assert!(matches!(error, Error::MissingComponent(_)), "{error}");
}

#[tokio::test]
async fn a_rollback_goes_to_the_revision_before_and_the_first_has_none() {
    let (guest, store) = (Guest::silent(), Store::with([revision("hello", 1, |_| {}), revision("hello", 2, |_| {})]));
    let back = release(&guest, &store).rollback(&Name::default_project(), &name("hello"), "test").await.unwrap();
    assert_eq!((back.revision.number, active(&store)), (1, Some(1)));
    let store = Store::with([revision("hello", 1, |_| {})]);
    let none = release(&guest, &store).rollback(&Name::default_project(), &name("hello"), "test").await;
    assert!(matches!(none.unwrap_err(), Error::NoEarlier(_)));
}

#[tokio::test]
async fn a_deleted_function_is_out_of_service_and_let_go() {
    let only = revision("hello", 1, |_| {});
    let (guest, store) = (Guest::silent(), Store::with([only.clone()]));
    release(&guest, &store).delete(&Name::default_project(), &name("hello"), "test").await.unwrap();
    assert_eq!(active(&store), None);
    assert_eq!(*guest.retired.lock(), [only.id]);
}
