//! Which role each operation needs: the one place that says so. `openapi.json` tells it as `x-weft-role`,
//! and which projects it reaches as `x-weft-reach`.

use std::{collections::HashMap, sync::LazyLock};

use host_core::identity::Role;
use http::Method;
use serde_json::{Value, json};

/// Operations that everybody may ask, without a token: what probes look at.
const EVERYBODY: &[&str] = &["healthz", "readyz", "oip_server_live", "oip_server_ready"];

/// Operations that read.
const VIEWER: &[&str] = &[
    "check_pipeline",
    "compare_run",
    "follow_logs",
    "follow_run",
    "get_artifact",
    "get_package_docs",
    "get_run_response",
    "head_component",
    "list_artifacts",
    "list_audit",
    "list_calls",
    "list_dead_letters",
    "list_endpoints",
    "list_functions",
    "list_logs",
    "list_model_streams",
    "list_models",
    "list_namespaces",
    "list_package_categories",
    "list_package_versions",
    "list_packages",
    "list_pipelines",
    "list_projects",
    "list_revisions",
    "list_runs",
    "list_secrets",
    "list_triggers",
    "list_versions",
    "metrics",
    "oip_model",
    "oip_model_ready",
    "oip_model_version",
    "oip_model_version_ready",
    "oip_server",
    "show_artifact",
    "show_call",
    "show_dead_letter",
    "show_function",
    "show_model",
    "show_namespace",
    "show_package",
    "show_package_version",
    "show_pipeline",
    "show_model_stats",
    "show_model_stream",
    "show_principal",
    "show_revision",
    "show_run",
    "show_trigger",
    "show_trust",
];

/// Operations that make something new, and calls.
const DEVELOPER: &[&str] = &[
    "add_namespace_owner",
    "cancel_run",
    "claim_namespace",
    "deprecate_package",
    "deploy_pipeline",
    "deploy_revision",
    "import_run",
    "invoke_function",
    "oip_infer",
    "oip_version_infer",
    "put_component",
    "register_version",
    "remove_namespace_owner",
    "reproduce_run",
    "retry_run",
    "submit_run",
    "unyank_package",
    "upload_artifact",
    "yank_package",
];

/// Operations that move what others depend on.
const OPERATOR: &[&str] = &[
    "activate_revision",
    "add_model_stream",
    "delete_function",
    "delete_pipeline",
    "delete_secret",
    "export_project",
    "pause_trigger",
    "promote_version",
    "remove_model_stream",
    "replay_dead_letter",
    "resume_trigger",
    "revoke_key",
    "rollback_alias",
    "rollback_function",
    "rotate_secret",
    "seek_trigger",
    "serve_endpoint",
    "set_secret",
    "set_trust",
    "trust_key",
];

/// Operations that concern the host as a whole.
const ADMIN: &[&str] = &[
    "collect_garbage",
    "create_backup",
    "create_token",
    "import_project",
    "list_audit_everywhere",
    "list_tokens",
    "rekey_secrets",
    "revoke_token",
    "show_config",
    "verify_namespace",
];

/// Operations outside of any project that tokens for one project may do as well: they are the same for all projects, or
/// answer with what is the project's.
const ANYWHERE: &[&str] = &[
    "add_namespace_owner",
    "claim_namespace",
    "create_token",
    "deprecate_package",
    "get_package_docs",
    "head_component",
    "list_namespaces",
    "list_package_categories",
    "list_package_versions",
    "list_packages",
    "list_projects",
    "list_tokens",
    "oip_server",
    "put_component",
    "remove_namespace_owner",
    "revoke_token",
    "show_namespace",
    "show_package",
    "show_package_version",
    "show_principal",
    "unyank_package",
    "yank_package",
];

/// The paths of the model-serving tutorial, which are not described: they read in the project `default`.
const TUTORIAL: &[&str] = &["/models", "/processors", "/state/{type}"];

/// What an operation asks of whoever wants it done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) role: Role,
    pub(super) reach: Reach,
}

/// Which projects an operation reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// None: it is for everybody.
    Everybody,
    /// The one that its path names.
    Project,
    /// The project `default`.
    DefaultProject,
    /// None in particular.
    Anywhere,
    /// Every project: tokens for one may not.
    Host,
}

impl Reach {
    fn as_str(self) -> &'static str {
        match self {
            Self::Everybody => "everybody",
            Self::Project => "project",
            Self::DefaultProject => "default-project",
            Self::Anywhere => "anywhere",
            Self::Host => "host",
        }
    }
}

/// Rules by method and path, made from the description of the API.
static RULES: LazyLock<HashMap<(Method, String), Rule>> = LazyLock::new(|| {
    let mut api = crate::openapi::described();
    let mut rules = HashMap::new();
    for_each(&mut api, |method, path, operation| {
        if let Ok(method) = method.to_ascii_uppercase().parse() {
            rules.insert((method, path.to_owned()), rule(path, id(operation)));
        }
    });
    rules
});

/// The rule for what a request asks.
pub(super) fn of(method: &Method, path: &str) -> Option<Rule> {
    let rule = |method: &Method| RULES.get(&(method.clone(), path.to_owned())).copied();
    if TUTORIAL.contains(&path) {
        return Some(Rule { role: Role::Viewer, reach: Reach::DefaultProject });
    }
    // What answers GET answers HEAD.
    rule(method).or_else(|| rule(&Method::GET).filter(|_| *method == Method::HEAD))
}

/// The project that `path` names where `pattern` has it.
pub(super) fn project<'p>(pattern: &str, path: &'p str) -> &'p str {
    let place = pattern.split('/').position(|it| it == "{project}");
    place.and_then(|place| path.split('/').nth(place)).unwrap_or_default()
}

/// An operation that is in none of the lists is for admins: forgetting one never opens it.
fn rule(path: &str, operation: &str) -> Rule {
    let lists =
        [(Role::Viewer, VIEWER), (Role::Developer, DEVELOPER), (Role::Operator, OPERATOR), (Role::Admin, ADMIN)];
    let role = lists.iter().find(|(_, list)| list.contains(&operation)).map_or(Role::Admin, |(role, _)| *role);
    let reach = if EVERYBODY.contains(&operation) {
        Reach::Everybody
    } else if path.contains("/{project}") {
        Reach::Project
    } else if ANYWHERE.contains(&operation) {
        Reach::Anywhere
    } else if path.starts_with("/v2/models") {
        Reach::DefaultProject
    } else {
        Reach::Host
    };
    Rule { role, reach }
}

/// Says in the description of the API which role each operation needs, and how to show a token.
pub(crate) fn declare(api: &mut Value) {
    for_each(api, |_, path, operation| {
        let rule = rule(path, id(operation));
        let (role, security) = match rule.reach {
            Reach::Everybody => (json!("none"), json!([])),
            _ => (json!(rule.role), json!([{ "token": [] }])),
        };
        operation["x-weft-role"] = role;
        operation["x-weft-reach"] = json!(rule.reach.as_str());
        operation["security"] = security;
    });
    api["components"]["securitySchemes"] = json!({ "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token that `fn tokens create` made. A host on loopback demands none unless it is told to."
    } });
}

fn id(operation: &Value) -> &str {
    operation["operationId"].as_str().unwrap_or_default()
}

fn for_each(api: &mut Value, mut visit: impl FnMut(&str, &str, &mut Value)) {
    let Some(paths) = api["paths"].as_object_mut() else { return };
    for (path, item) in paths {
        let operations = item.as_object_mut().into_iter().flatten();
        for (method, operation) in operations.filter(|(_, it)| it.get("operationId").is_some()) {
            visit(method, path, operation);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn operations() -> Vec<(String, String)> {
        let mut operations = Vec::new();
        for_each(&mut crate::openapi::described(), |_, path, it| operations.push((path.to_owned(), id(it).to_owned())));
        operations
    }

    #[test]
    fn every_operation_is_in_one_list_and_every_entry_is_an_operation() {
        let known: BTreeSet<String> = operations().into_iter().map(|(_, id)| id).collect();
        let lists = [EVERYBODY, VIEWER, DEVELOPER, OPERATOR, ADMIN];
        for operation in &known {
            let times = lists.iter().filter(|it| it.contains(&operation.as_str())).count();
            assert_eq!(times, 1, "`{operation}` belongs in one list of auth/rules.rs, and is in {times}");
        }
        for entry in lists.into_iter().chain([ANYWHERE]).flatten() {
            assert!(known.contains(*entry), "there is no operation `{entry}`");
        }
    }

    #[test]
    fn an_operation_that_nobody_listed_is_for_admins_of_every_project() {
        assert_eq!(rule("/api/v1/new", "new"), Rule { role: Role::Admin, reach: Reach::Host });
    }

    #[test]
    fn the_project_is_read_where_the_pattern_has_it() {
        let pattern = "/api/v1/projects/{project}/runs/{id}";
        assert_eq!(project(pattern, "/api/v1/projects/wine/runs/1"), "wine");
        assert_eq!(project(pattern, "/api"), "");
    }

    #[test]
    fn head_needs_what_get_needs() {
        let path = "/api/v1/projects/{project}/runs";
        assert_eq!(of(&Method::HEAD, path), of(&Method::GET, path));
        assert_eq!(of(&Method::PATCH, path), None);
    }
}
