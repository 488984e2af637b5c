//! A static mirror: the files of an OCI image layout behind any web server, to read from.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use host_core::{Digest, package::PackageName};

use super::{
    ClientError, Mark, Place, Reference,
    folder::{MOST_INDEX, checked, marks_of, packages_of, parse_index, tagged},
};
use crate::layout::{Blob, Descriptor, Index, most};

/// Fetches files over HTTP, for whoever has no client of their own.
#[async_trait]
pub trait Download: Send + Sync {
    /// The bytes at `url`, at most `most` of them; nothing where there is no such file.
    async fn get(&self, url: &str, most: u64) -> Result<Option<Bytes>, String>;
}

/// A mirror behind a web server.
pub struct StaticMirror {
    base: String,
    web: Arc<dyn Download>,
    index: tokio::sync::OnceCell<Index>,
}

impl fmt::Debug for StaticMirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticMirror").field("base", &self.base).finish_non_exhaustive()
    }
}

impl StaticMirror {
    /// The mirror whose `index.json` lies at `base`.
    #[must_use]
    pub fn new(base: &str, web: Arc<dyn Download>) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), web, index: tokio::sync::OnceCell::new() }
    }

    /// The index, as it was when it was first asked for.
    async fn index(&self) -> Result<&Index, ClientError> {
        let read = || async {
            let bytes = self.get("index.json", MOST_INDEX).await?;
            let missing = || ClientError::NotFound(format!("there is no index.json at {}", self.base));
            parse_index(&self.base, &bytes.ok_or_else(missing)?)
        };
        self.index.get_or_try_init(read).await
    }

    async fn get(&self, file: &str, most: u64) -> Result<Option<Bytes>, ClientError> {
        let url = format!("{}/{file}", self.base);
        let unreachable = |why| ClientError::Unreachable { place: self.address(), why };
        self.web.get(&url, most).await.map_err(unreachable)
    }

    async fn by_digest(&self, digest: Digest, most: u64) -> Result<Option<Blob>, ClientError> {
        let bytes = self.get(&format!("blobs/sha256/{}", digest.hex()), most).await?;
        bytes.map(|bytes| checked(&self.base, digest, bytes)).transpose()
    }

    fn read_only(&self) -> ClientError {
        ClientError::Unsupported { place: self.address(), why: "is a mirror to read from" }
    }
}

#[async_trait]
impl Place for StaticMirror {
    fn address(&self) -> String {
        host_core::ports::shown_url(&self.base)
    }

    async fn tags(&self, package: &PackageName) -> Result<Vec<String>, ClientError> {
        Ok(tagged(self.index().await?, package).map(|(tag, _)| tag.to_owned()).collect())
    }

    async fn manifest(&self, package: &PackageName, reference: &Reference) -> Result<Option<Blob>, ClientError> {
        let digest = match reference {
            Reference::Digest(digest) => Some(*digest),
            Reference::Tag(tag) => {
                tagged(self.index().await?, package).find(|(it, _)| it == tag).map(|(_, found)| found.digest)
            }
        };
        match digest {
            Some(digest) => self.by_digest(digest, most::MANIFEST as u64).await,
            None => Ok(None),
        }
    }

    async fn blob(&self, _: &PackageName, descriptor: &Descriptor) -> Result<Bytes, ClientError> {
        let found = self.by_digest(descriptor.digest, descriptor.size).await?;
        let missing = || ClientError::NotFound(format!("{} is not at {}", descriptor.digest, self.address()));
        Ok(found.ok_or_else(missing)?.bytes)
    }

    async fn referrers(&self, package: &PackageName, subject: &Digest) -> Result<Vec<Descriptor>, ClientError> {
        let found = self.manifest(package, &Reference::referrers_of(subject)).await?;
        let index = found.map(|it| parse_index(&self.base, &it.bytes)).transpose()?;
        Ok(index.map(|it| it.manifests).unwrap_or_default())
    }

    async fn put_blob(&self, _: &PackageName, _: &Blob) -> Result<(), ClientError> {
        Err(self.read_only())
    }

    async fn put_manifest(&self, _: &PackageName, _: &Blob, _: Option<&str>) -> Result<(), ClientError> {
        Err(self.read_only())
    }

    async fn refer(&self, _: &PackageName, _: &Digest, _: Descriptor) -> Result<(), ClientError> {
        Err(self.read_only())
    }

    async fn packages(&self) -> Result<Vec<PackageName>, ClientError> {
        Ok(packages_of(self.index().await?))
    }

    async fn marks(&self, package: &PackageName) -> Result<BTreeMap<String, Vec<Mark>>, ClientError> {
        Ok(marks_of(self.index().await?, package))
    }
}
