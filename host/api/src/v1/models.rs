//! The model registry.

use host_core::{
    Name,
    model::{At, ModelRef, Version},
};
use host_wire::alias::VersionName;

use crate::{AppState, problem::Problem};

pub(super) mod list;
pub(super) mod promote;
pub(super) mod register;
pub(super) mod rollback;
pub(super) mod show;
pub(super) mod stats;
pub(super) mod versions;

/// The version that a number or an alias means.
async fn version(state: &AppState, project: &Name, model: &Name, name: VersionName) -> Result<Version, Problem> {
    let at = match name {
        VersionName::Number(number) => At::Number(number),
        VersionName::Text(text) => match text.parse() {
            Ok(number) => At::Number(number),
            Err(_) => At::Alias(text.parse().map_err(|_| {
                Problem::unprocessable("invalid-version", format!("`{text}` is neither a number nor an alias"))
            })?),
        },
    };
    Ok(state.models.resolve(project, &ModelRef { model: model.clone(), at }).await?)
}
