//! Fetching what a pipeline names by `s3://`, `gs://` or `az://`; everything else is somebody else's to fetch.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _};
use host_core::ports::{ArtifactError, ArtifactStream, Fetch, FetchError};
use object_store::ObjectStoreExt as _;
use parking_lot::Mutex;

use super::{Address, Config, Opened, Scheme, open};

/// How many buckets are remembered.
const REMEMBERED: usize = 64;

/// Fetches objects by URL.
pub struct ObjectFetcher {
    config: Config,
    allowed: Option<Vec<Address>>,
    own: Option<Address>,
    most: u64,
    others: Arc<dyn Fetch>,
    buckets: Mutex<HashMap<(&'static str, String), Opened>>,
}

impl ObjectFetcher {
    /// Fetches objects of at most `most` bytes; what is no object store's goes to `others`. Nothing below `own`, where
    /// the artifacts of every project lie, is ever fetched.
    ///
    /// # Errors
    /// When an address of the configuration cannot be read.
    pub fn new(
        config: Config,
        own: Option<&str>,
        most: u64,
        others: Arc<dyn Fetch>,
    ) -> Result<Self, super::AddressError> {
        let read = |all: &Vec<String>| all.iter().map(|it| it.parse()).collect::<Result<Vec<Address>, _>>();
        let allowed = config.inputs.as_ref().map(read).transpose()?;
        let own = own.map(str::parse).transpose()?;
        Ok(Self { config, allowed, own, most, others, buckets: Mutex::default() })
    }

    fn address(&self, url: &str) -> Result<Address, FetchError> {
        let address: Address = url.parse().map_err(|error: super::AddressError| refused(url, error.to_string()))?;
        if address.path.is_empty() {
            return Err(refused(url, "it names a bucket and no object".into()));
        }
        if self.own.as_ref().is_some_and(|own| own.holds(&address)) {
            let reason = "it lies where this host keeps its artifacts; name an artifact by its digest, sha256:…";
            return Err(refused(url, reason.into()));
        }
        if self.allowed.as_ref().is_some_and(|allowed| !allowed.iter().any(|it| it.holds(&address))) {
            return Err(refused(url, "`inputs` under [objects] in the host's configuration does not name it".into()));
        }
        Ok(address)
    }

    fn bucket(&self, url: &str, address: &Address) -> Result<Opened, FetchError> {
        let key = (address.scheme.as_str(), address.bucket.clone());
        if let Some(opened) = self.buckets.lock().get(&key) {
            return Ok(opened.clone());
        }
        let opened = open(address, &self.config).map_err(|reason| refused(url, reason))?;
        let mut buckets = self.buckets.lock();
        if buckets.len() >= REMEMBERED {
            buckets.clear();
        }
        buckets.insert(key, opened.clone());
        Ok(opened)
    }
}

#[async_trait]
impl Fetch for ObjectFetcher {
    async fn fetch(&self, url: &str) -> Result<ArtifactStream, FetchError> {
        if Scheme::of(url).is_none_or(|it| it == Scheme::File) {
            return self.others.fetch(url).await;
        }
        let address = self.address(url)?;
        let bucket = self.bucket(url, &address)?;
        let found = bucket.objects.get(&address.key()).await.map_err(|error| failed(url, &bucket, &error))?;
        if found.meta.size > self.most {
            return Err(refused(url, format!("it has more than {} bytes", self.most)));
        }
        let pieces = found.into_stream().map_err(move |error| ArtifactError::Source(bucket.said(&error)));
        Ok(pieces.boxed())
    }
}

fn failed(url: &str, bucket: &Opened, error: &object_store::Error) -> FetchError {
    let url = url.to_owned();
    match error {
        object_store::Error::NotFound { .. } => FetchError::Status { url, status: 404 },
        object_store::Error::Unauthenticated { .. } => FetchError::Status { url, status: 401 },
        object_store::Error::PermissionDenied { .. } => FetchError::Status { url, status: 403 },
        other => FetchError::Unreachable { url, reason: bucket.said(other) },
    }
}

fn refused(url: &str, reason: String) -> FetchError {
    // A query may hold a signature, and nothing before an `@` is for others' eyes.
    let shown = url.split(['?', '#']).next().unwrap_or_default();
    let shown = match (shown.split_once("://"), shown.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        _ => shown.to_owned(),
    };
    FetchError::Refused { url: shown, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Others;

    #[async_trait]
    impl Fetch for Others {
        async fn fetch(&self, url: &str) -> Result<ArtifactStream, FetchError> {
            Err(FetchError::Unreachable { url: url.into(), reason: "others".into() })
        }
    }

    async fn said(config: Config, url: &str) -> String {
        let fetcher = ObjectFetcher::new(config, Some("s3://weft/artifacts"), 100, Arc::new(Others)).unwrap();
        fetcher.fetch(url).await.err().unwrap().to_string()
    }

    #[tokio::test]
    async fn what_is_no_object_stores_goes_to_others() {
        for url in ["https://example.com/x", "http://example.com", "file:///etc/passwd", "x"] {
            assert!(said(Config::default(), url).await.ends_with("others"), "{url}");
        }
    }

    #[tokio::test]
    async fn only_objects_that_may_be_read_are_asked_for() {
        for (url, reason) in [
            ("s3://weft", "no object"),
            ("s3://weft/artifacts/sha256/ab/cd", "keeps its artifacts"),
            ("s3://weft/x/../artifacts/sha256/ab", "keeps its artifacts"),
            ("s3://me:canary@weft/x", "[objects]"),
            ("s3://weft/x?sig=canary", "[objects]"),
        ] {
            let error = said(Config::default(), url).await;
            assert!(error.contains(reason) && !error.contains("canary"), "{url}: {error}");
        }
        let config = Config { inputs: Some(vec!["s3://data/raw".into()]), ..Config::default() };
        assert!(said(config, "s3://data/other/x").await.contains("`inputs` under [objects]"));
        let config = Config { inputs: Some(vec!["data".into()]), ..Config::default() };
        assert!(ObjectFetcher::new(config, None, 1, Arc::new(Others)).is_err());
    }
}
