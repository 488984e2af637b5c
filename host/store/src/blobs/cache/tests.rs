//! The bound of the cache, and what may be let go of.

use proptest::prelude::*;

use super::*;

fn bytes(number: u8, size: usize) -> (Digest, Vec<u8>) {
    let bytes = vec![number; size];
    (Digest::of(&bytes), bytes)
}

async fn kept(cache: &Cache, number: u8, size: usize) -> HeldFile {
    let (digest, bytes) = bytes(number, size);
    let mut draft = cache.draft().await.unwrap();
    draft.write(&bytes).await.unwrap();
    cache.keep(draft, digest).await.unwrap()
}

/// The copies that lie in the folder.
fn on_disk(parent: &Path) -> Vec<u64> {
    let copies = found(&parent.join("0"));
    let mut sizes: Vec<u64> = copies.into_iter().map(|(_, size)| size).collect();
    sizes.sort_unstable();
    sizes
}

#[tokio::test]
async fn who_was_used_last_stays_longest() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), 100).unwrap();
    for (number, size) in [(1, 40), (2, 41)] {
        drop(kept(&cache, number, size).await);
    }
    drop(cache.take(&bytes(1, 40).0).unwrap());
    drop(kept(&cache, 3, 42).await);
    assert_eq!(on_disk(folder.path()), [40, 42]);
    assert!(cache.take(&bytes(2, 41).0).is_none());
}

#[tokio::test]
async fn what_is_in_use_stays_and_goes_with_its_last_user() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), 100).unwrap();
    let (first, second) = (kept(&cache, 1, 90).await, kept(&cache, 2, 91).await);
    let again = cache.take(&bytes(1, 90).0).unwrap().0;
    assert!(first.exists() && second.exists(), "although they are too many");
    drop(second);
    drop(first);
    assert_eq!(on_disk(folder.path()), [90]);
    cache.forget(&bytes(1, 90).0);
    assert!(again.exists() && cache.take(&bytes(1, 90).0).is_none());
    drop(again);
    assert_eq!(on_disk(folder.path()), [0_u64; 0]);
}

#[tokio::test]
async fn what_is_larger_than_the_cache_is_used_and_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), 100).unwrap();
    let large = kept(&cache, 1, 1_000).await;
    assert_eq!(fs::read(&*large).unwrap().len(), 1_000);
    drop(large);
    assert_eq!((on_disk(folder.path()), cache.shelf.lock().bytes()), (vec![], 0));
}

#[tokio::test]
async fn a_crash_leaves_copies_that_are_found_and_drafts_that_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), 100).unwrap();
    drop(kept(&cache, 1, 40).await);
    let mut draft = cache.draft().await.unwrap();
    draft.write(b"half").await.unwrap();
    draft.finish().await.unwrap();
    // As a crash does: nobody drops the draft.
    std::mem::forget(draft);
    let second = Cache::open(folder.path(), 100).unwrap();
    assert!(second.folder.ends_with("1"), "another host has a folder of its own");
    drop((cache, second));
    let cache = Cache::open(folder.path(), 100).unwrap();
    let (_, whole) = cache.take(&bytes(1, 40).0).unwrap();
    assert_eq!(whole, None, "it is hashed before it is believed");
    assert_eq!(fs::read_dir(folder.path().join("0")).unwrap().count(), 2, "the copy and the lock");
    drop(cache);
    Cache::open(folder.path(), 10).unwrap();
    assert_eq!(on_disk(folder.path()), [0_u64; 0], "a smaller bound holds at once");
}

#[derive(Debug, Clone)]
enum Deed {
    Keep(u8),
    Take(u8),
    Drop(usize),
    Forget(u8),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        3 => (0..12_u8).prop_map(Deed::Keep),
        2 => (0..12_u8).prop_map(Deed::Take),
        3 => (0..8_usize).prop_map(Deed::Drop),
        1 => (0..12_u8).prop_map(Deed::Forget),
    ];
    prop::collection::vec(deed, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_bound_holds_for_all_that_nobody_uses(deeds in deeds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let cache = Cache::open(folder.path(), 100).unwrap();
            let size = |number: u8| 10 + usize::from(number) * 5;
            let mut held = Vec::new();
            for deed in deeds {
                match deed {
                    Deed::Keep(number) => held.push((number, kept(&cache, number, size(number)).await)),
                    Deed::Take(number) => held.extend(cache.take(&bytes(number, size(number)).0).map(|it| (number, it.0))),
                    Deed::Drop(at) if !held.is_empty() => drop(held.swap_remove(at % held.len())),
                    Deed::Drop(_) => {}
                    Deed::Forget(number) => cache.forget(&bytes(number, size(number)).0),
                }
                for (number, file) in &held {
                    assert_eq!(fs::read(&**file).unwrap().len(), size(*number), "what is held can be read");
                }
                let used: u64 = {
                    let mut numbers: Vec<u8> = held.iter().map(|(number, _)| *number).collect();
                    numbers.sort_unstable();
                    numbers.dedup();
                    numbers.into_iter().map(|it| size(it) as u64).sum()
                };
                let total: u64 = on_disk(folder.path()).iter().sum();
                assert_eq!(total, cache.shelf.lock().bytes(), "what is counted is what is there");
                assert!(total <= used.max(100), "{total} bytes, of which {used} are in use");
            }
        });
    }
}
