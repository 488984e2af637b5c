//! The ways out of a function: what its manifest grants of the network, and nothing where it grants none.

use std::sync::Arc;

use host_capabilities::{
    http::{Client, Policy, Reach},
    tcp,
};
use host_core::grant::Grants;

/// What a function may reach of the network; its connections are its own.
#[derive(Clone, Default)]
pub(crate) struct Ways {
    /// Requests, where the manifest grants some.
    pub(crate) http: Option<Arc<Reach>>,
    /// Connections, where the manifest grants some.
    pub(crate) tcp: Option<Arc<tcp::Reach>>,
}

impl Ways {
    /// What `grants` open, through the client of the host.
    pub(crate) fn of(grants: &Grants, client: &Client) -> Self {
        let policy = Policy::of(&grants.http);
        let http = (!policy.is_empty()).then(|| Arc::new(client.reach(policy)));
        let tcp = (!grants.tcp.is_empty()).then(|| Arc::new(client.servers(&grants.tcp)));
        Self { http, tcp }
    }

    /// Whether there are any: then what a guest waits for may come from outside.
    pub(crate) fn are_open(&self) -> bool {
        self.http.is_some() || self.tcp.is_some()
    }
}
