//! `[grants] secret` and `config`: which secrets and plain values a function may read, and where a secret may go.

use std::{fmt, str::FromStr};

use http::Uri;
use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeStruct as _};

use super::Origin;
use crate::Name;

/// The most secrets one function may be granted.
const SECRETS: usize = 64;

/// The most plain values of one function, and the most bytes of a key and of a value.
const VALUES: usize = 256;
const KEY_BYTES: usize = 200;
const VALUE_BYTES: usize = 64 << 10;

/// A secret that a function may use: `"db-password"`, or `{ name = "api-key", to = ["https://api.example.com"] }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretGrant {
    /// Its name in the project.
    pub name: Name,
    /// Where it may be sent. Then the guest holds a placeholder only, and the host puts the value into headers of
    /// requests that go there. Empty: the guest reads the value itself.
    pub to: Vec<Destination>,
}

impl SecretGrant {
    /// Whether the guest gets a placeholder instead of the value.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        !self.to.is_empty()
    }

    /// What stands for the value in the guest.
    #[must_use]
    pub fn placeholder(&self) -> String {
        format!("{PLACEHOLDER_START}{}{PLACEHOLDER_END}", self.name)
    }
}

/// How a placeholder begins.
pub const PLACEHOLDER_START: &str = "{{weft-secret:";

/// How a placeholder ends.
pub const PLACEHOLDER_END: &str = "}}";

/// Where a secret may go: a scheme, a host and a port, as in `https://api.example.com`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Destination(Origin);

/// A text that is not a destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a destination: write scheme, host and port alone, such as https://api.example.com")]
pub struct InvalidDestination(pub String);

impl Destination {
    /// Where a request to `uri` goes; `None` when it is relative, or no HTTP.
    #[must_use]
    pub fn of(uri: &Uri) -> Option<Self> {
        Origin::of(uri).ok().map(Self)
    }
}

impl From<Origin> for Destination {
    fn from(origin: Origin) -> Self {
        Self(origin)
    }
}

impl FromStr for Destination {
    type Err = InvalidDestination;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || InvalidDestination(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none() && !text.contains(['*', '#']);
        Self::of(&uri).filter(|_| is_bare).ok_or_else(wrong)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for Destination {
    type Error = InvalidDestination;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        destination.to_string()
    }
}

impl Serialize for SecretGrant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.is_opaque() {
            return self.name.serialize(serializer);
        }
        let mut table = serializer.serialize_struct("SecretGrant", 2)?;
        table.serialize_field("name", &self.name)?;
        table.serialize_field("to", &self.to)?;
        table.end()
    }
}

impl<'de> Deserialize<'de> for SecretGrant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// Reads a name or a table, so that a mistake is told as what it is.
struct Reader;

impl<'de> de::Visitor<'de> for Reader {
    type Value = SecretGrant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a secret, or { name = \"…\", to = [\"https://…\"] }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretGrant, E> {
        Ok(SecretGrant { name: text.parse().map_err(E::custom)?, to: Vec::new() })
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<SecretGrant, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            name: Name,
            to: Vec<Destination>,
        }
        let Table { name, to } = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
        if to.is_empty() {
            let nowhere = format!("`to` of secret `{name}` is empty: name where it may go, or write \"{name}\" alone");
            return Err(de::Error::custom(nowhere));
        }
        Ok(SecretGrant { name, to })
    }
}

/// What the types cannot say of the two grants that are read under the same names.
pub(super) fn check(secrets: &[SecretGrant], config: &IndexMap<String, String>) -> Result<(), String> {
    if secrets.len() > SECRETS {
        return Err(format!("grants.secret names {} secrets, and {SECRETS} are allowed", secrets.len()));
    }
    if config.len() > VALUES {
        return Err(format!("grants.config has {} values, and {VALUES} are allowed", config.len()));
    }
    for (place, grant) in secrets.iter().enumerate() {
        if secrets[..place].iter().any(|other| other.name == grant.name) {
            return Err(format!("grants.secret names `{}` twice", grant.name));
        }
        if config.contains_key(grant.name.as_str()) {
            return Err(format!("`{}` is both a secret and a value of grants.config: rename one", grant.name));
        }
    }
    for (key, value) in config {
        if key.is_empty() || key.len() > KEY_BYTES || value.len() > VALUE_BYTES {
            return Err(format!(
                "grants.config.{key}: a key has 1 to {KEY_BYTES} bytes, and a value at most {VALUE_BYTES}"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        grant::Right,
        manifest::{InvalidManifest, Manifest},
    };

    fn manifest(grants: &str) -> Result<Manifest, InvalidManifest> {
        Manifest::parse(&format!("name = \"x\"\n[grants]\n{grants}\n"))
    }

    #[test]
    fn a_secret_is_a_name_or_a_name_with_destinations() {
        let text = "secret = [\"db-password\", { name = \"api-key\", to = [\"https://API.example.com:443/\", \"http://x:8080\"] }]";
        let grants = manifest(text).unwrap().grants;
        assert!(!grants.secret[0].is_opaque() && grants.secret[1].is_opaque());
        assert_eq!(grants.secret[1].placeholder(), "{{weft-secret:api-key}}");
        let to: Vec<_> = grants.secret[1].to.iter().map(ToString::to_string).collect();
        assert_eq!(to, ["https://api.example.com", "http://x:8080"]);
        let json = serde_json::to_string(&grants).unwrap();
        assert_eq!(serde_json::from_str::<crate::grant::Grants>(&json).unwrap(), grants);
        let toml = toml::to_string(&grants).unwrap();
        assert_eq!(toml::from_str::<crate::grant::Grants>(&toml).unwrap(), grants);
    }

    #[test]
    fn mistakes_are_told_as_what_they_are() {
        for (grants, says) in [
            ("secret = [\"DB\"]", "`DB` is not a name"),
            ("secret = [7]", "the name of a secret"),
            ("secret = [{ name = \"a\" }]", "missing field `to`"),
            ("secret = [{ name = \"a\", to = [] }]", "`to` of secret `a` is empty"),
            ("secret = [{ name = \"a\", to = [\"https://x/path\"] }]", "is not a destination"),
            ("secret = [{ name = \"a\", to = [\"https://user@x\"] }]", "is not a destination"),
            ("secret = [{ name = \"a\", to = [\"https://*.x.org\"] }]", "is not a destination"),
            ("secret = [{ name = \"a\", to = [\"ftp://x\"] }]", "is not a destination"),
            ("secret = [{ name = \"a\", to = [\"https://x:99999\"] }]", "is not a destination"),
            ("secret = [\"a\", \"a\"]", "names `a` twice"),
            ("secret = [\"a\"]\nconfig = { a = \"1\" }", "both a secret and a value"),
            ("config = { a = 1 }", "invalid type: integer"),
            ("config = { \"\" = \"1\" }", "a key has 1 to"),
        ] {
            let error = manifest(grants).unwrap_err().to_string();
            assert!(error.contains(says), "{grants}: {error}");
        }
    }

    #[test]
    fn either_grant_opens_the_configuration() {
        assert!(!manifest("").unwrap().allows(Right::Config));
        assert!(manifest("secret = [\"a\"]").unwrap().allows(Right::Config));
        assert!(manifest("config = { a = \"1\" }").unwrap().allows(Right::Config));
    }

    #[test]
    fn a_destination_is_compared_by_scheme_host_and_port() {
        let of = |uri: &str| Destination::of(&uri.parse().unwrap());
        let granted: Destination = "https://api.example.com".parse().unwrap();
        for same in ["https://api.example.com/v1?q=1", "https://API.EXAMPLE.COM:443/"] {
            assert_eq!(of(same).as_ref(), Some(&granted), "{same}");
        }
        for other in [
            "http://api.example.com/",
            "https://api.example.com:8443/",
            "https://api.example.com.evil.org/",
            "https://evil.org/api.example.com",
            "https://api.example.com@evil.org/",
            "https://x@api.example.com/",
            "/relative",
        ] {
            assert_ne!(of(other).as_ref(), Some(&granted), "{other}");
        }
    }
}
