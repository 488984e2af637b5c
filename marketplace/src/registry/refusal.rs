//! Why a registry says no, in the form that OCI clients read.

use axum::{
    Json,
    body::Body,
    response::{IntoResponse, Response},
};
use host_core::ports::{ArtifactError, PackageError};
use http::StatusCode;
use serde_json::{Value, json};

/// The words of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The blob is not in this repository.
    BlobUnknown,
    /// The upload broke off, or came in another order.
    BlobUploadInvalid,
    /// There is no such upload.
    BlobUploadUnknown,
    /// The digest is none, or is that of other bytes.
    DigestInvalid,
    /// The manifest names a blob that is not there.
    ManifestBlobUnknown,
    /// The manifest is none, or what it says does not hold.
    ManifestInvalid,
    /// There is no such manifest.
    ManifestUnknown,
    /// The repository has no such name.
    NameInvalid,
    /// There is no such repository.
    NameUnknown,
    /// There are more or fewer bytes than there may be.
    SizeInvalid,
    /// Somebody has to say who they are.
    Unauthorized,
    /// They may not.
    Denied,
    /// The registry cannot do that.
    Unsupported,
    /// There is too much of it, or too soon.
    TooManyRequests,
    /// The registry failed.
    Unknown,
}

impl Code {
    fn as_str(self) -> &'static str {
        match self {
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::BlobUploadInvalid => "BLOB_UPLOAD_INVALID",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestInvalid => "MANIFEST_INVALID",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::SizeInvalid => "SIZE_INVALID",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Denied => "DENIED",
            Self::Unsupported => "UNSUPPORTED",
            Self::TooManyRequests => "TOOMANYREQUESTS",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// The word for it.
    pub code: Code,
    /// What is wrong, and what to do about it.
    pub message: String,
    /// Each thing that is wrong, where there are several.
    pub details: Vec<String>,
}

impl Refusal {
    /// A refusal of some kind.
    pub fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: Vec::new() }
    }

    /// Whoever asks may not.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, Code::Denied, message)
    }

    pub(super) fn manifest(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::ManifestInvalid, message)
    }

    pub(super) fn digest(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::DigestInvalid, message)
    }

    pub(super) fn blob_unknown(digest: &host_core::Digest) -> Self {
        Self::new(StatusCode::NOT_FOUND, Code::BlobUnknown, format!("there is no blob {digest} in this repository"))
    }

    pub(super) fn details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        let mut error = json!({ "code": self.code.as_str(), "message": self.message });
        if !self.details.is_empty() {
            error["detail"] = Value::from(self.details);
        }
        let mut response = (self.status, Json(json!({ "errors": [error] }))).into_response();
        response.headers_mut().insert(super::VERSION.0, super::VERSION.1);
        if self.status == StatusCode::TOO_MANY_REQUESTS || self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<ArtifactError> for Refusal {
    fn from(error: ArtifactError) -> Self {
        let message = error.to_string();
        match error {
            ArtifactError::NotFound(digest) => Self::blob_unknown(&digest),
            ArtifactError::Damaged { .. } => Self::digest(message),
            ArtifactError::TooLarge(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, Code::SizeInvalid, message),
            ArtifactError::Source(_) => Self::new(StatusCode::BAD_REQUEST, Code::BlobUploadInvalid, message),
            ArtifactError::Storage(_) => broken(&message),
        }
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        broken(&error.to_string())
    }
}

/// What went wrong here is for whoever runs the host, not for whoever asked.
fn broken(message: &str) -> Refusal {
    tracing::error!(message, "the registry failed");
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, Code::Unknown, "the registry's store failed; try again in a moment")
}

impl From<PackageError> for Refusal {
    fn from(error: PackageError) -> Self {
        let message = error.to_string();
        let (status, code) = match error {
            PackageError::NotFound(_) => (StatusCode::NOT_FOUND, Code::ManifestUnknown),
            PackageError::Denied { .. } => (StatusCode::FORBIDDEN, Code::Denied),
            PackageError::Immutable { .. } => (StatusCode::CONFLICT, Code::Denied),
            PackageError::Offered(_) | PackageError::InUse(_) | PackageError::LastOwner(_) => {
                (StatusCode::CONFLICT, Code::Denied)
            }
            PackageError::Missing(_) => (StatusCode::NOT_FOUND, Code::ManifestBlobUnknown),
            PackageError::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, Code::TooManyRequests),
            PackageError::Cursor(_) => (StatusCode::BAD_REQUEST, Code::Unsupported),
            PackageError::Storage(_) => return broken(&message),
        };
        Self::new(status, code, message)
    }
}
