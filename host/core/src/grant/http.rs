//! `[grants] http`: which requests a function may send, and to where.

use std::{fmt, str::FromStr};

use http::Method;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeStruct as _};

use super::origin::{Host, Origin, Scheme};

/// The most entries of one function.
const ENTRIES: usize = 64;

/// The most bytes of an entry's URL.
const URL_BYTES: usize = 2048;

/// Requests that a function may send: `"https://api.example.com"`, `"GET http://*.example.org:8080/v1/"`, or
/// `{ url = "http://10.0.0.5:9000", methods = ["GET"], private = true }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpGrant {
    /// The methods; any, when empty. `CONNECT` is never one of them.
    pub methods: Vec<Method>,
    /// The scheme.
    pub scheme: Scheme,
    /// The hosts.
    pub host: HostRule,
    /// The port.
    pub port: u16,
    /// What the path has to begin with, segment by segment; any path, when absent.
    pub path: Option<String>,
    /// Whether it may lead to private addresses: this machine, its neighbours, the local network.
    pub private: bool,
}

/// Which hosts an entry names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostRule {
    /// This one.
    Exactly(Host),
    /// Every name below this one, and not this one itself: `*.example.org`.
    Below(String),
}

/// Why a text is not an entry of `[grants] http`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an http grant: {why}")]
pub struct InvalidHttpGrant {
    text: String,
    why: String,
}

impl HttpGrant {
    /// An entry for any method at `text`, such as `https://api.example.com/v1/`.
    fn at(text: &str) -> Result<Self, String> {
        if text.len() > URL_BYTES {
            return Err(format!("it has more than {URL_BYTES} bytes"));
        }
        let (scheme, rest) = match text.split_once("://") {
            Some(("http", rest)) => (Scheme::Http, rest),
            Some(("https", rest)) => (Scheme::Https, rest),
            _ => return Err("write scheme and host, such as https://api.example.com".into()),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (authority, is_below) = match authority.strip_prefix("*.") {
            Some(below) => (below, true),
            None => (authority, false),
        };
        if authority.contains('*') {
            return Err("a `*` may only stand alone before the first dot, as in https://*.example.com".into());
        }
        let origin = Origin::read(scheme, authority).map_err(|error| error.to_string())?;
        let host = match (is_below, origin.host) {
            (false, host) => HostRule::Exactly(host),
            (true, Host::Name(name)) if name.contains('.') => HostRule::Below(name),
            (true, _) => return Err("`*.` has to be followed by a name of at least two parts".into()),
        };
        let path = prefix(path)?;
        Ok(Self { methods: Vec::new(), scheme, host, port: origin.port, path, private: false })
    }

    /// Whether it allows a request of `method` to this path at `origin`.
    #[must_use]
    pub fn allows(&self, method: &Method, origin: &Origin, path: &str) -> bool {
        (self.methods.is_empty() || self.methods.contains(method))
            && self.scheme == origin.scheme
            && self.port == origin.port
            && self.host.includes(&origin.host)
            && self.path.as_deref().is_none_or(|prefix| is_within(prefix, path))
    }

    fn url(&self) -> String {
        let host = match &self.host {
            HostRule::Exactly(host) => host.to_string(),
            HostRule::Below(name) => format!("*.{name}"),
        };
        let port = if self.port == self.scheme.port() { String::new() } else { format!(":{}", self.port) };
        format!("{}://{host}{port}{}", self.scheme.as_str(), self.path.as_deref().unwrap_or(""))
    }
}

impl HostRule {
    fn includes(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Exactly(granted), asked) => granted == asked,
            (Self::Below(granted), Host::Name(asked)) => {
                asked.strip_suffix(granted.as_str()).is_some_and(|it| it.ends_with('.'))
            }
            (Self::Below(_), Host::Address(_)) => false,
        }
    }
}

/// A path to begin with; `/` alone is any.
fn prefix(path: &str) -> Result<Option<String>, String> {
    if path.contains(['?', '#', '*', '\\']) || path.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err("its path may have no query, no `*` and no space: it is what paths begin with".into());
    }
    if climbs(path) {
        return Err("its path has a `.` or `..` in it".into());
    }
    Ok(Some(path).filter(|it| !matches!(*it, "" | "/")).map(str::to_owned))
}

/// Whether `path` lies below `prefix`, and will still do so once a server has taken its escapes and dots for what they
/// stand for.
fn is_within(prefix: &str, path: &str) -> bool {
    let below = |rest: &str| prefix.ends_with('/') || rest.is_empty() || rest.starts_with('/');
    path.strip_prefix(prefix).is_some_and(below) && !climbs(path)
}

/// Whether a path has a segment `.` or `..`, written out or escaped.
fn climbs(path: &str) -> bool {
    let plain = percent_decode_str(path).decode_utf8_lossy();
    plain.split(['/', '\\']).any(|segment| matches!(segment.split(';').next(), Some("." | "..")))
}

/// A method, as a manifest names it.
fn method(text: &str) -> Result<Method, String> {
    let method = Method::from_bytes(text.as_bytes()).ok().filter(|_| text.to_ascii_uppercase() == text);
    match method {
        Some(Method::CONNECT) => Err("CONNECT opens tunnels, which nobody can be granted".into()),
        Some(method) => Ok(method),
        None => Err(format!("`{text}` is not a method: write GET, POST, …")),
    }
}

impl FromStr for HttpGrant {
    type Err = InvalidHttpGrant;

    /// Reads `URL`, `METHOD URL` or `METHOD,METHOD URL`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let Some((methods, url)) = text.split_once(' ') else { return Self::at(text) };
            let methods = methods.split(',').map(method).collect::<Result<_, _>>()?;
            Ok(Self { methods, ..Self::at(url)? })
        };
        read().map_err(|why| InvalidHttpGrant { text: text.to_owned(), why })
    }
}

impl fmt::Display for HttpGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let methods: Vec<&str> = self.methods.iter().map(Method::as_str).collect();
        let space = if methods.is_empty() { "" } else { " " };
        write!(f, "{}{space}{}", methods.join(","), self.url())
    }
}

impl Serialize for HttpGrant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.private {
            return serializer.collect_str(self);
        }
        let methods: Vec<&str> = self.methods.iter().map(Method::as_str).collect();
        let mut table = serializer.serialize_struct("HttpGrant", 3)?;
        table.serialize_field("url", &self.url())?;
        if methods.is_empty() {
            table.skip_field("methods")?;
        } else {
            table.serialize_field("methods", &methods)?;
        }
        table.serialize_field("private", &true)?;
        table.end()
    }
}

impl<'de> Deserialize<'de> for HttpGrant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// Reads a text or a table, so that a mistake is told as what it is.
struct Reader;

impl<'de> de::Visitor<'de> for Reader {
    type Value = HttpGrant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"https://…\", \"GET https://…\", or { url = \"https://…\", methods = […], private = true }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<HttpGrant, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<HttpGrant, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            url: String,
            #[serde(default)]
            methods: Vec<String>,
            #[serde(default)]
            private: bool,
        }
        let Table { url, methods, private } = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
        let grant = || {
            let methods = methods.iter().map(|it| method(it)).collect::<Result<_, _>>()?;
            Ok(HttpGrant { methods, private, ..HttpGrant::at(&url)? })
        };
        grant().map_err(|why| de::Error::custom(InvalidHttpGrant { text: url.clone(), why }))
    }
}

/// What the types cannot say.
pub(super) fn check(grants: &[HttpGrant]) -> Result<(), String> {
    if grants.len() > ENTRIES {
        return Err(format!("grants.http has {} entries, and {ENTRIES} are allowed", grants.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
