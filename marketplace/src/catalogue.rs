//! What a registry offers: which versions are taken, what each waits for, what is written of it, how often it is pulled.

mod checks;
mod docs;
mod follow;
mod vet;

use std::{collections::HashMap, sync::Arc};

use host_core::{
    Digest,
    package::{About, PackageName, Repository},
    ports::{Artifacts, NewPackage, Packages, PrepareError, Repositories},
};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Notify;

pub use checks::{of as check, of_component as check_component};
pub use docs::Written;
pub use vet::{Candidate, NoVet, Vet};

use crate::{layout, registry::Config};

/// How many components are counted apart before they are written down; pulls of others go uncounted meanwhile.
const MOST_COUNTED: usize = 10_000;

/// What a version waits for when it was pushed.
const WAITS: &str = "its README and cases are not here yet; `fn publish` sends them along";

/// What a registry offers.
pub struct Catalogue {
    config: Config,
    packages: Arc<dyn Packages>,
    rows: Arc<dyn Repositories>,
    artifacts: Arc<dyn Artifacts>,
    vet: Arc<dyn Vet>,
    pulls: Mutex<HashMap<(Repository, Digest), u64>>,
    /// Told when a version or what explains one has come.
    news: Notify,
}

/// Why a version is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// What is wrong with it.
    Findings(Vec<String>),
    /// It could not be looked at; it may work in a moment.
    Busy(String),
}

impl Catalogue {
    /// The catalogue of a registry.
    #[must_use]
    pub fn new(
        config: Config,
        packages: Arc<dyn Packages>,
        rows: Arc<dyn Repositories>,
        artifacts: Arc<dyn Artifacts>,
        vet: Arc<dyn Vet>,
    ) -> Self {
        let (pulls, news) = (Mutex::default(), Notify::new());
        Self { config, packages, rows, artifacts, vet, pulls, news }
    }

    /// The rows behind it.
    #[must_use]
    pub fn packages(&self) -> &Arc<dyn Packages> {
        &self.packages
    }

    /// Looks at the manifest of what would be a version: its layout, what it says of itself, its component and what that
    /// imports.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub async fn examine(&self, name: &PackageName, tag: &str, manifest: &[u8]) -> Result<NewPackage, Refused> {
        let one = |finding: String| Refused::Findings(vec![finding]);
        let package = layout::read(manifest).map_err(|error| one(error.to_string()))?;
        let mut findings = checks::of(&package);
        if package.id.package != *name || package.id.version.to_string() != tag {
            findings.insert(0, format!("it says it is `{}`", package.id));
        }
        match self.vet.inspect(&package.component.digest).await {
            Ok(inspection) => findings.extend(checks::of_component(&package.manifest, &inspection)),
            Err(error @ (PrepareError::Busy | PrepareError::Storage(_) | PrepareError::Slow(_))) => {
                return Err(Refused::Busy(format!("its component could not be looked at: {error}")));
            }
            Err(error) => findings.push(format!("its component is of no use: {error}")),
        }
        if !findings.is_empty() {
            return Err(Refused::Findings(findings));
        }
        let about = about(&package).map_err(|error| one(error.to_string()))?;
        Ok(NewPackage {
            version: package.id.version,
            component: package.component.digest,
            size: package.component.size,
            about,
            reason: WAITS.to_owned(),
        })
    }

    /// Notes that a blob was pulled. Those that are components are counted in a moment.
    pub fn pulled(&self, repository: &Repository, digest: &Digest) {
        let mut pulls = self.pulls.lock();
        let key = (repository.clone(), *digest);
        if pulls.len() < MOST_COUNTED || pulls.contains_key(&key) {
            *pulls.entry(key).or_default() += 1;
        }
    }

    /// Has what waits looked at soon.
    pub fn look(&self) {
        self.news.notify_one();
    }
}

fn about(package: &layout::Package) -> Result<About, serde_json::Error> {
    let manifest = &package.manifest;
    let language = manifest.language.map(serde_json::to_value).transpose()?;
    Ok(About {
        description: manifest.description.clone().unwrap_or_default(),
        licenses: manifest.license.clone().unwrap_or_default(),
        source: manifest.source.clone(),
        revision: package.revision.clone(),
        authors: manifest.authors.clone(),
        categories: manifest.categories.clone(),
        language: language.as_ref().and_then(Value::as_str).map(str::to_owned),
        manifest: serde_json::to_value(manifest)?,
    })
}

/// Findings as one text.
#[must_use]
pub fn told(findings: &[String]) -> String {
    findings.join("; ")
}

#[cfg(test)]
mod tests;
