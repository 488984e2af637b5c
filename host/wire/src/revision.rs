//! Revisions of a function, and how one is made.

use host_core::{Digest, Name, RevisionId, function, manifest::Manifest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    function::{Entry, Route, path_of},
    trust::DeployPackage,
};

/// One immutable version of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Revision {
    /// Its identity.
    #[schema(value_type = String)]
    pub id: RevisionId,
    /// The project.
    #[schema(value_type = String)]
    pub project: Name,
    /// The function.
    #[schema(value_type = String)]
    pub function: Name,
    /// Counted from 1 within the function.
    pub number: u64,
    /// The component's bytes.
    #[schema(value_type = String)]
    pub component: Digest,
    /// How many they are.
    pub component_size: u64,
    /// The manifest it was deployed with.
    #[schema(value_type = Object)]
    pub manifest: Manifest,
    /// The ways in.
    pub entries: Vec<Entry>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: jiff::Timestamp,
}

/// A revision to make. The component was uploaded before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    /// The component's digest.
    #[schema(value_type = String)]
    pub component: Digest,
    /// The manifest: the text of `function.toml`, or the same as JSON. Its name must be the function's.
    #[schema(value_type = Object)]
    pub manifest: ManifestSource,
    /// The package it comes from, where it was pulled. The manifest is then the package's, name and grants aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<DeployPackage>,
}

/// A manifest as text or as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ManifestSource {
    /// The text of `function.toml`: mistakes are told with line and column.
    Toml(String),
    /// The same as JSON.
    Json(serde_json::Value),
}

/// What came of a deploy, an activation or a rollback.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Released {
    /// The revision.
    pub revision: Revision,
    /// Whether it is the one that answers.
    pub is_active: bool,
    /// The number of the one that answered before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<u64>,
    /// The path it answers under; absent for a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What else its manifest routes to it.
    pub routes: Vec<Route>,
    /// What it will miss when it is called, such as a secret that nobody has set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Which revision to go back to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// Its number; the one that was active before the present one, when absent.
    #[serde(default)]
    pub to: Option<u64>,
}

impl From<&function::Revision> for Revision {
    fn from(revision: &function::Revision) -> Self {
        Self {
            id: revision.id,
            project: revision.project.clone(),
            function: revision.function.clone(),
            number: revision.number,
            component: revision.component,
            component_size: revision.component_size,
            manifest: revision.manifest.clone(),
            entries: revision.entries.iter().map(Entry::from).collect(),
            created_by: revision.created_by.clone(),
            created_at: revision.created_at,
        }
    }
}

impl Released {
    /// What is told of a released revision.
    #[must_use]
    pub fn new(revision: &function::Revision, is_active: bool, previous: Option<u64>) -> Self {
        let routes = revision.manifest.triggers.iter();
        Self {
            revision: revision.into(),
            is_active,
            previous,
            path: path_of(revision),
            routes: routes.filter_map(host_core::manifest::Trigger::http).map(Into::into).collect(),
            warnings: Vec::new(),
        }
    }

    /// The same, with what it will miss.
    #[must_use]
    pub fn warned(self, warnings: Vec<String>) -> Self {
        Self { warnings, ..self }
    }
}
