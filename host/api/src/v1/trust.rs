//! Trust: whose packages a project takes.

use host_core::{
    Name,
    package::STANDARD,
    trust::{TrustPolicy, TrustedKey},
};

use crate::{AppState, problem::Problem};

pub(super) mod add;
pub(super) mod revoke;
pub(super) mod set;
pub(super) mod show;

/// Who trusts the key of the library.
const HOST: &str = "host";

/// What the project demands, and the keys it knows: its own, and that of the library that came with this host, which is
/// trusted as the host is.
pub(super) async fn policy(state: &AppState, project: &Name) -> Result<TrustPolicy, Problem> {
    let mut policy = state.store.trust_policy(project).await?;
    if let Some(key) = state.library
        && let Ok(namespace) = STANDARD.parse::<Name>()
        && !policy.keys.iter().any(|it| it.key == key && it.namespace == namespace)
    {
        let added_at = jiff::Timestamp::UNIX_EPOCH;
        let (is_warm, added_by) = (true, HOST.to_owned());
        policy.keys.insert(0, TrustedKey { namespace, key, is_warm, added_by, added_at, revoked: None });
    }
    Ok(policy)
}
