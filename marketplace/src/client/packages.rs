//! What is done with packages wherever they are kept: choose, fetch, explain, publish, sign, copy.

use bytes::Bytes;
use host_core::{
    Digest,
    package::{PackageName, newest},
};
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use super::{ClientError, Place, Reference};
use crate::layout::{self, Artifact, Blob, Descriptor, Docs, Index, Package, Packed, media};

/// The most referrers of one package that are looked at.
const MOST_REFERRERS: usize = 64;

/// What is said of a version beside its manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Nobody should begin to use it, for this reason.
    Yanked(String),
    /// Use this in the package's place.
    Deprecated(String),
}

impl Mark {
    pub(super) fn write(marks: &[Self]) -> String {
        serde_json::to_string(marks).expect("texts are JSON")
    }

    pub(super) fn read(text: &str) -> Vec<Self> {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// What to use in the package's place, where that was said.
    #[must_use]
    pub fn deprecated(marks: &[Self]) -> Option<&str> {
        marks.iter().find_map(|it| if let Self::Deprecated(message) = it { Some(message.as_str()) } else { None })
    }

    /// Why the version was taken back, if it was.
    #[must_use]
    pub fn yanked(marks: &[Self]) -> Option<&str> {
        marks.iter().find_map(|it| if let Self::Yanked(why) = it { Some(why.as_str()) } else { None })
    }
}

/// A package as it was found, with its manifest byte for byte.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched {
    /// What it says.
    pub package: Package,
    /// Its manifest.
    pub manifest: Blob,
    /// The envelopes of its signatures, which nobody has looked at.
    pub signatures: Vec<Bytes>,
    /// What explains it, where that is there.
    pub docs: Option<Blob>,
}

/// What came of publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It is there now.
    New,
    /// It was there already, byte for byte.
    Same,
}

/// The versions of a package, lowest first.
///
/// # Errors
/// When the place does not answer.
pub async fn versions(place: &dyn Place, name: &PackageName) -> Result<Vec<Version>, ClientError> {
    let tags = place.tags(name).await?;
    let mut versions: Vec<Version> = tags.iter().filter_map(|it| it.parse().ok()).collect();
    versions.sort();
    Ok(versions)
}

/// The version to take: the highest that fits and was not taken back. One that is named exactly is taken even so.
#[must_use]
pub fn choose<'v>(
    versions: impl IntoIterator<Item = &'v Version>,
    wanted: Option<&str>,
    is_yanked: impl Fn(&Version) -> bool,
) -> Option<&'v Version> {
    let mut all = versions.into_iter();
    let Some(wanted) = wanted else { return newest(all.filter(|it| !is_yanked(it))) };
    if let Ok(exact) = wanted.parse::<Version>() {
        return all.find(|it| **it == exact);
    }
    let range: VersionReq = wanted.parse().ok()?;
    all.filter(|it| range.matches(it) && !is_yanked(it)).max()
}

/// A version of a package, with what refers to it.
///
/// # Errors
/// When it is not there, is no package, or is another one than its place says.
pub async fn fetch(place: &dyn Place, name: &PackageName, version: &Version) -> Result<Fetched, ClientError> {
    let missing = || ClientError::NotFound(format!("there is no {name}@{version} at {}", place.address()));
    let manifest = place.manifest(name, &Reference::Tag(version.to_string())).await?.ok_or_else(missing)?;
    let wrong = |error| ClientError::Layout { package: format!("{name}@{version}"), error };
    let package = layout::read(&manifest.bytes).map_err(wrong)?;
    if package.id.package != *name || package.id.version != *version {
        let why = format!("it gave {} when it was asked for {name}@{version}", package.id);
        return Err(ClientError::Refused { place: place.address(), why });
    }
    let referrers = place.referrers(name, &manifest.digest).await?;
    let mut fetched = Fetched { package, manifest, signatures: Vec::new(), docs: None };
    for descriptor in referrers.iter().take(MOST_REFERRERS) {
        collect(place, name, &mut fetched, descriptor).await?;
    }
    Ok(fetched)
}

/// Looks at one of the things that refer to a package. One that is broken, or of no known kind, says nothing.
async fn collect(
    place: &dyn Place,
    name: &PackageName,
    into: &mut Fetched,
    descriptor: &Descriptor,
) -> Result<(), ClientError> {
    let kind = descriptor.artifact_type.as_deref();
    // A list that does not say what it lists has everything in it looked at.
    if !matches!(kind, None | Some(media::SIGNATURE | media::DOCS)) {
        return Ok(());
    }
    let Some(blob) = place.manifest(name, &Reference::Digest(descriptor.digest)).await? else { return Ok(()) };
    let Ok(manifest) = layout::read_artifact(&blob.bytes) else { return Ok(()) };
    if manifest.subject.as_ref().map(|it| it.digest) != Some(into.manifest.digest) {
        return Ok(());
    }
    match manifest.artifact_type.as_deref() {
        Some(media::DOCS) if into.docs.is_none() => into.docs = Some(blob),
        Some(media::SIGNATURE) => {
            let small =
                |it: &&Descriptor| it.media_type == media::ENVELOPE && it.size <= crate::sign::MOST_BYTES as u64;
            for layer in manifest.layers.iter().filter(small) {
                into.signatures.push(place.blob(name, layer).await?);
            }
        }
        _ => {}
    }
    Ok(())
}

/// README, cases and icon of a package, each with the digest that the package names.
///
/// # Errors
/// When they are not what the package names.
pub async fn explain(place: &dyn Place, fetched: &Fetched) -> Result<Docs, ClientError> {
    let Some(blob) = &fetched.docs else { return Ok(Docs::default()) };
    let name = &fetched.package.id.package;
    let wrong = |error| ClientError::Layout { package: fetched.package.id.to_string(), error };
    let mut docs = Docs::default();
    for layer in layout::docs(&fetched.package, &blob.bytes).map_err(wrong)? {
        let bytes = place.blob(name, &layer).await?;
        match layer.media_type.as_str() {
            media::README => docs.readme = Some(String::from_utf8_lossy(&bytes).into_owned()),
            media::CASES => {
                let unreadable = |error: layout::CasesError| wrong(layout::LayoutError::NotAPackage(error.to_string()));
                docs.cases = layout::read_cases(&bytes).map_err(unreadable)?;
            }
            _ => docs.icon = Some(bytes),
        }
    }
    Ok(docs)
}

/// Publishes a package. Doing so again changes nothing.
///
/// # Errors
/// When the version is there as something else, or the place says no.
pub async fn publish(
    place: &dyn Place,
    name: &PackageName,
    version: &Version,
    packed: &Packed,
) -> Result<Published, ClientError> {
    let tag = Reference::Tag(version.to_string());
    let there = place.manifest(name, &tag).await?.map(|it| it.digest);
    if let Some(there) = there.filter(|it| *it != packed.package.manifest.digest) {
        return Err(ClientError::Taken { package: name.clone(), version: version.clone(), there });
    }
    if there.is_none() {
        put(place, name, &packed.package, Some(&version.to_string())).await?;
    }
    if let Some(docs) = &packed.docs {
        attach(place, name, &packed.package.manifest.digest, docs, media::DOCS).await?;
    }
    Ok(if there.is_none() { Published::New } else { Published::Same })
}

/// Puts a signature beside a package.
///
/// # Errors
/// When the place says no.
pub async fn sign(
    place: &dyn Place,
    name: &PackageName,
    manifest: &Blob,
    envelope: Vec<u8>,
) -> Result<(), ClientError> {
    let signature = layout::signature(manifest, envelope);
    attach(place, name, &manifest.digest, &signature, media::SIGNATURE).await
}

async fn put(place: &dyn Place, name: &PackageName, artifact: &Artifact, tag: Option<&str>) -> Result<(), ClientError> {
    for blob in &artifact.blobs {
        place.put_blob(name, blob).await?;
    }
    place.put_manifest(name, &artifact.manifest, tag).await
}

async fn attach(
    place: &dyn Place,
    name: &PackageName,
    subject: &Digest,
    artifact: &Artifact,
    kind: &str,
) -> Result<(), ClientError> {
    put(place, name, artifact, None).await?;
    let mut descriptor = artifact.manifest.descriptor(media::MANIFEST);
    descriptor.artifact_type = Some(kind.to_owned());
    place.refer(name, subject, descriptor).await
}

/// Lists what refers to a manifest under the tag that stands for the list. Two who do this at once could lose one of
/// the two; whoever signs again puts it right.
pub(super) async fn list_by_tag(
    place: &dyn Place,
    name: &PackageName,
    subject: &Digest,
    referrer: Descriptor,
) -> Result<(), ClientError> {
    let Reference::Tag(tag) = Reference::referrers_of(subject) else { return Ok(()) };
    let there = place.manifest(name, &Reference::Tag(tag.clone())).await?;
    let there = there.and_then(|it| serde_json::from_slice::<Index>(&it.bytes).ok());
    let mut index = there.unwrap_or_default();
    if !index.add(referrer) {
        return Ok(());
    }
    let bytes = serde_json::to_vec(&index).expect("texts and numbers are JSON");
    place.put_manifest(name, &Blob::new(bytes), Some(&tag)).await
}

/// Copies a version with all that explains and signs it, byte for byte.
///
/// # Errors
/// When it is not there, is not what it says, or the other place says no.
pub async fn copy(
    from: &dyn Place,
    to: &dyn Place,
    name: &PackageName,
    version: &Version,
) -> Result<Published, ClientError> {
    let fetched = fetch(from, name, version).await?;
    let tag = version.to_string();
    let there = to.manifest(name, &Reference::Tag(tag.clone())).await?.map(|it| it.digest);
    if let Some(there) = there.filter(|it| *it != fetched.manifest.digest) {
        return Err(ClientError::Taken { package: name.clone(), version: version.clone(), there });
    }
    if there.is_none() {
        for part in [&fetched.package.config, &fetched.package.component] {
            let bytes = from.blob(name, part).await?;
            to.put_blob(name, &Blob::new(bytes)).await?;
        }
        to.put_manifest(name, &fetched.manifest, Some(&tag)).await?;
    }
    for referrer in from.referrers(name, &fetched.manifest.digest).await?.iter().take(MOST_REFERRERS) {
        copy_referrer(from, to, name, &fetched.manifest.digest, referrer).await?;
    }
    Ok(if there.is_none() { Published::New } else { Published::Same })
}

async fn copy_referrer(
    from: &dyn Place,
    to: &dyn Place,
    name: &PackageName,
    subject: &Digest,
    referrer: &Descriptor,
) -> Result<(), ClientError> {
    let Some(blob) = from.manifest(name, &Reference::Digest(referrer.digest)).await? else { return Ok(()) };
    let Ok(manifest) = layout::read_artifact(&blob.bytes) else { return Ok(()) };
    let Some(kind) = manifest.artifact_type.clone().filter(|it| [media::DOCS, media::SIGNATURE].contains(&it.as_str()))
    else {
        return Ok(());
    };
    for part in std::iter::once(&manifest.config).chain(&manifest.layers) {
        let bytes = from.blob(name, part).await?;
        to.put_blob(name, &Blob::new(bytes)).await?;
    }
    to.put_manifest(name, &blob, None).await?;
    let mut descriptor = blob.descriptor(media::MANIFEST);
    descriptor.artifact_type = Some(kind);
    to.refer(name, subject, descriptor).await
}
