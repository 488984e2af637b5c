//! From a built function to the manifests and blobs of its package.

use std::collections::BTreeMap;

use bytes::Bytes;
use host_core::{manifest::Manifest, package::PackageId};
use serde::Serialize;
use serde_json::json;

use super::{
    CREATED, annotation,
    blob::{Artifact, Blob, Descriptor, OciManifest, json},
    cases::{CaseFile, CasesError, pack_cases},
    media, most,
};

/// README, cases and icon of a package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Docs {
    /// The README.
    pub readme: Option<String>,
    /// The cases.
    pub cases: Vec<CaseFile>,
    /// The icon, an SVG.
    pub icon: Option<Bytes>,
}

/// A package about to be made.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its name and version.
    pub id: PackageId,
    /// The function's manifest.
    pub manifest: Manifest,
    /// The component, stamped.
    pub component: Bytes,
    /// What it imports, and what it exports.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// Which state of the source it was built from.
    pub revision: Option<String>,
    /// What explains it.
    pub docs: Docs,
}

/// A package ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The package itself.
    pub package: Artifact,
    /// What refers to it and explains it.
    pub docs: Option<Artifact>,
}

/// Why there is no package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// A part of it is larger than packages take.
    #[error("its {what} has {size} bytes, and a package takes at most {most}")]
    TooLarge {
        /// Which.
        what: &'static str,
        /// How large it is.
        size: u64,
        /// How large it may be.
        most: u64,
    },
    /// Its cases cannot be packed.
    #[error(transparent)]
    Cases(#[from] CasesError),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    created: &'a str,
    author: Option<String>,
    architecture: &'a str,
    os: &'a str,
    layer_digests: Vec<String>,
    component: serde_json::Value,
}

/// Lays out a package. The same draft gives the same bytes.
///
/// # Errors
/// When a part of it is too large, or a case has no plain name.
pub fn pack(draft: &Draft) -> Result<Packed, PackError> {
    bounded("component", draft.component.len(), most::COMPONENT)?;
    let component = Blob::new(draft.component.clone());
    let config = json(&Config {
        created: CREATED,
        author: Some(draft.manifest.authors.join(", ")).filter(|it| !it.is_empty()),
        architecture: "wasm",
        os: "wasip2",
        layer_digests: vec![component.digest.to_string()],
        component: json!({ "exports": draft.exports, "imports": draft.imports, "target": null }),
    });
    bounded("config", config.bytes.len(), most::CONFIG)?;
    let docs = parts(&draft.docs)?;
    let mut layer = component.descriptor(media::COMPONENT);
    layer.annotations.insert(annotation::TITLE.into(), format!("{}.wasm", draft.id.package.name));
    let manifest = json(&OciManifest {
        schema_version: 2,
        media_type: Some(media::MANIFEST.into()),
        artifact_type: None,
        config: config.descriptor(media::CONFIG),
        layers: vec![layer],
        subject: None,
        annotations: annotations(draft, &docs),
    });
    bounded("manifest", manifest.bytes.len(), most::MANIFEST as u64)?;
    let docs = (!docs.is_empty()).then(|| referrer(&manifest, media::DOCS, docs));
    Ok(Packed { package: Artifact { manifest, blobs: vec![config, component] }, docs })
}

/// A signature as what refers to the package whose manifest this is.
#[must_use]
pub fn signature(manifest: &Blob, envelope: Vec<u8>) -> Artifact {
    referrer(
        manifest,
        media::SIGNATURE,
        vec![Part { annotation: None, media: media::ENVELOPE, blob: Blob::new(envelope) }],
    )
}

/// A blob that explains a package, and the annotation that names it.
struct Part {
    annotation: Option<&'static str>,
    media: &'static str,
    blob: Blob,
}

fn parts(docs: &Docs) -> Result<Vec<Part>, PackError> {
    let mut parts = Vec::new();
    let mut part = |annotation, media, bytes: Bytes| {
        parts.push(Part { annotation: Some(annotation), media, blob: Blob::new(bytes) });
    };
    if let Some(readme) = &docs.readme {
        bounded("README", readme.len(), most::README)?;
        part(annotation::README, media::README, readme.clone().into());
    }
    if !docs.cases.is_empty() {
        part(annotation::CASES, media::CASES, pack_cases(&docs.cases)?);
    }
    if let Some(icon) = &docs.icon {
        bounded("icon", icon.len(), most::ICON)?;
        part(annotation::ICON, media::ICON, icon.clone());
    }
    Ok(parts)
}

fn bounded(what: &'static str, size: usize, most: u64) -> Result<(), PackError> {
    let size = size as u64;
    if size > most { Err(PackError::TooLarge { what, size, most }) } else { Ok(()) }
}

fn annotations(draft: &Draft, docs: &[Part]) -> BTreeMap<String, String> {
    let Draft { id, manifest, revision, .. } = draft;
    let categories: Vec<&str> = manifest.categories.iter().map(host_core::Name::as_str).collect();
    // Where the component lay on its author's machine is nobody's business.
    let function = Manifest { component: None, ..manifest.clone() };
    let function = serde_json::to_string(&function).expect("a manifest is JSON");
    let said = [
        (annotation::TITLE, Some(id.package.to_string())),
        (annotation::VERSION, Some(id.version.to_string())),
        (annotation::DESCRIPTION, manifest.description.clone()),
        (annotation::LICENSES, manifest.license.clone()),
        (annotation::SOURCE, manifest.source.clone()),
        (annotation::REVISION, revision.clone()),
        (annotation::AUTHORS, Some(manifest.authors.join(", "))),
        (annotation::CREATED, Some(CREATED.to_owned())),
        (annotation::CATEGORIES, Some(categories.join(","))),
        (annotation::FUNCTION, Some(function)),
    ];
    let named = docs.iter().filter_map(|it| Some((it.annotation?, Some(it.blob.digest.to_string()))));
    let all = said.into_iter().chain(named);
    all.filter_map(|(key, value)| Some((key.to_owned(), value.filter(|it| !it.is_empty())?))).collect()
}

/// What refers to the package with this manifest.
fn referrer(subject: &Blob, kind: &str, parts: Vec<Part>) -> Artifact {
    let empty = Blob::new("{}");
    let layers: Vec<Descriptor> = parts.iter().map(|it| it.blob.descriptor(it.media)).collect();
    let manifest = json(&OciManifest {
        schema_version: 2,
        media_type: Some(media::MANIFEST.into()),
        artifact_type: Some(kind.into()),
        config: empty.descriptor(media::EMPTY),
        layers,
        subject: Some(subject.descriptor(media::MANIFEST)),
        annotations: BTreeMap::new(),
    });
    let blobs = std::iter::once(empty).chain(parts.into_iter().map(|it| it.blob)).collect();
    Artifact { manifest, blobs }
}
