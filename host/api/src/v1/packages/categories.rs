//! `GET /api/v1/packages/categories`: the words packages are found by.

use axum::{Json, extract::State};
use host_wire::{Page, package::Category};

use crate::{AppState, problem::Problem};

/// Lists categories, in order of name, and how many packages are in each.
#[utoipa::path(get, path = "/api/v1/packages/categories", tag = "packages", operation_id = "list_package_categories",
    responses((status = 200, body = Page<Category>)))]
pub(crate) async fn categories(State(state): State<AppState>) -> Result<Json<Page<Category>>, Problem> {
    let categories = state.registry.catalogue().packages().categories().await?;
    Ok(Json(Page::whole(categories.into_iter().map(Category::from).collect())))
}
