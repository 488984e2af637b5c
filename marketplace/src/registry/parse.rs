//! What a manifest names, whichever of the four kinds it is.

use std::collections::BTreeMap;

use host_core::Digest;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Refusal;

/// How many blobs or manifests one manifest names.
const MOST_PARTS: usize = 1_000;

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// A list of manifests.
pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// What a manifest says, as far as a registry cares.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parsed {
    pub(super) media_type: String,
    pub(super) artifact_type: Option<String>,
    pub(super) subject: Option<Digest>,
    pub(super) annotations: Map<String, Value>,
    pub(super) blobs: Vec<Digest>,
    pub(super) manifests: Vec<Digest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u64,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Option<Vec<Descriptor>>,
    #[serde(default)]
    manifests: Option<Vec<Descriptor>>,
    #[serde(default)]
    subject: Option<Descriptor>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: Digest,
    #[serde(default)]
    urls: Vec<String>,
}

impl Descriptor {
    /// Whether its bytes are somewhere else, by its own word.
    fn is_elsewhere(&self) -> bool {
        !self.urls.is_empty() || self.media_type.contains("foreign") || self.media_type.contains("nondistributable")
    }
}

/// Reads a manifest that is sent as `content_type`.
pub(super) fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Parsed, Refusal> {
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|error| Refusal::manifest(format!("this is no manifest: {error}")))?;
    if manifest.schema_version != 2 {
        return Err(Refusal::manifest("this registry takes manifests of schema version 2 only"));
    }
    let sent_as = content_type.map(|it| it.split(';').next().unwrap_or(it).trim());
    let media_type = match (manifest.media_type.as_deref(), sent_as) {
        (Some(own), Some(sent)) if own != sent => {
            return Err(Refusal::manifest(format!("the manifest says it is `{own}`, and was sent as `{sent}`")));
        }
        (Some(kind), _) | (None, Some(kind)) => kind.to_owned(),
        (None, None) => return Err(Refusal::manifest("say what the manifest is, in its mediaType")),
    };
    match media_type.as_str() {
        OCI_MANIFEST | DOCKER_MANIFEST => image(manifest, media_type),
        OCI_INDEX | DOCKER_LIST => index(manifest, media_type),
        other => Err(Refusal::manifest(format!("`{other}` is no kind of manifest that this registry takes"))),
    }
}

fn image(manifest: Manifest, media_type: String) -> Result<Parsed, Refusal> {
    let config = manifest.config.ok_or_else(|| Refusal::manifest("the manifest has no config"))?;
    let layers = manifest.layers.ok_or_else(|| Refusal::manifest("the manifest has no layers"))?;
    let artifact_type = manifest.artifact_type.unwrap_or_else(|| config.media_type.clone());
    let here = layers.iter().filter(|it| !it.is_elsewhere()).map(|it| it.digest);
    let blobs = bounded(std::iter::once(config.digest).chain(here).collect())?;
    Ok(Parsed {
        media_type,
        artifact_type: Some(artifact_type),
        subject: manifest.subject.map(|it| it.digest),
        annotations: annotations(manifest.annotations),
        blobs,
        manifests: Vec::new(),
    })
}

fn index(manifest: Manifest, media_type: String) -> Result<Parsed, Refusal> {
    let manifests = manifest.manifests.ok_or_else(|| Refusal::manifest("the index has no manifests"))?;
    Ok(Parsed {
        media_type,
        artifact_type: manifest.artifact_type,
        subject: manifest.subject.map(|it| it.digest),
        annotations: annotations(manifest.annotations),
        blobs: Vec::new(),
        manifests: bounded(manifests.into_iter().map(|it| it.digest).collect())?,
    })
}

fn bounded(parts: Vec<Digest>) -> Result<Vec<Digest>, Refusal> {
    if parts.len() > MOST_PARTS {
        return Err(Refusal::manifest(format!("the manifest names more than {MOST_PARTS} others")));
    }
    Ok(parts)
}

fn annotations(said: Option<BTreeMap<String, String>>) -> Map<String, Value> {
    said.unwrap_or_default().into_iter().map(|(key, value)| (key, Value::String(value))).collect()
}
