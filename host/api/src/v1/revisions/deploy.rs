//! `POST /api/v1/projects/{project}/functions/{name}/revisions`: makes a new revision the active one.

use axum::{Json, extract::State};
use host_core::{
    Name,
    function::{FunctionRef, Revision},
    manifest::{InvalidManifest, Manifest},
};
use host_dispatch::release::{self, Submission};
use host_wire::revision::{Deploy, ManifestSource, Released};
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::admit::{Admitted, admit};
use crate::{
    AppState,
    extract::{InBody, InPath, InQuery},
    principal::Principal,
    problem::Problem,
};

/// What can go wrong, one variant per thing a caller would do differently.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeployError {
    #[error(transparent)]
    Manifest(#[from] InvalidManifest),
    #[error("{0}")]
    ManifestJson(String),
    #[error("the manifest is of function `{manifest}`, and the path of `{path}`")]
    OtherName { manifest: Name, path: Name },
    #[error(transparent)]
    Release(#[from] release::Error),
}

impl From<DeployError> for Problem {
    fn from(error: DeployError) -> Self {
        let detail = error.to_string();
        match error {
            DeployError::Manifest(invalid) => {
                let place = invalid.line.zip(invalid.column).map(|(line, column)| format!(":{line}:{column}"));
                Self::unprocessable("invalid-manifest", detail)
                    .place(format!("function.toml{}", place.unwrap_or_default()))
            }
            DeployError::ManifestJson(_) => Self::unprocessable("invalid-manifest", detail).place("function.toml"),
            DeployError::OtherName { path, .. } => Self::unprocessable("other-name", detail)
                .place("function.toml")
                .hint(format!("write `name = \"{path}\"` in function.toml")),
            DeployError::Release(error) => error.into(),
        }
    }
}

/// How the revision is made.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// `false` leaves the active revision as it is; the new one can be called by number, and activated later.
    activate: Option<bool>,
}

/// Verifies the component against the manifest, compiles it, and activates it in one transaction. The component's
/// bytes are sent before, with `PUT /api/v1/components/{digest}`. Of a package, the host verifies the signatures and the
/// version itself, by the project's trust.
#[utoipa::path(post, path = "/api/v1/projects/{project}/functions/{name}/revisions", tag = "revisions",
    operation_id = "deploy_revision", params(("project" = String, Path), ("name" = String, Path), Query),
    request_body = Deploy,
    responses((status = 201, body = Released), (status = 403, body = host_wire::Problem),
        (status = 409, body = host_wire::Problem), (status = 422, body = host_wire::Problem), (status = 429, body = host_wire::Problem)))]
pub(crate) async fn deploy(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, name)): InPath<(Name, Name)>,
    InQuery(query): InQuery<Query>,
    InBody(body): InBody<Deploy>,
) -> Result<(StatusCode, Json<Released>), Problem> {
    let manifest = manifest(body.manifest, name)?;
    let activate = query.activate.unwrap_or(true);
    let submission = Submission { project, manifest, component: body.component, who, activate };
    let mut warnings = Vec::new();
    let released = match &body.package {
        None => state.release.deploy(submission).await.map_err(DeployError::from)?,
        Some(package) => {
            let admitted = admit(&state, &submission, package).await?;
            warnings.extend(admitted.warning.clone());
            of_package(&state, submission, admitted).await?
        }
    };
    let previous = released.previous.map(|it| it.number);
    warnings.extend(missing(&state, &released.revision).await);
    warnings.extend(released.warnings);
    Ok((StatusCode::CREATED, Json(Released::new(&released.revision, activate, previous).warned(warnings))))
}

/// Where a revision comes from is on record before it answers.
async fn of_package(
    state: &AppState,
    submission: Submission,
    admitted: Admitted,
) -> Result<release::Released, Problem> {
    let Submission { project, who, activate, .. } = &submission;
    let (project, who, activate) = (project.clone(), who.clone(), *activate);
    let stored = Submission { manifest: admitted.manifest, activate: false, ..submission };
    let stored = state.release.deploy(stored).await.map_err(DeployError::from)?;
    let revision = &stored.revision;
    state.store.record_provenance(&project, revision.id, &admitted.provenance, &who).await?;
    if !activate {
        return Ok(stored);
    }
    let number = FunctionRef { name: revision.function.clone(), revision: Some(revision.number) };
    let active = state.release.activate(&project, &number, &who).await.map_err(DeployError::from)?;
    Ok(release::Released { warnings: stored.warnings, ..active })
}

/// What to say of secrets that are granted and have no value: calls that read them will fail until they have.
async fn missing(state: &AppState, revision: &Revision) -> Vec<String> {
    let mut warnings = Vec::new();
    for grant in &revision.manifest.grants.secret {
        if let Err(error) = state.secrets.describe(&revision.project, &grant.name).await {
            warnings.push(error.to_string());
        }
    }
    warnings
}

fn manifest(source: ManifestSource, path: Name) -> Result<Manifest, DeployError> {
    let manifest = match source {
        ManifestSource::Toml(text) => Manifest::parse(&text)?,
        ManifestSource::Json(value) => {
            serde_json::from_value(value).map_err(|error| DeployError::ManifestJson(error.to_string()))?
        }
    };
    if manifest.name == path { Ok(manifest) } else { Err(DeployError::OtherName { manifest: manifest.name, path }) }
}
