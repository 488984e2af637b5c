//! Where a request goes, in one spelling: scheme, host and port, however the host was written.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use http::Uri;
use url::Url;

/// The most bytes of a host name.
const NAME_BYTES: usize = 253;

/// How a request travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

/// A host, in the one way it can be compared: a name in lower case and punycode without its last dot, or an address.
///
/// `0x7f.1`, `2130706433`, `127.1.` and `[::ffff:127.0.0.1]` all are the address 127.0.0.1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name, for a resolver to look up.
    Name(String),
    /// An address. IPv4 within IPv6 is IPv4.
    Address(IpAddr),
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// How.
    pub scheme: Scheme,
    /// To whom.
    pub host: Host,
    /// To which of its ports.
    pub port: u16,
}

/// Why there is nowhere for a request to go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrigin {
    /// Neither http nor https.
    #[error("its scheme is neither http nor https")]
    Scheme,
    /// A user name or password before the host, which reads like one host and is another.
    #[error("it has a user name before the host")]
    UserInfo,
    /// No host, or none that can be read.
    #[error("its host or port cannot be read: {0}")]
    Host(String),
}

impl Scheme {
    /// `http` or `https`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port where none is named.
    #[must_use]
    pub fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        match text {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            _ => Err(InvalidOrigin::Scheme),
        }
    }
}

impl Origin {
    /// Where a request to `uri` goes.
    ///
    /// # Errors
    /// When the URI is relative, no HTTP, names a user, or its host is no host.
    pub fn of(uri: &Uri) -> Result<Self, InvalidOrigin> {
        let scheme = uri.scheme_str().ok_or(InvalidOrigin::Scheme)?;
        let authority = uri.authority().ok_or_else(|| InvalidOrigin::Host("there is none".into()))?;
        Self::read(Scheme::parse(&scheme.to_ascii_lowercase())?, authority.as_str())
    }

    /// An origin of a scheme and what stands between `//` and the path.
    pub(super) fn read(scheme: Scheme, authority: &str) -> Result<Self, InvalidOrigin> {
        if authority.contains('@') {
            return Err(InvalidOrigin::UserInfo);
        }
        let unread = |why: &str| InvalidOrigin::Host(why.to_owned());
        // The parser of URLs would take these for the end of the host, or leave them out.
        if authority.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '\\' | '?' | '#')) {
            return Err(unread("a host has no such characters"));
        }
        let url = Url::parse(&format!("{}://{authority}/", scheme.as_str())).map_err(|it| unread(&it.to_string()))?;
        let host = match url.host().ok_or_else(|| unread("there is none"))? {
            url::Host::Domain(name) => Host::Name(plain(name)?),
            url::Host::Ipv4(address) => Host::Address(address.into()),
            url::Host::Ipv6(address) => Host::Address(unmapped(address)),
        };
        match url.port_or_known_default() {
            Some(port) if port != 0 => Ok(Self { scheme, host, port }),
            _ => Err(unread("0 is not a port")),
        }
    }

    /// Host and port, the port only where it is not the scheme's own: what a `Host` header says.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.port == self.scheme.port() { self.host.to_string() } else { format!("{}:{}", self.host, self.port) }
    }
}

/// A name without its last dot: `example.com.` is `example.com`.
fn plain(name: &str) -> Result<String, InvalidOrigin> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_fine = !name.is_empty() && name.len() <= NAME_BYTES && name.split('.').all(|label| !label.is_empty());
    is_fine.then(|| name.to_owned()).ok_or_else(|| InvalidOrigin::Host(format!("`{name}` is not a name")))
}

fn unmapped(address: Ipv6Addr) -> IpAddr {
    address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(uri: &str) -> String {
        match uri.parse::<Uri>() {
            Ok(uri) => Origin::of(&uri).map_or_else(|error| error.to_string(), |it| it.to_string()),
            Err(_) => "no URI".into(),
        }
    }

    #[test]
    fn every_spelling_of_a_host_is_one_host() {
        for (uri, is) in [
            ("http://127.0.0.1/", "http://127.0.0.1"),
            ("http://2130706433/", "http://127.0.0.1"),
            ("http://0x7f000001/", "http://127.0.0.1"),
            ("http://0x7f.1/", "http://127.0.0.1"),
            ("http://0177.0.0.1/", "http://127.0.0.1"),
            ("http://127.1/", "http://127.0.0.1"),
            ("http://127.0.0.1./", "http://127.0.0.1"),
            ("http://[::ffff:127.0.0.1]/", "http://127.0.0.1"),
            ("http://[::ffff:7f00:1]:8080/", "http://127.0.0.1:8080"),
            ("http://[0:0:0:0:0:0:0:1]/", "http://[::1]"),
            ("HTTPS://API.Example.COM/", "https://api.example.com"),
            ("https://api.example.com./", "https://api.example.com"),
            ("https://api.example.com:443/", "https://api.example.com"),
            ("https://api.example.com:0443/", "https://api.example.com"),
            ("https://api.example.com:/", "https://api.example.com"),
            ("http://api.example.com:443/", "http://api.example.com:443"),
            ("https://XN--BCHER-KVA.example/", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(origin(uri), is, "{uri}");
        }
    }

    #[test]
    fn what_reads_like_one_host_and_is_another_is_no_origin() {
        for uri in [
            "http://api.example.com@127.0.0.1/",
            "http://user:password@api.example.com/",
            "http://api.example.com:0/",
            "http://api.example.com:65536/",
            "http://256.256.256.256/",
            "http://1.2.3.4.5/",
            "http://0x100000000/",
            "http://api..example.com/",
            "http://./",
            "http://[::1/",
            "http://[fe80::1%25eth0]/",
            "ftp://api.example.com/",
            "/relative",
        ] {
            assert!(!origin(uri).starts_with("http"), "{uri}: {}", origin(uri));
        }
    }
}
