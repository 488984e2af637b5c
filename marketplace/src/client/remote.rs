//! Any OCI registry, by oci-client.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use host_core::{Digest, package::PackageName};
use http::HeaderValue;
use oci_client::{
    Client, Reference as OciReference,
    client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol},
    errors::OciDistributionError,
    manifest::OciDescriptor,
    secrets::RegistryAuth,
};

use super::{ClientError, Place, Reference, folder::checked};
use crate::layout::{Blob, Descriptor, media, most};

/// How long a registry may say nothing.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most tags, and the most packages, that are asked for: in pages of so many.
const PAGE: usize = 1_000;
const PAGES: usize = 100;

/// Who asks a registry.
#[derive(Clone, Default)]
pub enum Credentials {
    /// Anybody.
    #[default]
    Nobody,
    /// A name and a password.
    Basic(String, String),
    /// A token.
    Token(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "Nobody",
            Self::Basic(..) => "Basic(…)",
            Self::Token(_) => "Token(…)",
        })
    }
}

/// A registry somewhere else.
pub struct Remote {
    client: Client,
    auth: RegistryAuth,
    /// Host and port.
    registry: String,
    /// What comes before `namespace/name`, such as `team/` where a registry is shared.
    prefix: String,
    scheme: &'static str,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("registry", &self.registry).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Remote {
    /// The registry at `https://host:port/prefix`, or `http://…`; whether that may be is for the caller to say.
    ///
    /// # Errors
    /// When the address is none, or no client can be made.
    pub fn new(url: &str, credentials: Credentials, ca: Option<Vec<u8>>) -> Result<Self, ClientError> {
        let wrong = |why: String| ClientError::Unreachable { place: host_core::ports::shown_url(url), why };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("it is no address".to_owned()))?;
        let (protocol, scheme) = match scheme {
            "https" => (ClientProtocol::Https, "https"),
            "http" => (ClientProtocol::Http, "http"),
            other => return Err(wrong(format!("`{other}` is neither http nor https"))),
        };
        let (registry, prefix) = rest.trim_end_matches('/').split_once('/').unwrap_or((rest.trim_end_matches('/'), ""));
        if registry.is_empty() || registry.contains(['@', '?', '#']) {
            return Err(wrong("it is no address of a registry".to_owned()));
        }
        let certificates = ca.map(|data| Certificate { encoding: CertificateEncoding::Pem, data });
        let config = ClientConfig {
            protocol,
            read_timeout: Some(PATIENCE),
            connect_timeout: Some(PATIENCE),
            extra_root_certificates: certificates.into_iter().collect(),
            ..ClientConfig::default()
        };
        let client = Client::try_from(config).map_err(|error| wrong(error.to_string()))?;
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { client, auth: auth(credentials).map_err(wrong)?, registry: registry.to_owned(), prefix, scheme })
    }

    fn at(&self, package: &PackageName, reference: &Reference) -> OciReference {
        let repository = format!("{}{package}", self.prefix);
        match reference {
            Reference::Tag(tag) => OciReference::with_tag(self.registry.clone(), repository, tag.clone()),
            Reference::Digest(digest) => {
                OciReference::with_digest(self.registry.clone(), repository, digest.to_string())
            }
        }
    }

    fn any(&self, package: &PackageName) -> OciReference {
        self.at(package, &Reference::Tag("latest".to_owned()))
    }

    /// Credentials are remembered by the client once it was told them.
    async fn introduce(&self) {
        self.client.store_auth_if_needed(&self.registry, &self.auth).await;
    }

    fn failed(&self, error: &OciDistributionError) -> ClientError {
        let place = self.address();
        match error {
            OciDistributionError::UnauthorizedError { .. } | OciDistributionError::AuthenticationFailure(_) => {
                ClientError::Refused { place, why: "it wants a token, or another one".to_owned() }
            }
            OciDistributionError::ServerError { code, message, .. } if (400..500).contains(code) => {
                ClientError::Refused { place, why: said(message) }
            }
            OciDistributionError::RegistryError { envelope, .. } => {
                let why: Vec<&str> = envelope.errors.iter().map(|it| it.message.as_str()).collect();
                ClientError::Refused { place, why: why.join("; ") }
            }
            other => ClientError::Unreachable { place, why: root_cause(other) },
        }
    }
}

/// A token that no header can bear is refused here: the library would panic.
fn auth(credentials: Credentials) -> Result<RegistryAuth, String> {
    match credentials {
        Credentials::Nobody => Ok(RegistryAuth::Anonymous),
        Credentials::Basic(name, password) => Ok(RegistryAuth::Basic(name, password)),
        Credentials::Token(token) if HeaderValue::try_from(format!("Bearer {token}")).is_ok() => {
            Ok(RegistryAuth::Bearer(token))
        }
        Credentials::Token(_) => Err("its token has characters that no token has".to_owned()),
    }
}

/// What a registry says of its refusal, which is JSON where it follows the specification.
fn said(body: &str) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let message = parsed.as_ref().and_then(|it| it["errors"][0]["message"].as_str());
    message.unwrap_or(body).chars().take(2_000).collect()
}

fn root_cause(error: &OciDistributionError) -> String {
    let first: &dyn std::error::Error = error;
    let last = std::iter::successors(Some(first), |it| it.source()).last();
    last.map_or_else(|| error.to_string(), ToString::to_string)
}

fn is_missing(error: &OciDistributionError) -> bool {
    match error {
        OciDistributionError::ImageManifestNotFoundError(_) => true,
        OciDistributionError::ServerError { code, .. } => *code == 404,
        OciDistributionError::RegistryError { envelope, .. } => envelope.errors.iter().any(|it| {
            use oci_client::errors::OciErrorCode as C;
            matches!(it.code, C::ManifestUnknown | C::NameUnknown | C::NotFound | C::BlobUnknown)
        }),
        _ => false,
    }
}

#[async_trait]
impl Place for Remote {
    fn address(&self) -> String {
        format!("{}://{}/{}", self.scheme, self.registry, self.prefix).trim_end_matches('/').to_owned()
    }

    async fn tags(&self, package: &PackageName) -> Result<Vec<String>, ClientError> {
        let mut tags: Vec<String> = Vec::new();
        for _ in 0..PAGES {
            let last = tags.last().cloned();
            let page = self.client.list_tags(&self.any(package), &self.auth, Some(PAGE), last.as_deref()).await;
            let page = match page {
                Ok(page) => page.tags,
                Err(error) if is_missing(&error) => Vec::new(),
                Err(error) => return Err(self.failed(&error)),
            };
            // One that takes no notice of the page sends the same again.
            let is_last = page.len() < PAGE || page.last() == last.as_ref();
            tags.extend(page);
            if is_last {
                break;
            }
        }
        tags.dedup();
        Ok(tags)
    }

    async fn manifest(&self, package: &PackageName, reference: &Reference) -> Result<Option<Blob>, ClientError> {
        let accepted = [media::MANIFEST, media::INDEX];
        let pulled = self.client.pull_manifest_raw(&self.at(package, reference), &self.auth, &accepted).await;
        let bytes = match pulled {
            Ok((bytes, _)) => bytes,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(OciDistributionError::DigestError(error)) => {
                return Err(ClientError::Refused { place: self.address(), why: error.to_string() });
            }
            Err(error) => return Err(self.failed(&error)),
        };
        if bytes.len() > most::MANIFEST {
            let what = "a manifest".to_owned();
            return Err(ClientError::TooLarge { place: self.address(), what, most: most::MANIFEST as u64 });
        }
        match reference {
            Reference::Digest(digest) => checked(&self.address(), *digest, bytes).map(Some),
            Reference::Tag(_) => Ok(Some(Blob::new(bytes))),
        }
    }

    async fn blob(&self, package: &PackageName, descriptor: &Descriptor) -> Result<Bytes, ClientError> {
        self.introduce().await;
        let wanted = OciDescriptor {
            media_type: descriptor.media_type.clone(),
            digest: descriptor.digest.to_string(),
            size: i64::try_from(descriptor.size).unwrap_or(i64::MAX),
            ..OciDescriptor::default()
        };
        let stream = self.client.pull_blob_stream(&self.any(package), &wanted).await;
        let mut stream = stream.map_err(|error| self.failed(&error))?;
        let mut bytes = BytesMut::new();
        while let Some(piece) = stream.next().await {
            // A digest that does not hold is told as an error of reading.
            let broken = |error: std::io::Error| ClientError::Unreachable {
                place: self.address(),
                why: format!("{} broke off: {error}", descriptor.digest),
            };
            let piece = piece.map_err(broken)?;
            if (bytes.len() + piece.len()) as u64 > descriptor.size {
                let what = descriptor.digest.to_string();
                return Err(ClientError::TooLarge { place: self.address(), what, most: descriptor.size });
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(checked(&self.address(), descriptor.digest, bytes.freeze())?.bytes)
    }

    async fn referrers(&self, package: &PackageName, subject: &Digest) -> Result<Vec<Descriptor>, ClientError> {
        self.introduce().await;
        let at = self.at(package, &Reference::Digest(*subject));
        let index = self.client.pull_referrers(&at, None).await.map_err(|error| self.failed(&error))?;
        let known = index.manifests.into_iter().filter_map(|it| {
            Some(Descriptor {
                media_type: it.media_type,
                digest: it.digest.parse().ok()?,
                size: u64::try_from(it.size).ok()?,
                artifact_type: it.artifact_type,
                annotations: it.annotations.unwrap_or_default(),
            })
        });
        Ok(known.collect())
    }

    async fn put_blob(&self, package: &PackageName, blob: &Blob) -> Result<(), ClientError> {
        self.introduce().await;
        let (at, digest) = (self.any(package), blob.digest.to_string());
        if self.client.blob_exists(&at, &digest).await.unwrap_or(false) {
            return Ok(());
        }
        let pushed = self.client.push_blob(&at, blob.bytes.clone(), &digest).await;
        pushed.map(drop).map_err(|error| self.failed(&error))
    }

    async fn put_manifest(&self, package: &PackageName, blob: &Blob, tag: Option<&str>) -> Result<(), ClientError> {
        self.introduce().await;
        let reference = tag.map_or(Reference::Digest(blob.digest), |tag| Reference::Tag(tag.to_owned()));
        let kind = if tag.is_some_and(|it| it.starts_with("sha256-")) { media::INDEX } else { media::MANIFEST };
        let at = self.at(package, &reference);
        let pushed = self.client.push_manifest_raw(&at, blob.bytes.clone(), HeaderValue::from_static(kind)).await;
        pushed.map(drop).map_err(|error| self.failed(&error))
    }

    async fn refer(&self, package: &PackageName, subject: &Digest, referrer: Descriptor) -> Result<(), ClientError> {
        let listed = self.referrers(package, subject).await?;
        if listed.iter().any(|it| it.digest == referrer.digest) {
            return Ok(());
        }
        super::packages::list_by_tag(self, package, subject, referrer).await
    }

    async fn packages(&self) -> Result<Vec<PackageName>, ClientError> {
        let nowhere = "there/is-no-such".parse().map_err(|_| ClientError::NotFound("no package".to_owned()))?;
        let at = self.any(&nowhere);
        let mut names: Vec<String> = Vec::new();
        for _ in 0..PAGES {
            let last = names.last().cloned();
            let page = self.client.catalog(&at, &self.auth, Some(PAGE), last.as_deref()).await;
            let page = page.map_err(|error| self.failed(&error))?.repositories;
            let is_last = page.len() < PAGE || page.last() == last.as_ref();
            names.extend(page);
            if is_last {
                break;
            }
        }
        Ok(names.iter().filter_map(|it| it.strip_prefix(&self.prefix)?.parse().ok()).collect())
    }
}
