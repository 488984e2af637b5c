//! Manifests: pushed, pulled, deleted. One that is a version of a package is looked at before it is taken.

use axum::body::Body;
use bytes::Bytes;
use host_core::{
    Digest,
    body::Unread,
    budget::Budget,
    ports::{NewManifest, NewPackage, Reference},
};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};

use super::{
    Call, Code, DIGEST, Refusal, Registry, empty,
    parse::{Parsed, parse},
    text,
};
use crate::{
    catalogue::{self, Refused},
    layout::annotation,
};

/// The manifest that a manifest says something about.
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

impl Registry {
    pub(super) async fn get_manifest(
        &self,
        call: &Call<'_>,
        reference: &Reference,
        method: &Method,
    ) -> Result<Response<Body>, Refusal> {
        let found = self.rows.manifest(call.repository, reference).await?;
        let found = found.ok_or_else(|| {
            Refusal::new(StatusCode::NOT_FOUND, Code::ManifestUnknown, "there is no such manifest in this repository")
        })?;
        let headers = [
            (header::CONTENT_TYPE, text(found.media_type)),
            (header::CONTENT_LENGTH, HeaderValue::from(found.size)),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::ETAG, text(format!("\"{}\"", found.digest))),
            (DIGEST, text(found.digest.to_string())),
        ];
        let mut response = empty(StatusCode::OK, headers);
        if method == Method::GET {
            *response.body_mut() = self.artifacts.get(&found.digest, self.config.max_manifest.0).await?.into();
        }
        Ok(response)
    }

    pub(super) async fn put_manifest(
        &self,
        call: &Call<'_>,
        reference: Reference,
        body: Body,
    ) -> Result<Response<Body>, Refusal> {
        self.rows.may_publish(call.repository, &call.who).await?;
        let _place = self.uploads.place()?;
        let bytes = self.read_manifest(body).await?;
        let digest = Digest::of(&bytes);
        if let Reference::Digest(expected) = &reference
            && *expected != digest
        {
            return Err(Refusal::digest(format!("the manifest has the digest {digest}, not {expected}")));
        }
        let content_type = call.headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let parsed = parse(&bytes, content_type)?;
        let tag = match reference {
            Reference::Tag(tag) => Some(tag),
            Reference::Digest(_) => None,
        };
        let package = self.examine(call, &bytes, &parsed, tag.as_deref()).await?;
        let subject = parsed.subject;
        let size = bytes.len() as u64;
        self.artifacts.put(bytes).await?;
        let Parsed { media_type, artifact_type, annotations, blobs, manifests, .. } = parsed;
        let repository = call.repository.clone();
        let new = NewManifest {
            repository,
            digest,
            media_type,
            artifact_type,
            subject,
            size,
            annotations,
            blobs,
            manifests,
            tag,
            package,
        };
        self.rows.add_manifest(&new, &call.who).await?;
        if new.package.is_some() || subject.is_some() {
            self.catalogue.look();
        }
        Ok(pushed(call, &digest, subject.as_ref()))
    }

    async fn read_manifest(&self, body: Body) -> Result<Bytes, Refusal> {
        let most = self.config.max_manifest.0;
        let budget = Budget::new(self.config.max_manifest);
        let reading = host_core::body::read(body, most, &budget);
        let read = tokio::time::timeout(self.config.upload_pause.duration(), reading).await;
        match read {
            Ok(Ok(whole)) => Ok(whole.bytes),
            Ok(Err(Unread::TooLarge(_) | Unread::Exhausted(_))) => {
                let message = format!("a manifest has at most {} here", self.config.max_manifest);
                Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, Code::SizeInvalid, message))
            }
            Ok(Err(Unread::Broken)) | Err(_) => Err(Refusal::manifest("the manifest broke off")),
        }
    }

    /// What of a package a manifest is; nothing where it is something else. What holds of no package is refused here,
    /// so that no version is spent on it.
    async fn examine(
        &self,
        call: &Call<'_>,
        bytes: &[u8],
        parsed: &Parsed,
        tag: Option<&str>,
    ) -> Result<Option<NewPackage>, Refusal> {
        let (Some(tag), Some(name)) = (tag, call.repository.package()) else { return Ok(None) };
        if !parsed.annotations.contains_key(annotation::FUNCTION) || tag.parse::<semver::Version>().is_err() {
            return Ok(None);
        }
        // Whoever names bytes of another repository would have them looked at here.
        for blob in &parsed.blobs {
            if self.rows.blob(call.repository, blob).await?.is_none() {
                return Err(host_core::ports::PackageError::Missing(*blob).into());
            }
        }
        let examined = self.catalogue.examine(&name, tag, bytes).await;
        examined.map(Some).map_err(|refused| match refused {
            Refused::Findings(findings) => {
                let message = format!("`{name}@{tag}` is not taken: {}", catalogue::told(&findings));
                Refusal::manifest(message).details(findings)
            }
            Refused::Busy(message) => Refusal::new(StatusCode::SERVICE_UNAVAILABLE, Code::TooManyRequests, message),
        })
    }

    pub(super) async fn delete_manifest(
        &self,
        call: &Call<'_>,
        reference: &Reference,
    ) -> Result<Response<Body>, Refusal> {
        self.rows.remove_manifest(call.repository, reference, &call.who).await?;
        Ok(empty(StatusCode::ACCEPTED, []))
    }
}

fn pushed(call: &Call<'_>, digest: &Digest, subject: Option<&Digest>) -> Response<Body> {
    let location = format!("/v2/{}/manifests/{digest}", call.repository);
    let headers = [(header::LOCATION, text(location)), (DIGEST, text(digest.to_string()))];
    let mut response = empty(StatusCode::CREATED, headers);
    if let Some(subject) = subject {
        response.headers_mut().insert(SUBJECT, text(subject.to_string()));
    }
    response
}
