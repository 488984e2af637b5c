//! What a path asks for. Names of repositories have slashes, so that the end of a path is read first.

use std::collections::HashMap;

use host_core::{Digest, package::Repository, ports::Reference};
use http::{StatusCode, Uri};
use uuid::Uuid;

use super::refusal::{Code, Refusal};

/// The longest tag, as the specification has it.
const LONGEST_TAG: usize = 128;

/// What is asked for within a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// A blob.
    Blob(Digest),
    /// Where uploads begin.
    Uploads,
    /// An upload.
    Upload(Uuid),
    /// A manifest.
    Manifest(Reference),
    /// The tags.
    Tags,
    /// What refers to a manifest.
    Referrers(Digest),
}

/// The query of a request.
#[derive(Debug, Default)]
pub(super) struct Asked<'r>(HashMap<std::borrow::Cow<'r, str>, std::borrow::Cow<'r, str>>);

impl<'r> Asked<'r> {
    pub(super) fn read(uri: &'r Uri) -> Self {
        Self(url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect())
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(AsRef::as_ref)
    }

    /// The digest that the query names.
    pub(super) fn digest(&self) -> Result<Option<Digest>, Refusal> {
        self.get("digest").map(digest).transpose()
    }
}

/// What lies between `/v2/` and the end that says what is asked for, if there is such an end.
pub(super) fn repository(rest: &str) -> Option<(&str, &str)> {
    let first = rest.split('/').next().unwrap_or_default();
    if host_core::package::RESERVED.contains(&first) {
        return None;
    }
    let ends = ["/blobs/", "/manifests/", "/referrers/", "/tags/"];
    let at = ends.iter().filter_map(|end| rest.rfind(end)).max()?;
    Some((&rest[..at], &rest[at + 1..]))
}

/// The repository and what is asked of it; nothing where only the registry is.
pub(super) fn parse(path: &str) -> Result<Option<(Repository, Route)>, Refusal> {
    let rest = path.strip_prefix("/v2/").unwrap_or_default();
    if rest.is_empty() {
        return Ok(None);
    }
    let unknown =
        || Refusal::new(StatusCode::NOT_FOUND, Code::Unsupported, format!("there is nothing at {path} in a registry"));
    let (name, end) = repository(rest).ok_or_else(unknown)?;
    // `…/blobs/uploads/<id>` holds `/blobs/` once, and what follows it twice a slash.
    let route = match end.split('/').collect::<Vec<_>>().as_slice() {
        ["blobs", "uploads"] | ["blobs", "uploads", ""] => Route::Uploads,
        ["blobs", "uploads", id] => Route::Upload(id.parse().map_err(|_| no_upload())?),
        ["blobs", text] => Route::Blob(digest(text)?),
        ["manifests", text] => Route::Manifest(reference(text)?),
        ["tags", "list"] => Route::Tags,
        ["referrers", text] => Route::Referrers(digest(text)?),
        _ => return Err(unknown()),
    };
    let repository = name.parse().map_err(|error: host_core::package::InvalidRepository| {
        Refusal::new(StatusCode::BAD_REQUEST, Code::NameInvalid, error.to_string())
    })?;
    Ok(Some((repository, route)))
}

pub(super) fn no_upload() -> Refusal {
    let message = "there is no such upload; it may have been forgotten, so begin anew";
    Refusal::new(StatusCode::NOT_FOUND, Code::BlobUploadUnknown, message)
}

pub(super) fn digest(text: &str) -> Result<Digest, Refusal> {
    text.parse().map_err(|error: host_core::digest::InvalidDigest| Refusal::digest(error.to_string()))
}

fn reference(text: &str) -> Result<Reference, Refusal> {
    if text.contains(':') {
        return digest(text).map(Reference::Digest);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if text.is_empty() || text.len() > LONGEST_TAG || text.starts_with(['.', '-']) || !text.chars().all(plain) {
        let message = "that is no tag: use letters, digits, _, - and ., at most 128 of them";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, Code::ManifestInvalid, message));
    }
    Ok(Reference::Tag(text.to_owned()))
}
