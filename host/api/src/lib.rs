//! The control plane over HTTP: `/api/v1`, the Open Inference Protocol under `/v2`, and health.

mod archive;
mod auth;
mod body;
mod config;
mod extract;
mod fallback;
mod followers;
mod guard;
mod health;
mod metrics;
mod openapi;
mod principal;
mod problem;
mod state;
mod tutorial;
mod upload;
mod v1;
mod v2;

use axum::{Router, extract::DefaultBodyLimit, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

pub use config::Config;
pub use openapi::openapi;
pub use state::{AppState, Rooms};

/// Every path of the control plane. Paths it does not know are left to the router's fallback, except those under
/// `/api` and `/v2`.
pub fn router(state: AppState) -> Router {
    let (v2, _) = v2::routes().split_for_parts();
    let tutorial = if state.config().tutorial { tutorial::routes() } else { Router::new() };
    assemble(v1::routes(), v2, tutorial, state)
}

/// The paths of a host that is a registry and nothing else.
pub fn registry_router(state: AppState) -> Router {
    assemble(v1::registry_routes(), Router::new(), Router::new(), state).fallback(fallback::not_found)
}

fn assemble(v1: OpenApiRouter<AppState>, v2: Router<AppState>, tutorial: Router<AppState>, state: AppState) -> Router {
    let max_json = usize::try_from(state.config().max_json.0).unwrap_or(usize::MAX);
    let (v1, _) = v1.split_for_parts();
    let v1 = v1
        .route("/api/v1/openapi.json", axum::routing::get(openapi::show))
        .route("/api", axum::routing::any(fallback::not_found))
        .route("/api/{*rest}", axum::routing::any(fallback::not_found))
        .method_not_allowed_fallback(fallback::method_not_allowed)
        .layer(DefaultBodyLimit::max(max_json))
        .layer(middleware::from_fn_with_state(state.clone(), guard::same_site));
    let v2 = v2
        .route("/v2/", axum::routing::any(v2::registry))
        .route("/v2/{*rest}", axum::routing::any(v2::registry))
        .method_not_allowed_fallback(v2::method_not_allowed)
        .layer(middleware::from_fn_with_state(state.clone(), guard::same_site_inference));
    let (health, _) = health::routes().split_for_parts();
    let routes =
        v1.merge(v2).merge(tutorial).merge(health).layer(middleware::from_fn_with_state(state.clone(), auth::check));
    routes.layer(CatchPanicLayer::custom(fallback::panicked)).with_state(state)
}

#[cfg(test)]
mod tests;
