//! A guest of `wasi:keyvalue`, without the guest: its calls, in the order a component makes them.

use std::sync::Arc;

use host_capabilities::keyvalue::{Bounded, MemoryState};
use host_core::{
    Digest, RevisionId,
    call::{CallContext, TriggerRef},
    clock::ManualClock,
    function::{Entries, Revision},
    manifest::Manifest,
    ports::{NoPublish, NoRecorder, NoSecrets},
    size::ByteSize,
};

use super::{
    atomics::{Host as _, HostCas as _},
    store::{Host as _, HostBucket as _},
    *,
};
use crate::{
    Config,
    current::{Current, Length, Services},
    ticker::Epochs,
    ways::Ways,
};

/// A guest whose manifest grants the bucket `default` and little memory.
fn guest() -> Guest {
    let manifest = "name = \"subject\"\n[limits]\nmemory = \"3MiB\"\n[grants]\nkeyvalue = [\"default\"]\n";
    let manifest = Manifest::parse(manifest).unwrap();
    let engine = wasmtime::Engine::default();
    let services = Services {
        config: Config::default(),
        recorder: Arc::new(NoRecorder),
        clock: Arc::new(ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap())),
        score: None,
        secrets: Arc::new(NoSecrets),
        state: Arc::new(Bounded::new(Arc::new(MemoryState::new(ByteSize(64 << 20))))),
        publish: Arc::new(NoPublish),
        _epochs: Arc::new(Epochs([engine.clone(), engine.clone(), engine])),
    };
    let revision = Revision {
        id: RevisionId::next(),
        project: "default".parse().unwrap(),
        function: manifest.name.clone(),
        number: 1,
        component: Digest::of(b""),
        component_size: 0,
        manifest,
        entries: Entries::default(),
        created_by: "test".into(),
        created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
    };
    let context = CallContext::new(TriggerRef::new("test", "test"));
    let current =
        Arc::new(Current::new(Arc::new(revision), context, Arc::new(services), None, Ways::default(), Length::Call));
    let watch = current.watch();
    Guest::serving(current, watch)
}

/// The same bucket once more: a guest lends it to each call.
fn lent(bucket: &Resource<Opened>) -> Resource<Opened> {
    Resource::new_borrow(bucket.rep())
}

async fn seen(guest: &mut Guest, bucket: &Resource<Opened>, key: &str) -> Resource<Seen> {
    atomics::HostCas::new(guest, lent(bucket), key.into()).await.unwrap().unwrap()
}

#[tokio::test]
async fn only_a_granted_bucket_opens() {
    let mut guest = guest();
    assert!(matches!(guest.open("other".into()).await, Ok(Err(Error::NoSuchStore))));
    assert!(matches!(guest.open("../default".into()).await, Ok(Err(Error::NoSuchStore))));
    let named = guest.open("default".into()).await.unwrap().unwrap();
    let unnamed = guest.open(String::new()).await.unwrap().unwrap();
    guest.set(lent(&named), "k".into(), b"1".to_vec()).await.unwrap().unwrap();
    assert_eq!(guest.get(lent(&unnamed), "k".into()).await.unwrap().unwrap(), Some(b"1".to_vec()));
    assert!(matches!(guest.set(lent(&named), String::new(), Vec::new()).await, Ok(Err(Error::Other(_)))));
}

#[tokio::test]
async fn a_swap_that_lost_gives_a_handle_that_has_seen_the_present_value() {
    let mut guest = guest();
    let bucket = guest.open("default".into()).await.unwrap().unwrap();
    let (first, second) = (seen(&mut guest, &bucket, "k").await, seen(&mut guest, &bucket, "k").await);
    assert_eq!(guest.current(Resource::new_borrow(first.rep())).await.unwrap().unwrap(), None);
    guest.swap(first, b"1".to_vec()).await.unwrap().unwrap();
    let Err(CasError::CasFailed(newer)) = guest.swap(second, b"2".to_vec()).await.unwrap() else {
        panic!("it had seen none")
    };
    assert_eq!(guest.current(Resource::new_borrow(newer.rep())).await.unwrap().unwrap(), Some(b"1".to_vec()));
    guest.swap(newer, b"2".to_vec()).await.unwrap().unwrap();
    assert_eq!(guest.get(bucket, "k".into()).await.unwrap().unwrap(), Some(b"2".to_vec()));
    assert_eq!(guest.state_bytes, 0, "what was swapped is held no longer");
}

#[tokio::test]
async fn values_that_are_held_take_no_more_memory_than_the_guest_may_have() {
    let mut guest = guest();
    let bucket = guest.open("default".into()).await.unwrap().unwrap();
    guest.set(lent(&bucket), "k".into(), vec![0; 1 << 20]).await.unwrap().unwrap();
    let (first, _second) = (seen(&mut guest, &bucket, "k").await, seen(&mut guest, &bucket, "k").await);
    let trapped = atomics::HostCas::new(&mut guest, lent(&bucket), "k".into()).await;
    assert!(trapped.unwrap_err().to_string().contains("limits.memory"));
    atomics::HostCas::drop(&mut guest, first).await.unwrap();
    seen(&mut guest, &bucket, "k").await;
}

#[tokio::test]
async fn buckets_that_are_never_closed_end_the_guest_and_not_the_host() {
    let mut guest = guest();
    let mut opened = 0;
    while guest.open("default".into()).await.is_ok() {
        opened += 1;
    }
    assert!((1_000..=10_000).contains(&opened), "{opened}");
}
