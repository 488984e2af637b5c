//! Functions in service.

use host_core::{
    Name, function,
    manifest::{HttpTrigger, Trigger},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A function in service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Function {
    /// The project.
    #[schema(value_type = String)]
    pub project: Name,
    /// Its name.
    #[schema(value_type = String)]
    pub name: Name,
    /// One sentence on what it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The number of the revision that answers.
    pub revision: u64,
    /// The ways in: `http`, `handler`, `job`.
    pub entries: Vec<Entry>,
    /// The path it always answers under; absent for a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What else its manifest routes to it.
    pub routes: Vec<Route>,
    /// When the revision was made.
    pub deployed_at: jiff::Timestamp,
    /// Who made it.
    pub deployed_by: String,
}

/// One of the ways into a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    /// `wasi:http/incoming-handler`.
    Http,
    /// `weft:function/handler`.
    Handler,
    /// `wasi:cli/run`.
    Job,
}

/// Requests that wake a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Route {
    /// The host name; any, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The path.
    pub path: String,
    /// The methods; any, when empty.
    pub methods: Vec<String>,
}

/// A function with what led to its present state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FunctionDetail {
    /// The function.
    pub function: Function,
    /// The manifest it answers with.
    #[schema(value_type = Object)]
    pub manifest: host_core::manifest::Manifest,
    /// The package that its revision was made of, where it was pulled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<crate::trust::Provenance>,
    /// Which revisions answered, newest first.
    pub activations: Vec<Activation>,
}

/// When a revision began to answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Activation {
    /// The revision's number.
    pub revision: u64,
    /// When.
    pub at: jiff::Timestamp,
    /// Who made it so.
    pub who: String,
    /// Why: `deployed`, `activated`, `rolled back`.
    pub reason: String,
}

impl From<function::Entry> for Entry {
    fn from(entry: function::Entry) -> Self {
        match entry {
            function::Entry::Http => Self::Http,
            function::Entry::Handler => Self::Handler,
            function::Entry::Job => Self::Job,
        }
    }
}

impl From<&HttpTrigger> for Route {
    fn from(trigger: &HttpTrigger) -> Self {
        Self { host: trigger.host.clone(), path: trigger.path.clone(), methods: trigger.methods.clone() }
    }
}

impl From<&function::Revision> for Function {
    fn from(revision: &function::Revision) -> Self {
        Self {
            project: revision.project.clone(),
            name: revision.function.clone(),
            description: revision.manifest.description.clone(),
            revision: revision.number,
            entries: revision.entries.iter().map(Entry::from).collect(),
            path: path_of(revision),
            routes: revision.manifest.triggers.iter().filter_map(Trigger::http).map(Route::from).collect(),
            deployed_at: revision.created_at,
            deployed_by: revision.created_by.clone(),
        }
    }
}

/// Where the function always answers.
pub(crate) fn path_of(revision: &function::Revision) -> Option<String> {
    let (project, name) = (&revision.project, &revision.function);
    let answers = revision.entries.http || revision.entries.handler;
    let default = *project == Name::default_project();
    answers.then(|| if default { format!("/fn/{name}") } else { format!("/fn/{project}:{name}") })
}
