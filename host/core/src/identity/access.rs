//! How a host is reached, what it demands of those who reach it, and what they show.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, header};

/// How a host is reached, and what it demands of those who reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Access {
    /// What they have to show.
    pub demand: Demand,
    /// How they come.
    pub way: Way,
}

/// What a host demands of those who use its control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Demand {
    /// Nothing: who can reach it may do everything. Whoever shows a token all the same is taken for its bearer.
    #[default]
    Nothing,
    /// A token.
    Tokens,
}

/// How clients come to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// By themselves.
    #[default]
    Direct,
    /// Through a proxy that says in `x-forwarded-for` for whom it asks.
    Proxy,
}

impl Access {
    /// Where a request comes from: its peer, or whom a proxy before this host names.
    ///
    /// Of several addresses the last counts. The proxy added it; those before are what a client said of itself.
    #[must_use]
    pub fn address(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let forwarded = || forwarded(headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?);
        let named = if self.way == Way::Proxy { forwarded() } else { None };
        named.or(peer).map(|it| it.to_canonical())
    }
}

fn forwarded(list: &str) -> Option<IpAddr> {
    let last = list.rsplit(',').next()?.trim();
    let address = last.parse().or_else(|_| last.parse::<SocketAddr>().map(|it| it.ip()));
    address.ok()
}

/// The token that a request shows, as it is.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
