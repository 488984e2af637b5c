//! What a function's manifest lets it ask, and what to tell it when it asks for more.

use host_core::grant::{Host, HttpGrant, InvalidOrigin, Origin};
use http::{Method, Uri};

use super::address::{Addresses, Forbidden, Needs, check_address};

/// Where requests may go. Nothing is looked up to decide it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// To what a manifest grants.
    Granted(Vec<HttpGrant>),
    /// To any host, at such addresses: for what the host fetches itself.
    Anywhere(Addresses),
}

/// A request that may go out, and how far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Where it goes.
    pub origin: Origin,
    /// Which addresses it may be sent to.
    pub addresses: Addresses,
}

/// A request that may not go out. Nothing of it is told but its method and where it was for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No entry of `[grants] http` allows it.
    #[error("{method} {origin} is not granted")]
    NotGranted {
        /// Its method.
        method: String,
        /// Where it was for.
        origin: Origin,
    },
    /// An entry would allow it if its path were another.
    #[error("{method} {origin} is granted for other paths")]
    OtherPath {
        /// Its method.
        method: String,
        /// Where it was for.
        origin: Origin,
    },
    /// Where it is for cannot be told for sure.
    #[error("a request is refused: {0}")]
    Origin(#[from] InvalidOrigin),
    /// It asks for a tunnel, whose end nobody could check.
    #[error("CONNECT {0} is refused: it opens tunnels, which nobody can be granted")]
    Tunnel(Origin),
    /// It leads to an address that its entry does not lead to.
    #[error("{origin} is refused: {forbidden}")]
    Address {
        /// Where it was for.
        origin: Origin,
        /// What it leads to.
        forbidden: Forbidden,
    },
}

impl Policy {
    /// What a manifest's entries allow.
    #[must_use]
    pub fn of(grants: &[HttpGrant]) -> Self {
        Self::Granted(grants.to_vec())
    }

    /// Whether it allows nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Granted(grants) if grants.is_empty())
    }

    /// Whether a request of `method` may go to `uri`.
    ///
    /// # Errors
    /// When it may not. The addresses of a host are checked when they are known, by [`Passage::check_address`].
    pub fn check(&self, method: &Method, uri: &Uri) -> Result<Passage, Refusal> {
        let origin = Origin::of(uri)?;
        if method == Method::CONNECT {
            return Err(Refusal::Tunnel(origin));
        }
        let addresses = match self {
            Self::Anywhere(addresses) => Some(*addresses),
            Self::Granted(grants) => farthest(grants, method, &origin, uri.path()),
        };
        match (addresses, self) {
            (Some(addresses), _) => Ok(Passage { origin, addresses }),
            (None, Self::Granted(grants)) if fits_but_for_path(grants, method, &origin) => {
                Err(Refusal::OtherPath { method: method.to_string(), origin })
            }
            (None, _) => Err(Refusal::NotGranted { method: method.to_string(), origin }),
        }
    }
}

/// How far the entries lead that allow a request; of several, the one that leads farthest counts.
fn farthest(grants: &[HttpGrant], method: &Method, origin: &Origin, path: &str) -> Option<Addresses> {
    let mut fitting = grants.iter().filter(|it| it.allows(method, origin, path)).peekable();
    fitting.peek()?;
    Some(match (fitting.any(|it| it.private), &origin.host) {
        (false, _) => Addresses::Public,
        (true, Host::Name(_)) => Addresses::Private,
        (true, Host::Address(_)) => Addresses::Named,
    })
}

fn fits_but_for_path(grants: &[HttpGrant], method: &Method, origin: &Origin) -> bool {
    grants.iter().any(|it| it.path.as_deref().is_some_and(|path| it.allows(method, origin, path)))
}

impl Passage {
    /// Whether the request may be sent to `address`.
    ///
    /// # Errors
    /// When its entry does not lead there.
    pub fn check_address(&self, address: std::net::IpAddr) -> Result<(), Refusal> {
        check_address(address, self.addresses)
            .map_err(|forbidden| Refusal::Address { origin: self.origin.clone(), forbidden })
    }
}

impl Refusal {
    /// The entry that would allow the request, as it stands in a manifest; `None` where none would.
    #[must_use]
    pub fn line_to_add(&self) -> Option<String> {
        match self {
            Self::NotGranted { method, origin } | Self::OtherPath { method, origin } => {
                Some(format!("\"{method} {origin}\""))
            }
            Self::Address { origin, forbidden } => match forbidden.needs {
                Needs::Private => Some(private(origin)),
                Needs::Named => Some(private(&Origin { host: Host::Address(forbidden.address), ..origin.clone() })),
                Needs::Nothing => None,
            },
            Self::Origin(_) | Self::Tunnel(_) => None,
        }
    }

    /// What happened and what to do about it, in one line.
    #[must_use]
    pub fn advice(&self) -> String {
        match self.line_to_add() {
            Some(line) => format!("{self}: add {line} to `http` under [grants]"),
            None => self.to_string(),
        }
    }
}

fn private(origin: &Origin) -> String {
    format!("{{ url = \"{origin}\", private = true }}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(grants: &[&str]) -> Policy {
        Policy::of(&grants.iter().map(|it| it.parse().unwrap()).collect::<Vec<_>>())
    }

    fn private(url: &str) -> Policy {
        let grant: HttpGrant = url.parse().unwrap();
        Policy::of(&[HttpGrant { private: true, ..grant }])
    }

    fn check(policy: &Policy, request: &str) -> Result<Addresses, String> {
        let (method, uri) = request.split_once(' ').unwrap();
        let passage = policy.check(&method.parse().unwrap(), &uri.parse().unwrap());
        passage.map(|it| it.addresses).map_err(|refusal| refusal.advice())
    }

    #[test]
    fn a_refusal_prints_the_line_to_add_and_nothing_of_the_query() {
        let asked = "POST https://api.example.com/v1/wines?token=secret";
        let refused = check(&policy(&[]), asked).unwrap_err();
        assert_eq!(
            refused,
            "POST https://api.example.com is not granted: add \"POST https://api.example.com\" to `http` under [grants]"
        );
        assert_eq!(check(&policy(&["POST https://api.example.com"]), asked), Ok(Addresses::Public));
        let elsewhere = check(&policy(&["https://api.example.com/v2/"]), asked).unwrap_err();
        assert!(elsewhere.starts_with("POST https://api.example.com is granted for other paths: add "), "{elsewhere}");
    }

    #[test]
    fn nobody_can_be_granted_a_tunnel_or_an_unclear_host() {
        let policy = policy(&["https://example.com"]);
        assert!(check(&policy, "CONNECT https://example.com/").unwrap_err().contains("tunnels"));
        assert!(check(&policy, "GET https://example.com@evil.org/").unwrap_err().contains("a user name"));
        assert!(check(&policy, "GET /relative").unwrap_err().contains("scheme"));
    }

    #[test]
    fn a_private_entry_leads_to_private_addresses_and_only_it() {
        let both = |public: &str, private: &str| {
            let private: HttpGrant = private.parse().unwrap();
            Policy::of(&[public.parse().unwrap(), HttpGrant { private: true, ..private }])
        };
        let policy = both("POST http://db.internal", "GET http://db.internal");
        assert_eq!(check(&policy, "POST http://db.internal/"), Ok(Addresses::Public));
        assert_eq!(check(&policy, "GET http://db.internal/"), Ok(Addresses::Private));
        assert_eq!(check(&private("http://10.0.0.5:9000"), "GET http://10.0.0.5:9000/"), Ok(Addresses::Named));
        assert!(check(&private("http://10.0.0.5:9000"), "GET http://10.0.0.6:9000/").is_err());
    }

    #[test]
    fn the_line_for_a_private_address_names_the_host_and_for_a_metadata_service_its_address() {
        let line = |address: &str| {
            let policy = policy(&["http://db.internal:9000"]);
            let passage = policy.check(&Method::GET, &"http://db.internal:9000/".parse().unwrap()).unwrap();
            passage.check_address(address.parse().unwrap()).unwrap_err().line_to_add()
        };
        assert_eq!(line("10.0.0.5").unwrap(), "{ url = \"http://db.internal:9000\", private = true }");
        assert_eq!(line("169.254.169.254").unwrap(), "{ url = \"http://169.254.169.254:9000\", private = true }");
        assert_eq!(line("224.0.0.1"), None);
    }
}
