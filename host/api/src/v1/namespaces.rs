//! Namespaces of packages, and who may publish in them.

use host_core::Name;
use host_wire::package::Namespace;

use crate::{AppState, problem::Problem};

pub(super) mod add_owner;
pub(super) mod claim;
pub(super) mod list;
pub(super) mod remove_owner;
pub(super) mod show;
pub(super) mod verify;

/// The namespace as it is now.
async fn namespace(state: &AppState, name: &Name) -> Result<Namespace, Problem> {
    Ok(state.registry.catalogue().packages().namespace(name).await?.into())
}
