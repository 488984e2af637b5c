//! `[grants] tcp`: which servers a function may open connections to, each by its host and port.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeStruct as _};

use super::origin::{Host, Origin, Scheme};

/// The most entries of one function.
const ENTRIES: usize = 64;

/// The most bytes of an entry.
const BYTES: usize = 512;

/// A server that a function may open connections to: `"db.example.com:5432"`, or
/// `{ to = "10.0.0.5:5432", private = true }`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TcpGrant {
    /// The host; never a pattern.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// Whether it may lead to private addresses: this machine, its neighbours, the local network.
    pub private: bool,
}

/// Why a text is not an entry of `[grants] tcp`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a tcp grant: {why}")]
pub struct InvalidTcpGrant {
    text: String,
    why: String,
}

impl TcpGrant {
    /// Where it leads, as it is written: `db.example.com:5432`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn read(text: &str) -> Result<Self, String> {
        const EXAMPLE: &str = "write host and port, such as db.example.com:5432";
        if text.len() > BYTES {
            return Err(format!("it has more than {BYTES} bytes"));
        }
        if text.contains("://") {
            return Err(format!("it has a scheme; {EXAMPLE}"));
        }
        if text.contains('*') {
            return Err("a connection is granted to one host, not to a pattern".into());
        }
        // The parser of origins fills in a port where none is written.
        let port = text.rsplit_once(':').map(|(_, port)| port);
        if !port.is_some_and(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(format!("it has no port; {EXAMPLE}"));
        }
        let origin = Origin::read(Scheme::Http, text).map_err(|error| error.to_string())?;
        Ok(Self { host: origin.host, port: origin.port, private: false })
    }

    fn parse(text: &str, private: bool) -> Result<Self, InvalidTcpGrant> {
        let grant = Self::read(text).map_err(|why| InvalidTcpGrant { text: text.to_owned(), why })?;
        Ok(Self { private, ..grant })
    }
}

impl FromStr for TcpGrant {
    type Err = InvalidTcpGrant;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text, false)
    }
}

impl fmt::Display for TcpGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place())
    }
}

impl Serialize for TcpGrant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.private {
            return serializer.collect_str(self);
        }
        let mut table = serializer.serialize_struct("TcpGrant", 2)?;
        table.serialize_field("to", &self.place())?;
        table.serialize_field("private", &true)?;
        table.end()
    }
}

impl<'de> Deserialize<'de> for TcpGrant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// Reads a text or a table, so that a mistake is told as what it is.
struct Reader;

impl<'de> de::Visitor<'de> for Reader {
    type Value = TcpGrant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"host:port\" or { to = \"host:port\", private = true }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TcpGrant, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<TcpGrant, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            to: String,
            #[serde(default)]
            private: bool,
        }
        let Table { to, private } = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
        TcpGrant::parse(&to, private).map_err(de::Error::custom)
    }
}

/// What the types cannot say.
pub(super) fn check(grants: &[TcpGrant]) -> Result<(), String> {
    if grants.len() > ENTRIES {
        return Err(format!("grants.tcp has {} entries, and {ENTRIES} are allowed", grants.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        grant::{Grants, Need, Right, need_of},
        manifest::{InvalidManifest, Manifest},
    };

    fn manifest(grants: &str) -> Result<Manifest, InvalidManifest> {
        Manifest::parse(&format!("name = \"x\"\n[grants]\n{grants}\n"))
    }

    #[test]
    fn an_entry_is_host_and_port_or_a_table() {
        let text = "tcp = [\"DB.example.com.:5432\", \"[::1]:80\", { to = \"10.0.0.5:9000\", private = true }]";
        let grants = manifest(text).unwrap().grants;
        let told: Vec<_> = grants.tcp.iter().map(|it| (it.to_string(), it.private)).collect();
        let expected = [("db.example.com:5432", false), ("[::1]:80", false), ("10.0.0.5:9000", true)];
        assert_eq!(told, expected.map(|(place, private)| (place.to_owned(), private)));
        let json = serde_json::to_string(&grants).unwrap();
        assert_eq!(serde_json::from_str::<Grants>(&json).unwrap(), grants);
        let toml = toml::to_string(&grants).unwrap();
        assert_eq!(toml::from_str::<Grants>(&toml).unwrap(), grants);
    }

    #[test]
    fn mistakes_are_told_as_what_they_are_and_where() {
        for (grants, says) in [
            ("tcp = [\"db.example.com\"]", "it has no port"),
            ("tcp = [\"db.example.com:\"]", "it has no port"),
            ("tcp = [\"[::1]\"]", "it has no port"),
            ("tcp = [\"tcp://db.example.com:5432\"]", "it has a scheme"),
            ("tcp = [\"*.example.com:5432\"]", "not to a pattern"),
            ("tcp = [\"user@db.example.com:5432\"]", "user name before the host"),
            ("tcp = [\"db.example.com:0\"]", "0 is not a port"),
            ("tcp = [\"db.example.com:99999\"]", "cannot be read"),
            ("tcp = [\":5432\"]", "cannot be read"),
            ("tcp = [\"db.example.com/x:5432\"]", "cannot be read"),
            ("tcp = [7]", "{ to = "),
            ("tcp = [{ private = true }]", "missing field `to`"),
            ("tcp = [{ to = \"a:1\", port = 2 }]", "unknown field `port`"),
        ] {
            let error = manifest(grants).unwrap_err();
            assert!(error.message.contains(says), "{grants}: {error}");
            assert_eq!(error.line, Some(3), "{grants}");
        }
    }

    #[test]
    fn a_list_has_a_bound() {
        let entries: Vec<String> = (0..=ENTRIES).map(|port| format!("\"a.example:{}\"", port + 1)).collect();
        let error = manifest(&format!("tcp = [{}]", entries.join(", "))).unwrap_err().to_string();
        assert!(error.contains("grants.tcp has 65 entries"), "{error}");
    }

    #[test]
    fn a_function_that_was_granted_tcp_reaches_outside_and_imports_never_ask_for_it() {
        let with = manifest("tcp = [\"db.example.com:5432\"]").unwrap();
        assert!(with.allows(Right::Tcp) && with.grants.reaches_outside());
        assert!(!manifest("").unwrap().allows(Right::Tcp));
        assert_eq!(need_of("wasi:sockets/tcp@0.2.12"), Need::Nothing);
    }
}
