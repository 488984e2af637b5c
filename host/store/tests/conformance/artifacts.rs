//! Bytes on disk, in memory and on S3, and the index of what they are.

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use host_core::{
    Digest,
    artifact::{Artifact, Kind},
    clock::SystemClock,
    page::PageRequest,
    ports::{ArtifactError, ArtifactStream, Artifacts},
};
use host_store::{ArtifactFilter, ArtifactStore, Failing, Fault};
use serde_json::json;

use crate::{
    home::{Home, project},
    s3::Bucket,
};

crate::facts! { artifacts_are_listed_newest_first }

async fn artifacts_are_listed_newest_first(home: Home) {
    let store = home.store().await;
    let artifact = |name: &str, kind, bytes: &str| Artifact {
        digest: Digest::of(bytes.as_bytes()),
        size: bytes.len() as u64,
        project: project(),
        name: name.into(),
        kind,
        media_type: None,
        metadata: json!({"z": "\u{0}", "a": [1.0]}),
        run: None,
        step: None,
        created_at: home.tick(),
    };
    let all = [
        artifact("wine", Kind::Dataset, "x"),
        artifact("model", Kind::Model, "y"),
        artifact("wine", Kind::Dataset, "x"),
    ];
    for it in &all {
        store.add_artifact(it).await.unwrap();
    }
    let list = async |filter: ArtifactFilter, limit| {
        store.artifacts(&project(), &filter, &PageRequest { limit: Some(limit), after: None }).await.unwrap()
    };
    let newest = list(ArtifactFilter::default(), 2).await;
    assert_eq!(newest.items.iter().map(|it| it.created_at).collect::<Vec<_>>(), [all[2].created_at, all[1].created_at]);
    assert!(newest.next.is_some());
    assert_eq!(serde_json::to_string(&newest.items[0].metadata).unwrap(), "{\"z\":\"\u{FFFD}\",\"a\":[1.0]}");
    let models = list(ArtifactFilter { kind: Some(Kind::Model), ..ArtifactFilter::default() }, 10).await;
    assert_eq!(models.items.len(), 1);
    assert_eq!(store.artifact(&project(), &Digest::of(b"x")).await.unwrap().created_at, all[2].created_at);
    assert!(store.artifact(&project(), &Digest::of(b"z")).await.is_err());
}

/// More than what is gathered in memory, in pieces of odd sizes.
fn large() -> Vec<Bytes> {
    (0..40u8).map(|number| Bytes::from(vec![number; 300_001 + usize::from(number)])).collect()
}

fn streamed(chunks: Vec<Bytes>) -> ArtifactStream {
    stream::iter(chunks).map(Ok).boxed()
}

async fn stores() -> (tempfile::TempDir, Vec<ArtifactStore>) {
    let folder = tempfile::tempdir().unwrap();
    let local = ArtifactStore::open(&folder.path().join("artifacts"), &SystemClock).await.unwrap();
    let mut stores = vec![local, ArtifactStore::memory().await.unwrap()];
    if let Some(bucket) = Bucket::fresh().await {
        stores.push(bucket.cold().await);
    }
    (folder, stores)
}

#[tokio::test]
async fn bytes_come_back_whole_however_they_went_in() {
    let (folder, stores) = stores().await;
    for (at, store) in stores.iter().enumerate() {
        for chunks in [vec![], vec![Bytes::from_static(b"hello")], large()] {
            let whole = chunks.concat();
            let digest = Digest::of(&whole);
            let file = folder.path().join(format!("in-{at}-{}", whole.len()));
            std::fs::write(&file, &whole).unwrap();
            let streamed_in = store.put_stream(streamed(chunks), u64::MAX, Some(digest)).await.unwrap();
            assert_eq!((streamed_in.digest, streamed_in.size), (digest, whole.len() as u64));
            assert_eq!(store.put_file(&file).await.unwrap(), streamed_in);
            assert_eq!(store.put(Bytes::from(whole.clone())).await.unwrap(), streamed_in);
            assert_eq!(store.get(&digest, u64::MAX).await.unwrap(), whole);
            let (size, stream) = store.stream(&digest).await.unwrap();
            let read: Vec<Bytes> = stream.try_collect().await.unwrap();
            assert_eq!((size, read.concat()), (whole.len() as u64, whole.clone()));
            assert_eq!(std::fs::read(store.file(&digest).await.unwrap()).unwrap(), whole);
            let out = folder.path().join(format!("out-{at}-{}", whole.len()));
            store.materialise(&digest, &out).await.unwrap();
            assert_eq!(std::fs::read(&out).unwrap(), whole);
            assert!(store.materialise(&digest, &out).await.is_err(), "only a new file is written");
            assert_eq!(store.size(&digest).await.unwrap(), Some(whole.len() as u64));
        }
    }
}

#[tokio::test]
async fn what_is_missing_is_not_found() {
    let (folder, stores) = stores().await;
    let digest = Digest::of(b"nobody");
    for store in stores {
        let missing =
            |result: Result<(), ArtifactError>| matches!(result, Err(ArtifactError::NotFound(it)) if it == digest);
        assert!(missing(store.get(&digest, 10).await.map(drop)));
        assert!(missing(store.stream(&digest).await.map(drop)));
        assert!(missing(store.file(&digest).await.map(drop)));
        assert!(missing(store.materialise(&digest, &folder.path().join("x")).await));
        assert_eq!(store.size(&digest).await.unwrap(), None);
    }
    assert!(!folder.path().join("x").exists());
}

#[tokio::test]
async fn an_upload_that_is_too_large_wrong_or_broken_off_leaves_nothing() {
    let (folder, stores) = stores().await;
    for store in &stores {
        let most = large().concat().len() as u64 - 1;
        assert!(matches!(store.put_stream(streamed(large()), most, None).await, Err(ArtifactError::TooLarge(_))));
        let expected = Digest::of(b"else");
        let wrong = store.put_stream(streamed(large()), u64::MAX, Some(expected)).await;
        assert!(matches!(wrong, Err(ArtifactError::Damaged { .. })));
        let broken = stream::iter(large()).map(Ok).chain(stream::iter([Err(ArtifactError::Source("gone".into()))]));
        assert!(matches!(store.put_stream(broken.boxed(), u64::MAX, None).await, Err(ArtifactError::Source(_))));
        assert_eq!(store.size(&Digest::of(&large().concat())).await.unwrap(), None);
        assert_eq!(store.size(&expected).await.unwrap(), None);
    }
    let left = std::fs::read_dir(folder.path().join("artifacts/incoming")).map(|it| it.count()).unwrap_or(0);
    assert_eq!(left, 0);
    let small = stores[0].put(Bytes::from_static(b"12345")).await.unwrap();
    assert!(matches!(stores[0].get(&small.digest, 4).await, Err(ArtifactError::TooLarge(4))));
}

#[tokio::test]
async fn damage_is_noticed_and_mended_by_storing_again() {
    let (folder, stores) = stores().await;
    let store = &stores[0];
    let blob = store.put(Bytes::from_static(b"hello")).await.unwrap();
    let file = store.file(&blob.digest).await.unwrap();
    assert!(file.starts_with(folder.path().canonicalize().unwrap().join("artifacts/sha256")), "{}", file.display());
    std::fs::write(&file, "hellish").unwrap();
    let is_damaged = |result: Result<(), ArtifactError>| matches!(result, Err(ArtifactError::Damaged { .. }));
    assert!(is_damaged(store.get(&blob.digest, 100).await.map(drop)));
    assert!(is_damaged(store.file(&blob.digest).await.map(drop)), "although it was whole before");
    let out = folder.path().join("out");
    assert!(is_damaged(store.materialise(&blob.digest, &out).await));
    assert!(!out.exists());
    let (_, stream) = store.stream(&blob.digest).await.unwrap();
    assert!(is_damaged(stream.try_collect::<Vec<_>>().await.map(drop)));
    store.put(Bytes::from_static(b"hello")).await.unwrap();
    assert_eq!(store.get(&blob.digest, 100).await.unwrap(), "hello");
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(store.file(&blob.digest).await, Err(ArtifactError::NotFound(_))));
}

#[tokio::test]
async fn many_can_store_the_same_bytes_at_once() {
    let (_folder, stores) = stores().await;
    for store in &stores {
        let puts = (0..8).map(|_| store.put_stream(streamed(large()), u64::MAX, None));
        let blobs = futures_util::future::try_join_all(puts).await.unwrap();
        assert!(blobs.iter().all(|it| *it == blobs[0]));
        assert_eq!(store.get(&blobs[0].digest, u64::MAX).await.unwrap(), large().concat());
    }
}

#[tokio::test]
async fn a_store_can_be_made_to_fail() {
    let put = async |store: &Failing<ArtifactStore>| store.put(Bytes::from_static(b"x")).await.is_ok();
    let once = Failing::new(ArtifactStore::memory().await.unwrap(), Fault::NthPut(2));
    assert_eq!([put(&once).await, put(&once).await, put(&once).await], [true, false, true]);
    let full = Failing::new(ArtifactStore::memory().await.unwrap(), Fault::FullFrom(2));
    assert_eq!([put(&full).await, put(&full).await, put(&full).await], [true, false, false]);
    assert_eq!(full.get(&Digest::of(b"x"), 10).await.unwrap(), "x");
}
