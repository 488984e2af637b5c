//! Names to addresses: asked once per connection, so that what was checked is what is connected to.

use std::{io, net::IpAddr};

use async_trait::async_trait;
use tokio::net::lookup_host;

/// Looks up names.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// Every address of `name`.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// Asks the machine's own resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut addresses: Vec<IpAddr> = Vec::new();
        for found in lookup_host((name, 0)).await? {
            if !addresses.contains(&found.ip()) {
                addresses.push(found.ip());
            }
        }
        Ok(addresses)
    }
}
