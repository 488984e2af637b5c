//! Lists: the tags of a repository, and what refers to a manifest.

use axum::{Json, body::Body, response::IntoResponse as _};
use host_core::{Digest, ports::KeptManifest};
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::{Call, Code, Refusal, Registry, parse::OCI_INDEX, text};

/// The most tags of one page.
const MOST: u32 = 1_000;
/// By what a list of referrers was sifted.
const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");

impl Registry {
    pub(super) async fn list_tags(&self, call: &Call<'_>) -> Result<Response<Body>, Refusal> {
        let limit = match call.asked.get("n").map(str::parse::<u32>) {
            None => MOST,
            Some(Ok(n)) => n.min(MOST),
            Some(Err(_)) => {
                let message = "`n` is how many tags to list, a number";
                return Err(Refusal::new(StatusCode::BAD_REQUEST, Code::Unsupported, message));
            }
        };
        // One more tells whether there is another page.
        let found = self.rows.tags(call.repository, call.asked.get("last"), limit + 1).await?;
        let mut tags = found.ok_or_else(|| {
            let message = format!("there is no repository `{}`", call.repository);
            Refusal::new(StatusCode::NOT_FOUND, Code::NameUnknown, message)
        })?;
        let has_more = tags.len() > limit as usize;
        tags.truncate(limit as usize);
        let mut response = Json(json!({ "name": call.repository.as_str(), "tags": tags })).into_response();
        if let Some(last) = tags.last().filter(|_| has_more) {
            let next = format!("</v2/{}/tags/list?n={limit}&last={last}>; rel=\"next\"", call.repository);
            response.headers_mut().insert(header::LINK, text(next));
        }
        Ok(response)
    }

    pub(super) async fn list_referrers(&self, call: &Call<'_>, subject: &Digest) -> Result<Response<Body>, Refusal> {
        let wanted = call.asked.get("artifactType");
        let found = self.rows.referrers(call.repository, subject).await?;
        let fits = |it: &&KeptManifest| wanted.is_none_or(|wanted| it.artifact_type.as_deref() == Some(wanted));
        let manifests: Vec<Value> = found.iter().filter(fits).map(descriptor).collect();
        let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests });
        let mut response = Json(index).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(OCI_INDEX));
        if wanted.is_some() {
            headers.insert(FILTERS, HeaderValue::from_static("artifactType"));
        }
        Ok(response)
    }
}

fn descriptor(manifest: &KeptManifest) -> Value {
    let mut descriptor = json!({ "mediaType": manifest.media_type, "digest": manifest.digest, "size": manifest.size });
    if let Some(artifact_type) = &manifest.artifact_type {
        descriptor["artifactType"] = json!(artifact_type);
    }
    if !manifest.annotations.is_empty() {
        descriptor["annotations"] = Value::Object(manifest.annotations.clone());
    }
    descriptor
}
