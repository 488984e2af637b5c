//! From the bytes of a manifest to a package, everything in it checked before it is believed.

use std::collections::BTreeMap;

use host_core::{
    Digest,
    manifest::Manifest,
    package::{PackageId, PackageName},
};
use semver::Version;

use super::{
    annotation,
    blob::{Descriptor, OciManifest},
    media, most,
};

/// What the manifest of a package says.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// Its name and version.
    pub id: PackageId,
    /// The digest of its manifest.
    pub digest: Digest,
    /// The function's manifest.
    pub manifest: Manifest,
    /// The component.
    pub component: Descriptor,
    /// The config.
    pub config: Descriptor,
    /// Which state of the source it was built from.
    pub revision: Option<String>,
    /// The README, which what explains it has to carry.
    pub readme: Option<Digest>,
    /// The cases.
    pub cases: Option<Digest>,
    /// The icon.
    pub icon: Option<Digest>,
}

/// Why bytes are not the manifest of a package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// They are too many.
    #[error("its manifest has {size} bytes, and that of a package at most {most}", most = most::MANIFEST)]
    TooLong {
        /// How many they are.
        size: usize,
    },
    /// They are no manifest.
    #[error("it is no OCI manifest: {0}")]
    NotAManifest(String),
    /// It is one of something else.
    #[error("it is no package: {0}")]
    NotAPackage(String),
    /// A part of it is larger than packages have.
    #[error("its {what} has {size} bytes, and that of a package at most {most}")]
    TooLarge {
        /// Which.
        what: &'static str,
        /// How large it says to be.
        size: u64,
        /// How large it may be.
        most: u64,
    },
    /// It says nothing where it has to say something, or something impossible.
    #[error("its annotation `{key}` {why}")]
    Annotation {
        /// Which.
        key: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Bytes are not those that were named.
    #[error("its {what} has the digest {found}, and should have {expected}")]
    WrongDigest {
        /// Which.
        what: &'static str,
        /// What there is.
        found: Digest,
        /// What was named.
        expected: Digest,
    },
}

impl Package {
    /// Whether these are the bytes of the component.
    ///
    /// # Errors
    /// When they are others.
    pub fn check_component(&self, bytes: &[u8]) -> Result<(), LayoutError> {
        same("component", Digest::of(bytes), self.component.digest)
    }
}

fn same(what: &'static str, found: Digest, expected: Digest) -> Result<(), LayoutError> {
    if found == expected { Ok(()) } else { Err(LayoutError::WrongDigest { what, found, expected }) }
}

/// Reads the manifest of a package.
///
/// # Errors
/// When it is none, is larger than one, or says what cannot be.
pub fn read(bytes: &[u8]) -> Result<Package, LayoutError> {
    let manifest = parse(bytes)?;
    if manifest.config.media_type != media::CONFIG {
        return Err(LayoutError::NotAPackage(format!("its config is `{}`", manifest.config.media_type)));
    }
    let [component] = manifest.layers.as_slice() else {
        let count = manifest.layers.len();
        return Err(LayoutError::NotAPackage(format!("it has {count} layers, and a package has exactly one")));
    };
    if component.media_type != media::COMPONENT {
        return Err(LayoutError::NotAPackage(format!("its layer is `{}`", component.media_type)));
    }
    bounded("config", manifest.config.size, most::CONFIG)?;
    bounded("component", component.size, most::COMPONENT)?;
    let said = &manifest.annotations;
    let id = id(said)?;
    let function = function(said, &id)?;
    Ok(Package {
        digest: Digest::of(bytes),
        manifest: function,
        component: component.clone(),
        revision: said.get(annotation::REVISION).cloned(),
        readme: digest(said, annotation::README)?,
        cases: digest(said, annotation::CASES)?,
        icon: digest(said, annotation::ICON)?,
        config: manifest.config,
        id,
    })
}

/// Reads any manifest.
///
/// # Errors
/// When it is none.
pub fn read_artifact(bytes: &[u8]) -> Result<OciManifest, LayoutError> {
    parse(bytes)
}

/// The blobs of what explains `package`, each named by the package itself, so that its signature covers them.
///
/// # Errors
/// When the manifest explains something else, or carries what the package does not name.
pub fn docs(package: &Package, bytes: &[u8]) -> Result<Vec<Descriptor>, LayoutError> {
    let manifest = parse(bytes)?;
    let subject = manifest.subject.as_ref().map(|it| it.digest);
    if subject != Some(package.digest) || manifest.artifact_type.as_deref() != Some(media::DOCS) {
        return Err(LayoutError::NotAPackage("it explains something else".to_owned()));
    }
    let known = [
        (media::README, package.readme, most::README, "README"),
        (media::CASES, package.cases, most::CASES, "cases"),
        (media::ICON, package.icon, most::ICON, "icon"),
    ];
    for layer in &manifest.layers {
        let found = known.iter().find(|it| it.0 == layer.media_type);
        let Some((_, named, most, what)) = found else {
            return Err(LayoutError::NotAPackage(format!("what explains it has a layer `{}`", layer.media_type)));
        };
        bounded(what, layer.size, *most)?;
        match named {
            Some(expected) => same(what, layer.digest, *expected)?,
            None => return Err(LayoutError::NotAPackage(format!("it comes with a {what} that it does not name"))),
        }
    }
    Ok(manifest.layers)
}

fn parse(bytes: &[u8]) -> Result<OciManifest, LayoutError> {
    if bytes.len() > most::MANIFEST {
        return Err(LayoutError::TooLong { size: bytes.len() });
    }
    let manifest: OciManifest =
        serde_json::from_slice(bytes).map_err(|error| LayoutError::NotAManifest(error.to_string()))?;
    let is_one = manifest.schema_version == 2 && manifest.media_type.as_deref().is_none_or(|it| it == media::MANIFEST);
    if is_one { Ok(manifest) } else { Err(LayoutError::NotAManifest("it is of another version or kind".to_owned())) }
}

fn bounded(what: &'static str, size: u64, most: u64) -> Result<(), LayoutError> {
    if size > most { Err(LayoutError::TooLarge { what, size, most }) } else { Ok(()) }
}

fn wrong(key: &'static str, why: impl Into<String>) -> LayoutError {
    LayoutError::Annotation { key, why: why.into() }
}

fn said<'a>(annotations: &'a BTreeMap<String, String>, key: &'static str) -> Result<&'a str, LayoutError> {
    annotations.get(key).map(String::as_str).ok_or_else(|| wrong(key, "is missing"))
}

fn id(annotations: &BTreeMap<String, String>) -> Result<PackageId, LayoutError> {
    let (title, version) = (said(annotations, annotation::TITLE)?, said(annotations, annotation::VERSION)?);
    let package: PackageName = title.parse().map_err(|error| wrong(annotation::TITLE, format!("is wrong: {error}")))?;
    let version: Version =
        version.parse().map_err(|error| wrong(annotation::VERSION, format!("is no version: {error}")))?;
    // Tags have no `+`, and two versions that differ in nothing else are equal to whoever picks one.
    if !version.build.is_empty() {
        return Err(wrong(annotation::VERSION, "has a build (after `+`), which tags of registries cannot have"));
    }
    Ok(PackageId { package, version })
}

fn function(annotations: &BTreeMap<String, String>, id: &PackageId) -> Result<Manifest, LayoutError> {
    let key = annotation::FUNCTION;
    let text = said(annotations, key)?;
    if text.len() > most::FUNCTION {
        return Err(wrong(key, format!("has more than {} bytes", most::FUNCTION)));
    }
    let manifest: Manifest = serde_json::from_str(text).map_err(|error| wrong(key, format!("is wrong: {error}")))?;
    manifest.check().map_err(|why| wrong(key, format!("is wrong: {why}")))?;
    if manifest.name != id.package.name {
        return Err(wrong(key, format!("is of `{}`", manifest.name)));
    }
    // What people read of a package is what its function says, not what somebody wrote beside it.
    let about = [(annotation::DESCRIPTION, &manifest.description), (annotation::LICENSES, &manifest.license)];
    for (key, own) in about {
        if annotations.get(key) != own.as_ref().filter(|it| !it.is_empty()) {
            return Err(wrong(key, "is not what the function's manifest says"));
        }
    }
    if manifest.version.as_deref().is_some_and(|own| own != id.version.to_string()) {
        return Err(wrong(annotation::VERSION, "is not what the function's manifest says"));
    }
    Ok(manifest)
}

fn digest(annotations: &BTreeMap<String, String>, key: &'static str) -> Result<Option<Digest>, LayoutError> {
    let read = |text: &String| text.parse().map_err(|_| wrong(key, "is no digest"));
    annotations.get(key).map(read).transpose()
}
