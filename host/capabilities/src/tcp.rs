//! Connections without HTTP: which servers a manifest names, and which addresses behind them may be connected to.
//!
//! A guest looks a name up in one step and connects in another. So what a lookup found is kept by who asked: a
//! connection is made only to an address that was found, and checked, for a server that the manifest names.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use host_core::grant::{Host, Origin, Scheme, TcpGrant};
use http::{Uri, uri::Authority};
use parking_lot::Mutex;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::http::{Addresses, Forbidden, Needs, Resolve, check_address};

/// The most addresses that one instance has looked up; then the oldest is forgotten, and has to be looked up again.
const KNOWN: usize = 256;

/// One function's way to servers: what its manifest names, and how many connections it may have open.
pub struct Reach {
    grants: Vec<TcpGrant>,
    resolver: Arc<dyn Resolve>,
    places: [Arc<Semaphore>; 2],
    patience: Duration,
}

/// What one instance has looked up.
#[derive(Default)]
pub struct Known(Mutex<Vec<(Host, IpAddr)>>);

/// A place for one connection, among the function's and among the host's.
pub struct Place([OwnedSemaphorePermit; 2]);

/// Why a guest may not look something up, or connect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No entry of `[grants] tcp` names it.
    #[error("a connection to {0} is not granted")]
    NotGranted(String),
    /// An address that no lookup led to, whether or not a name stands for it.
    #[error("a connection to {0} is not granted, and no granted name led there")]
    NotFound(SocketAddr),
    /// It is no name.
    #[error("`{0}` is not the name of a server")]
    NoName(String),
    /// It leads to an address that its entry does not lead to.
    #[error("{place} is refused: {forbidden}")]
    Address {
        /// What was asked for.
        place: String,
        /// What it leads to.
        forbidden: Forbidden,
    },
    /// The name leads nowhere.
    #[error("{name} has no address: {why}")]
    NoAddress {
        /// What was asked for.
        name: String,
        /// What the resolver said.
        why: String,
    },
    /// As many connections are open as may be.
    #[error("as many connections are open as `engine.outgoing.connections` and `connections_per_function` allow")]
    Full,
}

impl Reach {
    pub(crate) fn new(
        grants: &[TcpGrant],
        resolver: Arc<dyn Resolve>,
        places: [Arc<Semaphore>; 2],
        patience: Duration,
    ) -> Self {
        Self { grants: grants.to_vec(), resolver, places, patience }
    }

    /// Every address of `name`, all of them allowed: a name with one forbidden address is not trusted with others.
    ///
    /// # Errors
    /// When no entry names it, it leads nowhere, or to an address that its entries do not lead to.
    pub async fn look_up(&self, name: &str, known: &Known) -> Result<Vec<IpAddr>, Refusal> {
        let host = host(name).ok_or_else(|| Refusal::NoName(name.to_owned()))?;
        let entries: Vec<&TcpGrant> = self.grants.iter().filter(|it| it.host == host).collect();
        let Some(first) = entries.first() else { return Err(Refusal::NotGranted(format!("{host}:<port>"))) };
        let found = match &host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => self.resolve(name).await?,
        };
        for address in &found {
            let refused = |forbidden| Refusal::Address { place: first.place(), forbidden };
            judge(&entries, *address).map_err(refused)?;
        }
        known.keep(&host, &found);
        Ok(found)
    }

    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, Refusal> {
        let nowhere = |why: String| Refusal::NoAddress { name: name.to_owned(), why };
        let found = timeout(self.patience, self.resolver.resolve(name)).await;
        let found = found.map_err(|_| nowhere("the resolver did not answer".into()))?;
        let found: Vec<IpAddr> = found.map_err(|error| nowhere(error.to_string()))?;
        if found.is_empty() {
            return Err(nowhere("nothing was found".into()));
        }
        Ok(found.into_iter().map(|it| it.to_canonical()).collect())
    }

    /// Whether a connection may be made to `to`: an address that an entry names, or that was looked up for a name.
    ///
    /// # Errors
    /// When it may not.
    pub fn check(&self, to: SocketAddr, known: &Known) -> Result<(), Refusal> {
        let address = to.ip().to_canonical();
        let leads = |it: &&TcpGrant| it.port == to.port() && known.leads(&it.host, address);
        let entries: Vec<&TcpGrant> = self.grants.iter().filter(leads).collect();
        if entries.is_empty() {
            return Err(Refusal::NotFound(SocketAddr::new(address, to.port())));
        }
        let place = entries.first().map(|it| it.place()).unwrap_or_default();
        judge(&entries, address).map_err(|forbidden| Refusal::Address { place, forbidden })
    }

    /// A place for one more connection.
    ///
    /// # Errors
    /// When there is none. Nobody waits here, because a guest could not be told why.
    pub fn place(&self) -> Result<Place, Refusal> {
        let take = |places: &Arc<Semaphore>| places.clone().try_acquire_owned().map_err(|_| Refusal::Full);
        let [of_function, of_host] = &self.places;
        Ok(Place([take(of_function)?, take(of_host)?]))
    }
}

impl Place {
    /// How many places it takes: the function's and the host's.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.0.len()
    }
}

/// Whether one of the entries leads to `address`; otherwise why none does.
fn judge(entries: &[&TcpGrant], address: IpAddr) -> Result<(), Forbidden> {
    let mut refused = Ok(());
    for entry in entries {
        refused = check_address(address, addresses(entry));
        if refused.is_ok() {
            return Ok(());
        }
    }
    refused
}

/// How far an entry leads.
fn addresses(entry: &TcpGrant) -> Addresses {
    match (entry.private, &entry.host) {
        (false, _) => Addresses::Public,
        (true, Host::Name(_)) => Addresses::Private,
        (true, Host::Address(_)) => Addresses::Named,
    }
}

/// A host as a guest writes it, in the one spelling that entries have.
fn host(name: &str) -> Option<Host> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Some(Host::Address(address.to_canonical()));
    }
    // A name and nothing else: no port, no user, no path.
    let authority: Authority = name.parse().ok().filter(|it: &Authority| it.host() == name)?;
    let uri = Uri::builder().scheme(Scheme::Http.as_str()).authority(authority).path_and_query("/").build().ok()?;
    Some(Origin::of(&uri).ok()?.host)
}

impl Known {
    fn keep(&self, host: &Host, found: &[IpAddr]) {
        let mut known = self.0.lock();
        for address in found {
            known.retain(|(name, before)| (name, before) != (host, address));
            known.push((host.clone(), *address));
        }
        let surplus = known.len().saturating_sub(KNOWN);
        known.drain(..surplus);
    }

    fn leads(&self, host: &Host, address: IpAddr) -> bool {
        match host {
            Host::Address(named) => *named == address,
            Host::Name(_) => self.0.lock().iter().any(|(name, found)| name == host && *found == address),
        }
    }
}

impl Refusal {
    /// The entry that would allow it, as it stands in a manifest; `None` where none would.
    #[must_use]
    pub fn line_to_add(&self) -> Option<String> {
        match self {
            Self::NotGranted(place) => Some(format!("\"{place}\"")),
            Self::NotFound(address) => Some(format!("\"{address}\"")),
            Self::Address { place, forbidden } => match forbidden.needs {
                Needs::Private => Some(private(place)),
                Needs::Named => {
                    let port: u16 = place.rsplit_once(':').and_then(|(_, port)| port.parse().ok())?;
                    Some(private(&SocketAddr::new(forbidden.address, port).to_string()))
                }
                Needs::Nothing => None,
            },
            Self::NoName(_) | Self::NoAddress { .. } | Self::Full => None,
        }
    }

    /// What happened and what to do about it, in one line.
    #[must_use]
    pub fn advice(&self) -> String {
        match self.line_to_add() {
            Some(line) => format!("{self}: add {line} to `tcp` under [grants]"),
            None => self.to_string(),
        }
    }

    /// Whether the manifest stands against it, rather than the network or the moment.
    #[must_use]
    pub fn is_denial(&self) -> bool {
        matches!(self, Self::NotGranted(_) | Self::NotFound(_) | Self::Address { .. })
    }
}

fn private(place: &str) -> String {
    format!("{{ to = \"{place}\", private = true }}")
}

#[cfg(test)]
mod tests;
