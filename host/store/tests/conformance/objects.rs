//! Artifacts in an object store that fails half-way, and inputs by `s3://`.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use host_core::{
    Digest,
    clock::SystemClock,
    ports::{ArtifactError, ArtifactStream, Artifacts, Fetch, FetchError},
    size::Millis,
};
use host_store::{
    ArtifactStore, OpenError, Store,
    objects::{ObjectFetcher, Scheme},
};

use crate::s3::{Bucket, Fault, Proxy, SECRET};

const CACHE: u64 = 64 << 20;

/// More than one part, in pieces of odd sizes.
fn large() -> Vec<Bytes> {
    (0..60_u8).map(|number| Bytes::from(vec![number; 300_001 + usize::from(number)])).collect()
}

fn streamed(chunks: Vec<Bytes>) -> ArtifactStream {
    stream::iter(chunks).map(Ok).boxed()
}

async fn read(store: &ArtifactStore, digest: &Digest) -> Result<Vec<u8>, ArtifactError> {
    let (_, stream) = store.stream(digest).await?;
    Ok(stream.try_collect::<Vec<_>>().await?.concat())
}

/// Stores something large through a proxy, and reads it with nothing in the cache.
async fn stored_through(bucket: &Bucket, what: &'static str, faults: &[Fault]) -> Result<Proxy, ArtifactError> {
    let proxy = Proxy::open(&bucket.server, what, faults.iter().copied()).await;
    let store = bucket.store(&proxy.address, "weft", CACHE).await.unwrap();
    let whole = large().concat();
    let blob = store.put_stream(streamed(large()), u64::MAX, Some(Digest::of(&whole))).await?;
    assert_eq!(read(&bucket.cold().await, &blob.digest).await.unwrap(), whole);
    Ok(proxy)
}

#[tokio::test]
async fn what_one_host_stores_another_reads() {
    let Some(bucket) = Bucket::fresh().await else { return };
    let store = bucket.cold().await;
    for chunks in [vec![], vec![Bytes::from_static(b"hello")], large()] {
        let whole = chunks.concat();
        let blob = store.put_stream(streamed(chunks), u64::MAX, None).await.unwrap();
        let other = bucket.cold().await;
        assert_eq!(other.size(&blob.digest).await.unwrap(), Some(whole.len() as u64));
        assert_eq!(read(&other, &blob.digest).await.unwrap(), whole);
        assert_eq!(other.get(&blob.digest, u64::MAX).await.unwrap(), whole);
        let held = other.hold(&blob.digest).await.unwrap();
        assert_eq!(std::fs::read(&*held).unwrap(), whole);
    }
    assert_eq!(bucket.unfinished().await, 0);
}

#[tokio::test]
async fn a_server_that_fails_now_and_then_is_asked_again() {
    let Some(bucket) = Bucket::fresh().await else { return };
    let proxy =
        stored_through(&bucket, "partNumber=2", &[Fault::Broken, Fault::Lost, Fault::Unanswered]).await.unwrap();
    assert_eq!(proxy.seen().iter().filter(|it| it.contains("partnumber=2")).count(), 4);
    assert_eq!(bucket.unfinished().await, 0);
}

#[tokio::test]
async fn an_upload_that_fails_half_way_leaves_nothing() {
    let Some(bucket) = Bucket::fresh().await else { return };
    let error = stored_through(&bucket, "partNumber=2", &[Fault::Forbidden; 9]).await.err().unwrap();
    assert!(matches!(error, ArtifactError::Storage(_)), "{error}");
    assert!(!error.to_string().contains(SECRET), "{error}");
    assert_eq!(bucket.unfinished().await, 0);
    let digest = Digest::of(&large().concat());
    assert_eq!(bucket.cold().await.size(&digest).await.unwrap(), None);
}

#[tokio::test]
async fn an_answer_that_is_lost_does_not_make_a_stored_artifact_an_error() {
    let Some(bucket) = Bucket::fresh().await else { return };
    let proxy = Proxy::open(&bucket.server, "PUT /", [Fault::Unanswered; 3]).await;
    // The first of them is the identity of the store; the others are two tries of the same bytes.
    let store = bucket.store(&proxy.address, "weft", CACHE).await.unwrap();
    assert_eq!(store.id(), bucket.cold().await.id());
    let blob = store.put(Bytes::from_static(b"hello")).await.unwrap();
    assert_eq!(read(&bucket.cold().await, &blob.digest).await.unwrap(), b"hello");
}

#[tokio::test]
async fn a_download_that_breaks_off_goes_on_where_it_was() {
    let Some(bucket) = Bucket::fresh().await else { return };
    let whole = large().concat();
    let blob = bucket.cold().await.put(Bytes::from(whole.clone())).await.unwrap();
    for fault in [Fault::HalfAnswered, Fault::Stalled] {
        let proxy = Proxy::open(&bucket.server, "/sha256/", [fault, Fault::Broken]).await;
        let store = bucket.store(&proxy.address, "weft", CACHE).await.unwrap();
        assert_eq!(read(&store, &blob.digest).await.unwrap(), whole, "{fault:?}");
        let ranges = proxy.seen().iter().filter(|it| it.contains("\r\nrange: bytes=")).count();
        assert!(ranges > 0, "{:?}", proxy.seen());
    }
}

#[tokio::test]
async fn a_download_that_always_breaks_off_is_an_error_in_the_end_and_no_damage() {
    let Some(bucket) = Bucket::fresh().await else { return };
    let blob = bucket.cold().await.put(Bytes::from(large().concat())).await.unwrap();
    let proxy = Proxy::open(&bucket.server, "/sha256/", [Fault::HalfAnswered; 99]).await;
    let store = bucket.store(&proxy.address, "weft", CACHE).await.unwrap();
    let error = store.hold(&blob.digest).await.unwrap_err();
    assert!(matches!(error, ArtifactError::Storage(_)), "{error}");
    assert!(proxy.seen().len() < 20, "it is not asked for ever: {}", proxy.seen().len());
}

#[tokio::test]
async fn bytes_that_are_not_what_they_were_are_never_handed_out_as_a_file() {
    let Some(bucket) = Bucket::fresh().await else { return };
    let blob = bucket.cold().await.put(Bytes::from(large().concat())).await.unwrap();
    let proxy = Proxy::open(&bucket.server, "/sha256/", [Fault::Changed; 3]).await;
    let store = bucket.store(&proxy.address, "weft", CACHE).await.unwrap();
    assert!(matches!(store.hold(&blob.digest).await, Err(ArtifactError::Damaged { .. })));
    assert!(matches!(read(&store, &blob.digest).await, Err(ArtifactError::Damaged { .. })));
    assert!(matches!(store.get(&blob.digest, u64::MAX).await, Err(ArtifactError::Damaged { .. })));
    assert_eq!(std::fs::read(&*store.hold(&blob.digest).await.unwrap()).unwrap(), large().concat());
}

#[tokio::test]
async fn many_who_want_the_same_bytes_fetch_them_once() {
    let Some(bucket) = Bucket::fresh().await else { return };
    let blob = bucket.cold().await.put(Bytes::from(large().concat())).await.unwrap();
    let proxy = Proxy::open(&bucket.server, "-", []).await;
    let store = bucket.store(&proxy.address, "weft", CACHE).await.unwrap();
    let held = futures_util::future::try_join_all((0..8).map(|_| store.hold(&blob.digest))).await.unwrap();
    assert!(held.iter().all(|it| it.is_file()));
    assert_eq!(proxy.seen().iter().filter(|it| it.starts_with("get ") && it.contains("/sha256/")).count(), 1);
}

#[tokio::test]
async fn a_copy_that_was_damaged_on_disk_is_fetched_anew() {
    let Some(bucket) = Bucket::fresh().await else { return };
    let store = bucket.cold().await;
    let blob = store.put(Bytes::from_static(b"hello")).await.unwrap();
    let held = store.hold(&blob.digest).await.unwrap();
    std::fs::write(&*held, "hellish").unwrap();
    assert_eq!(read(&store, &blob.digest).await.unwrap(), b"hello");
    drop(held);
    assert_eq!(std::fs::read(&*store.hold(&blob.digest).await.unwrap()).unwrap(), b"hello");
}

#[tokio::test]
async fn a_small_cache_holds_its_bound_and_every_read_works() {
    let Some(bucket) = Bucket::fresh().await else { return };
    let store = bucket.store(&bucket.server, "weft", 1 << 20).await.unwrap();
    let mut blobs = Vec::new();
    for number in 0..6_u8 {
        blobs.push(store.put(Bytes::from(vec![number; 300 << 10])).await.unwrap());
    }
    for blob in blobs.iter().chain(&blobs) {
        let held = store.hold(&blob.digest).await.unwrap();
        assert_eq!(Digest::of(&std::fs::read(&*held).unwrap()), blob.digest);
        let folder = held.parent().unwrap();
        let kept: u64 = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().metadata().unwrap().len()).sum();
        assert!(kept <= 1 << 20, "{kept}");
    }
    let large = store.put_stream(streamed(large()), u64::MAX, None).await.unwrap();
    assert_eq!(std::fs::metadata(&*store.hold(&large.digest).await.unwrap()).unwrap().len(), large.size);
}

#[tokio::test]
async fn hosts_know_a_store_by_its_identity_wherever_it_lies() {
    let Some(bucket) = Bucket::fresh().await else { return };
    let [ours, again, others] = [
        bucket.store(&bucket.server, "ours", CACHE).await.unwrap(),
        bucket.store(&bucket.server, "ours", CACHE).await.unwrap(),
        bucket.store(&bucket.server, "others", CACHE).await.unwrap(),
    ];
    let store = Store::memory(Arc::new(SystemClock)).await.unwrap();
    store.adopt(&ours).await.unwrap();
    store.adopt(&again).await.unwrap();
    assert!(matches!(store.adopt(&others).await, Err(OpenError::OtherArtifacts { .. })));
}

#[tokio::test]
async fn a_store_that_cannot_be_used_says_why_and_no_secret() {
    let Some(bucket) = Bucket::fresh().await else { return };
    let proxy = Proxy::open(&bucket.server, "/", [Fault::Forbidden; 9]).await;
    let error = bucket.store(&proxy.address, "weft", CACHE).await.err().unwrap();
    assert!(matches!(&error, OpenError::Objects { address, .. } if address.contains(&bucket.name)), "{error}");
    assert!(!error.to_string().contains(SECRET), "{error}");
}

struct Others;

#[async_trait::async_trait]
impl Fetch for Others {
    async fn fetch(&self, url: &str) -> Result<ArtifactStream, FetchError> {
        panic!("{url} is an object store's");
    }
}

#[tokio::test]
async fn an_object_is_fetched_by_its_url() {
    let Some(bucket) = Bucket::fresh().await else { return };
    bucket.put("raw/red%20wine.csv", b"a,b\n1,2\n").await;
    let fetcher = |server: &str| {
        let objects = host_store::objects::Config { retry_for: Millis(5_000), ..bucket.objects(server) };
        let own = format!("s3://{}/weft", bucket.name);
        ObjectFetcher::new(objects, Some(&own), 100, Arc::new(Others)).unwrap()
    };
    let url = |key: &str| format!("s3://{}/{key}", bucket.name);
    let text = async |stream: ArtifactStream| stream.try_collect::<Vec<_>>().await.map(|it| it.concat());
    let direct = fetcher(&bucket.server);
    assert_eq!(text(direct.fetch(&url("raw/red%20wine.csv")).await.unwrap()).await.unwrap(), b"a,b\n1,2\n");
    assert!(matches!(direct.fetch(&url("raw/none")).await, Err(FetchError::Status { status: 404, .. })));
    assert!(matches!(direct.fetch(&url("weft/sha256/ab/cd")).await, Err(FetchError::Refused { .. })));
    bucket.put("large", &[0; 101]).await;
    assert!(matches!(direct.fetch(&url("large")).await, Err(FetchError::Refused { .. })));
    let proxy = Proxy::open(&bucket.server, "/raw/", [Fault::Forbidden]).await;
    let denied = fetcher(&proxy.address).fetch(&url("raw/red%20wine.csv")).await;
    assert!(matches!(denied, Err(FetchError::Status { status: 403, .. })));
    let proxy = Proxy::open(&bucket.server, "/raw/", [Fault::Broken, Fault::HalfAnswered]).await;
    let stream = fetcher(&proxy.address).fetch(&url("raw/red%20wine.csv")).await.unwrap();
    assert_eq!(text(stream).await.unwrap(), b"a,b\n1,2\n");
    assert_eq!(Scheme::of("s3://x/y"), Some(Scheme::S3));
}
