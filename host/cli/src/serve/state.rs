//! Where keyed state is kept: the backend that the configuration names.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use host_capabilities::keyvalue::{Backend, MemoryState, Quota, RedisState};
use host_core::ports::KeyValue;
use host_store::{Store, StoreState};
use zeroize::Zeroizing;

use super::Place;
use crate::config::Config;

/// The variable with the password of Redis. It is no key of the configuration, so that nothing shows it.
const VARIABLE: &str = "WEFT_REDIS_PASSWORD";

/// Opens it. A Redis that does not answer is told now, and to whoever needs state.
pub(super) async fn open(config: &Config, place: Place, store: &Store) -> Result<Arc<dyn KeyValue>> {
    let memory = || Arc::new(MemoryState::new(config.keyvalue.memory));
    let bounded = |state| Arc::new(Quota::new(state, config.keyvalue.bucket));
    Ok(match (&config.keyvalue.backend, place) {
        (_, Place::Memory) | (Backend::Memory, _) => memory(),
        (Backend::Sql, Place::Disk) => bounded(StoreState::start(store)),
        (Backend::Redis(address), Place::Disk) => bounded(redis(config, address).await?),
    })
}

async fn redis(config: &Config, address: &str) -> Result<Arc<dyn KeyValue>> {
    let password = std::env::var(VARIABLE).ok().map(Zeroizing::new).filter(|it| !it.is_empty());
    let state = RedisState::new(address, password.as_deref().map(String::as_str), config.keyvalue.patience);
    let state = state.context("could not use `keyvalue.backend`")?;
    if let Err(error) = state.ping().await {
        tracing::error!(%error, "keyed state cannot be used");
    }
    Ok(Arc::new(state))
}
