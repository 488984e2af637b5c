//! The routes of `/api/v1`, a folder per noun and a file per verb.

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::AppState;

mod artifacts;
mod audit;
mod backup;
mod calls;
mod components;
mod config;
mod dead_letters;
mod endpoints;
mod functions;
mod gc;
mod logs;
mod model_streams;
mod models;
mod namespaces;
mod packages;
mod pipelines;
mod principal;
mod projects;
mod revisions;
mod runs;
mod secrets;
mod tokens;
mod triggers;
mod trust;

/// Every route.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    registry_routes()
        .routes(routes!(projects::list::list, projects::import::import))
        .routes(routes!(projects::export::export))
        .routes(routes!(secrets::list::list))
        .routes(routes!(secrets::set::set, secrets::delete::delete))
        .routes(routes!(secrets::rotate::rotate))
        .routes(routes!(secrets::rekey::rekey))
        .routes(routes!(trust::show::show, trust::set::set))
        .routes(routes!(trust::add::add))
        .routes(routes!(trust::revoke::revoke))
        .routes(routes!(audit::list::list))
        .routes(routes!(components::put::put, components::head::head))
        .routes(routes!(functions::list::list))
        .routes(routes!(functions::show::show, functions::delete::delete))
        .routes(routes!(functions::rollback::rollback))
        .routes(routes!(functions::invoke::invoke))
        .routes(routes!(revisions::list::list, revisions::deploy::deploy))
        .routes(routes!(revisions::show::show))
        .routes(routes!(revisions::activate::activate))
        .routes(routes!(calls::list::list))
        .routes(routes!(calls::show::show))
        .routes(routes!(logs::list::list))
        .routes(routes!(logs::follow::follow))
        .routes(routes!(triggers::list::list))
        .routes(routes!(triggers::show::show))
        .routes(routes!(triggers::pause::pause))
        .routes(routes!(triggers::resume::resume))
        .routes(routes!(triggers::seek::seek))
        .routes(routes!(dead_letters::list::list))
        .routes(routes!(dead_letters::show::show))
        .routes(routes!(dead_letters::replay::replay))
        .routes(routes!(pipelines::check::check))
        .routes(routes!(pipelines::list::list, pipelines::deploy::deploy))
        .routes(routes!(pipelines::show::show, pipelines::delete::delete))
        .routes(routes!(runs::list::list, runs::submit::submit))
        .routes(routes!(runs::import::import))
        .routes(routes!(runs::show::show))
        .routes(routes!(runs::cancel::cancel))
        .routes(routes!(runs::retry::retry))
        .routes(routes!(runs::reproduce::reproduce))
        .routes(routes!(runs::compare::compare))
        .routes(routes!(runs::events::events))
        .routes(routes!(runs::response::response))
        .routes(routes!(artifacts::list::list, artifacts::upload::upload))
        .routes(routes!(artifacts::show::show))
        .routes(routes!(artifacts::content::content))
        .routes(routes!(models::list::list))
        .routes(routes!(models::show::show))
        .routes(routes!(models::versions::versions, models::register::register))
        .routes(routes!(models::promote::promote))
        .routes(routes!(models::rollback::rollback))
        .routes(routes!(models::stats::stats))
        .routes(routes!(model_streams::list::list))
        .routes(routes!(model_streams::show::show, model_streams::add::add, model_streams::remove::remove))
        .routes(routes!(endpoints::list::list))
        .routes(routes!(endpoints::serve::serve))
}

/// Those of a host that is a registry and nothing else.
pub(crate) fn registry_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(backup::create::create))
        .routes(routes!(config::show::show))
        .routes(routes!(gc::collect::collect))
        .routes(routes!(principal::show::show))
        .routes(routes!(tokens::list::list, tokens::create::create))
        .routes(routes!(tokens::revoke::revoke))
        .routes(routes!(audit::everywhere::everywhere))
        .routes(routes!(packages::list::list))
        .routes(routes!(packages::categories::categories))
        .routes(routes!(packages::show::show))
        .routes(routes!(packages::deprecate::deprecate))
        .routes(routes!(packages::versions::versions))
        .routes(routes!(packages::version::version))
        .routes(routes!(packages::docs::docs))
        .routes(routes!(packages::yank::yank, packages::unyank::unyank))
        .routes(routes!(namespaces::list::list))
        .routes(routes!(namespaces::show::show, namespaces::claim::claim))
        .routes(routes!(namespaces::add_owner::add_owner, namespaces::remove_owner::remove_owner))
        .routes(routes!(namespaces::verify::verify))
}
