//! Whether a package may become a revision: its manifest, its signatures and what is in force, looked at by the host itself.

use host_core::{
    Digest, Name,
    manifest::{Isolation, Manifest},
    ports::DeployError,
    trust::Provenance,
};
use host_dispatch::release::Submission;
use host_wire::trust::DeployPackage;
use http::StatusCode;
use marketplace::{layout, sign};

use crate::{AppState, problem::Problem, v1::trust};

/// Why a package is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("it is no package this host takes: {0}")]
    Layout(#[from] layout::LayoutError),
    #[error("component `{sent}` is not the one of {package}, which is `{packed}`")]
    OtherComponent { package: String, sent: Digest, packed: Digest },
    #[error("the manifest is not the one of {0}, name and grants aside")]
    OtherManifest(String),
    #[error("{package} is refused: {refusal}")]
    Signature { package: String, refusal: sign::Refusal, namespace: Name },
    #[error("{asked} is older than {there}, which is in force")]
    Downgrade { asked: String, there: String },
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let detail = refused.to_string();
        match refused {
            Refused::Layout(_) => Self::unprocessable("bad-package", detail),
            Refused::OtherComponent { .. } | Refused::OtherManifest(_) => {
                Self::unprocessable("other-package", detail).hint("pull it again with `fn pull`")
            }
            Refused::Signature { refusal, namespace, .. } => {
                let problem = Self::new(StatusCode::FORBIDDEN, "untrusted-package", detail);
                match refusal {
                    sign::Refusal::Unknown { .. } => {
                        problem.hint(format!("if you know whose key it is: fn trust add {namespace} --key FILE"))
                    }
                    sign::Refusal::Unsigned => problem.hint("`fn trust set warn` takes packages that nobody signed"),
                    sign::Refusal::Revoked { .. } | sign::Refusal::Broken(_) => problem,
                }
            }
            Refused::Downgrade { .. } => Self::new(StatusCode::CONFLICT, "downgrade", detail)
                .hint("`fn pull NAME@VERSION --allow-downgrade` takes the older one all the same"),
        }
    }
}

/// A package that may become a revision.
pub(super) struct Admitted {
    pub(super) manifest: Manifest,
    pub(super) provenance: Provenance,
    pub(super) warning: Option<String>,
}

/// Looks at the package that `submission` is said to come from.
pub(super) async fn admit(
    state: &AppState,
    submission: &Submission,
    asked: &DeployPackage,
) -> Result<Admitted, Problem> {
    let Submission { project, component, manifest, .. } = submission;
    let (component, mut manifest) = (*component, manifest.clone());
    let package = layout::read(asked.manifest.as_bytes()).map_err(Refused::from)?;
    let id = package.id.to_string();
    if package.component.digest != component {
        return Err(Refused::OtherComponent { package: id, sent: component, packed: package.component.digest }.into());
    }
    // What it may do is for whoever deploys it to say; what it asks for is no more than that.
    let (name, grants) = (manifest.name.clone(), manifest.grants.clone());
    if (Manifest { name, grants, ..package.manifest.clone() }) != manifest {
        return Err(Refused::OtherManifest(id).into());
    }
    let policy = trust::policy(state, project).await?;
    let parts = (&package.id.package, &package.id.version, &package.digest);
    let verdict = sign::judge(&policy, parts, &asked.signatures).map_err(|refusal| Refused::Signature {
        package: id.clone(),
        refusal,
        namespace: package.id.package.namespace.clone(),
    })?;
    if !asked.downgrade {
        check_version(state, project, &manifest.name, &package).await?;
    }
    // Nothing that one call leaves in memory reaches another, unless somebody answers for whoever wrote it.
    if !verdict.is_warm {
        manifest.limits.isolation = Isolation::Fresh;
    }
    let layout::Package { id: named, digest, .. } = package;
    let source = host_core::ports::shown_url(&asked.source);
    let provenance =
        Provenance { source, name: named.package, version: named.version, digest, signed_by: verdict.signed_by };
    Ok(Admitted { manifest, provenance, warning: verdict.warning.map(|why| format!("{id}: {why}")) })
}

/// A version takes the place of a higher one only where that is said.
async fn check_version(
    state: &AppState,
    project: &Name,
    function: &Name,
    package: &layout::Package,
) -> Result<(), Problem> {
    use host_core::ports::Deployments as _;
    let active = match state.store.revision(project, &function.clone().into()).await {
        Ok(active) => active,
        Err(DeployError::NotFound(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let there = state.store.provenance(active.id).await?;
    match there.filter(|it| it.name == package.id.package && it.version > package.id.version) {
        Some(it) => {
            let there = format!("{}@{}", it.name, it.version);
            Err(Refused::Downgrade { asked: package.id.to_string(), there }.into())
        }
        None => Ok(()),
    }
}
