//! A folder of packages: an OCI image layout, which is also what a mirror for a site without network is.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;
use host_core::{Digest, package::PackageName};
use tokio::{fs, io::AsyncReadExt as _};

use super::{ClientError, Mark, Place, Reference};
use crate::layout::{Blob, Descriptor, Index, media, most};

/// Where a tag stands in the index of an image layout.
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// What is said of a tag beside its manifest, and nothing signs.
pub(super) const MARKS: &str = "io.weft.marks";
/// The most bytes of an index.
pub(super) const MOST_INDEX: u64 = 64 << 20;

const LAYOUT: &str = "oci-layout";
const VERSION: &[u8] = b"{\"imageLayoutVersion\":\"1.0.0\"}";

/// A folder of packages.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// One change of the index at a time.
    turn: tokio::sync::Mutex<()>,
}

impl Folder {
    /// The folder at `root`, which need not be there before something is put into it.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root, turn: tokio::sync::Mutex::default() }
    }

    /// Says of a version what its manifest does not.
    ///
    /// # Errors
    /// When it is not there, or the index cannot be written.
    pub async fn mark(&self, package: &PackageName, tag: &str, marks: &[Mark]) -> Result<(), ClientError> {
        let name = ref_name(package, tag);
        self.change(|index| {
            let found = index.manifests.iter_mut().find(|it| it.annotations.get(REF_NAME) == Some(&name));
            let found = found.ok_or_else(|| ClientError::NotFound(format!("{package}@{tag} is not there")))?;
            match marks {
                [] => drop(found.annotations.remove(MARKS)),
                _ => drop(found.annotations.insert(MARKS.into(), Mark::write(marks))),
            }
            Ok(())
        })
        .await
    }

    fn blob_file(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs").join("sha256").join(digest.hex())
    }

    async fn index(&self) -> Result<Index, ClientError> {
        let file = self.root.join("index.json");
        match read(&file, MOST_INDEX).await? {
            None => Ok(Index::default()),
            Some(bytes) => parse_index(&file.display().to_string(), &bytes),
        }
    }

    /// Changes the index in one step, so that whoever reads it sees it before or after.
    async fn change(
        &self,
        change: impl FnOnce(&mut Index) -> Result<(), ClientError> + Send,
    ) -> Result<(), ClientError> {
        let _turn = self.turn.lock().await;
        let mut index = self.index().await?;
        change(&mut index)?;
        let bytes = serde_json::to_vec_pretty(&index).expect("texts and numbers are JSON");
        write(&self.root.join(LAYOUT), VERSION).await?;
        write(&self.root.join("index.json"), &bytes).await
    }
}

/// `namespace/name:tag`, as an image layout names it.
pub(super) fn ref_name(package: &PackageName, tag: &str) -> String {
    format!("{package}:{tag}")
}

/// The tags of a package in an index, with their descriptors.
pub(super) fn tagged<'i>(
    index: &'i Index,
    package: &PackageName,
) -> impl Iterator<Item = (&'i str, &'i Descriptor)> + use<'i> {
    let prefix = format!("{package}:");
    index.manifests.iter().filter_map(move |it| {
        let tag = it.annotations.get(REF_NAME)?.strip_prefix(&prefix)?;
        Some((tag, it))
    })
}

/// The packages of an index.
pub(super) fn packages_of(index: &Index) -> Vec<PackageName> {
    let named = index.manifests.iter().filter_map(|it| it.annotations.get(REF_NAME)?.split_once(':')?.0.parse().ok());
    let mut packages: Vec<PackageName> = named.collect();
    packages.sort();
    packages.dedup();
    packages
}

/// What is said of the tags of a package in an index.
pub(super) fn marks_of(index: &Index, package: &PackageName) -> BTreeMap<String, Vec<Mark>> {
    let marked = tagged(index, package).filter_map(|(tag, it)| Some((tag.to_owned(), it.annotations.get(MARKS)?)));
    marked.map(|(tag, text)| (tag, Mark::read(text))).collect()
}

pub(super) fn parse_index(place: &str, bytes: &[u8]) -> Result<Index, ClientError> {
    serde_json::from_slice(bytes).map_err(|error| ClientError::Unreachable {
        place: place.to_owned(),
        why: format!("its index cannot be read: {error}"),
    })
}

/// Bytes that have to be those that were named.
pub(super) fn checked(place: &str, expected: Digest, bytes: Bytes) -> Result<Blob, ClientError> {
    let blob = Blob::new(bytes);
    if blob.digest == expected {
        Ok(blob)
    } else {
        Err(ClientError::Tampered { place: place.to_owned(), found: blob.digest, expected })
    }
}

/// A file, or nothing where there is none.
async fn read(file: &Path, most: u64) -> Result<Option<Bytes>, ClientError> {
    let failed = |error| ClientError::File { verb: "read", file: file.display().to_string(), error };
    let mut open = match fs::File::open(file).await {
        Ok(open) => open,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    (&mut open).take(most + 1).read_to_end(&mut bytes).await.map_err(failed)?;
    if bytes.len() as u64 > most {
        let what = "it".to_owned();
        return Err(ClientError::TooLarge { place: file.display().to_string(), what, most });
    }
    Ok(Some(bytes.into()))
}

/// A file in one step, with the folders it lies in.
async fn write(file: &Path, bytes: &[u8]) -> Result<(), ClientError> {
    let failed = |error| ClientError::File { verb: "write", file: file.display().to_string(), error };
    let draft = file.with_extension(format!("new{}", std::process::id()));
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).await.map_err(failed)?;
    }
    fs::write(&draft, bytes).await.map_err(failed)?;
    fs::rename(&draft, file).await.map_err(failed)
}

#[async_trait]
impl Place for Folder {
    fn address(&self) -> String {
        self.root.display().to_string()
    }

    async fn tags(&self, package: &PackageName) -> Result<Vec<String>, ClientError> {
        Ok(tagged(&self.index().await?, package).map(|(tag, _)| tag.to_owned()).collect())
    }

    async fn manifest(&self, package: &PackageName, reference: &Reference) -> Result<Option<Blob>, ClientError> {
        let digest = match reference {
            Reference::Digest(digest) => *digest,
            Reference::Tag(tag) => {
                let index = self.index().await?;
                match tagged(&index, package).find(|(it, _)| it == tag) {
                    Some((_, found)) => found.digest,
                    None => return Ok(None),
                }
            }
        };
        let bytes = read(&self.blob_file(&digest), most::MANIFEST as u64).await?;
        bytes.map(|bytes| checked(&self.address(), digest, bytes)).transpose()
    }

    async fn blob(&self, _: &PackageName, descriptor: &Descriptor) -> Result<Bytes, ClientError> {
        let bytes = read(&self.blob_file(&descriptor.digest), descriptor.size).await?;
        let missing = || ClientError::NotFound(format!("{} is not in {}", descriptor.digest, self.address()));
        Ok(checked(&self.address(), descriptor.digest, bytes.ok_or_else(missing)?)?.bytes)
    }

    async fn referrers(&self, package: &PackageName, subject: &Digest) -> Result<Vec<Descriptor>, ClientError> {
        let found = self.manifest(package, &Reference::referrers_of(subject)).await?;
        let index = found.map(|it| parse_index(&self.address(), &it.bytes)).transpose()?;
        Ok(index.map(|it| it.manifests).unwrap_or_default())
    }

    async fn put_blob(&self, _: &PackageName, blob: &Blob) -> Result<(), ClientError> {
        let file = self.blob_file(&blob.digest);
        if fs::metadata(&file).await.is_ok_and(|it| it.len() == blob.bytes.len() as u64) {
            return Ok(());
        }
        write(&file, &blob.bytes).await
    }

    async fn put_manifest(&self, package: &PackageName, blob: &Blob, tag: Option<&str>) -> Result<(), ClientError> {
        self.put_blob(package, blob).await?;
        let Some(tag) = tag else { return Ok(()) };
        let name = ref_name(package, tag);
        // What is listed under such a tag is an index; everything else is a manifest.
        let kind = if tag.starts_with("sha256-") { media::INDEX } else { media::MANIFEST };
        let mut descriptor = blob.descriptor(kind);
        descriptor.annotations.insert(REF_NAME.into(), name.clone());
        self.change(|index| {
            index.manifests.retain(|it| it.annotations.get(REF_NAME) != Some(&name));
            index.manifests.push(descriptor);
            index.manifests.sort_by(|a, b| a.annotations.get(REF_NAME).cmp(&b.annotations.get(REF_NAME)));
            Ok(())
        })
        .await
    }

    async fn refer(&self, package: &PackageName, subject: &Digest, referrer: Descriptor) -> Result<(), ClientError> {
        super::packages::list_by_tag(self, package, subject, referrer).await
    }

    async fn packages(&self) -> Result<Vec<PackageName>, ClientError> {
        Ok(packages_of(&self.index().await?))
    }

    async fn marks(&self, package: &PackageName) -> Result<BTreeMap<String, Vec<Mark>>, ClientError> {
        Ok(marks_of(&self.index().await?, package))
    }
}
