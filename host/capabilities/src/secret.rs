//! The secrets of one function: read by name, or put into the headers of requests that go where the grant says.

use std::{fmt, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use host_core::{
    Name,
    grant::{Destination, PLACEHOLDER_END, PLACEHOLDER_START, SecretGrant},
    mask::Mask,
    ports::{SecretError, SecretValue, Secrets},
};
use http::HeaderValue;
use parking_lot::Mutex;
use zeroize::Zeroizing;

/// The secrets that a manifest grants, with the values they have during one call.
pub struct Held {
    secrets: Vec<(SecretGrant, Result<SecretValue, SecretError>)>,
    mask: Mask,
}

/// Why a header with a placeholder is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The manifest does not grant sending it there.
    #[error("secret `{name}` may not go to {to}: function.toml does not grant it")]
    NotGranted {
        /// The secret, as the guest named it.
        name: String,
        /// Where the request goes.
        to: Destination,
    },
    /// The secret has no value, or it cannot be had.
    #[error("{0}")]
    Unavailable(#[from] SecretError),
    /// The value holds what a header cannot.
    #[error("the value of secret `{0}` has line breaks or other characters that a header cannot carry")]
    NotAHeader(Name),
}

impl Refusal {
    /// The manifest line that would grant it, where one would.
    #[must_use]
    pub fn line_to_add(&self) -> Option<String> {
        match self {
            Self::NotGranted { name, to } if name.parse::<Name>().is_ok() => {
                Some(format!("secret = [{{ name = \"{name}\", to = [\"{to}\"] }}]"))
            }
            _ => None,
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.secrets.iter().map(|(grant, _)| &grant.name);
        f.debug_tuple("Held").field(&names.collect::<Vec<_>>()).finish()
    }
}

impl Held {
    /// The secrets of `grants` with these values.
    #[must_use]
    pub fn new(secrets: Vec<(SecretGrant, Result<SecretValue, SecretError>)>) -> Self {
        let mask = Mask::of(secrets.iter().filter_map(|(_, value)| value.as_ref().ok()));
        Self { secrets, mask }
    }

    /// What hides every value.
    #[must_use]
    pub fn mask(&self) -> &Mask {
        &self.mask
    }

    /// What the guest reads under `name`: the value, or its placeholder; `None` where nothing is granted.
    ///
    /// # Errors
    /// When the secret is granted and has no value, or it cannot be had.
    pub fn read(&self, name: &str) -> Result<Option<String>, SecretError> {
        let found = self.secrets.iter().find(|(grant, _)| grant.name.as_str() == name);
        found.map(|(grant, value)| told(grant, value)).transpose()
    }

    /// Everything the guest may read, in the order of the manifest.
    ///
    /// # Errors
    /// When one of the secrets has no value, or it cannot be had.
    pub fn read_all(&self) -> Result<Vec<(String, String)>, SecretError> {
        self.secrets.iter().map(|(grant, value)| Ok((grant.name.to_string(), told(grant, value)?))).collect()
    }

    /// A header's value for a request to `to`, with values in the place of placeholders; `None` when it has none.
    ///
    /// In `Basic` credentials, placeholders are looked for after decoding.
    ///
    /// # Errors
    /// When a placeholder is of no secret that may go there, or its value cannot be had or sent.
    pub fn fill(&self, header: &HeaderValue, to: &Destination) -> Result<Option<HeaderValue>, Refusal> {
        if let Some(pair) = basic(header) {
            let Some(filled) = self.fill_text(&pair, to)? else { return Ok(None) };
            let encoded = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(filled.as_bytes())));
            return Ok(HeaderValue::from_str(&encoded).ok().map(sensitive));
        }
        // A header that is no text has no placeholder that the host handed out.
        let Ok(text) = std::str::from_utf8(header.as_bytes()) else { return Ok(None) };
        let Some(filled) = self.fill_text(text, to)? else { return Ok(None) };
        Ok(HeaderValue::from_bytes(filled.as_bytes()).ok().map(sensitive))
    }

    fn fill_text(&self, text: &str, to: &Destination) -> Result<Option<Zeroizing<String>>, Refusal> {
        let mut rest = text;
        let mut filled = Zeroizing::new(String::new());
        while let Some((before, after)) = rest.split_once(PLACEHOLDER_START) {
            // Half a placeholder is no text that a guest would want to send.
            let unended = || Refusal::NotGranted { name: shortened(after), to: to.clone() };
            let (name, after) = after.split_once(PLACEHOLDER_END).ok_or_else(unended)?;
            filled.push_str(before);
            filled.push_str(self.sendable(name, to)?.reveal());
            rest = after;
        }
        if rest.len() == text.len() {
            return Ok(None);
        }
        filled.push_str(rest);
        Ok(Some(filled))
    }

    /// The value of a secret that may go there, in a header.
    fn sendable(&self, name: &str, to: &Destination) -> Result<SecretValue, Refusal> {
        let granted = self.secrets.iter().find(|(grant, _)| grant.name.as_str() == name && grant.to.contains(to));
        let (grant, value) = granted.ok_or_else(|| Refusal::NotGranted { name: shortened(name), to: to.clone() })?;
        let value = value.clone()?;
        match HeaderValue::from_bytes(value.reveal().as_bytes()) {
            Ok(_) => Ok(value),
            Err(_) => Err(Refusal::NotAHeader(grant.name.clone())),
        }
    }

    /// Whether these are still the values to use.
    fn is_current(&self, values: &[Result<SecretValue, SecretError>]) -> bool {
        let pairs = self.secrets.iter().map(|(_, held)| held).zip(values);
        let mut same = pairs.map(|(held, now)| match (held, now) {
            (Ok(held), Ok(now)) => held.is_same(now),
            (Err(held), Err(now)) => held == now,
            _ => false,
        });
        self.secrets.len() == values.len() && same.all(|same| same)
    }
}

fn told(grant: &SecretGrant, value: &Result<SecretValue, SecretError>) -> Result<String, SecretError> {
    if grant.is_opaque() { Ok(grant.placeholder()) } else { value.clone().map(|value| value.reveal().to_owned()) }
}

/// User and password of `Basic` credentials.
fn basic(header: &HeaderValue) -> Option<Zeroizing<String>> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| BASE64_STANDARD.decode(encoded.trim()).ok())??;
    String::from_utf8(decoded).ok().map(Zeroizing::new)
}

fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

/// What a guest calls a secret, short enough to repeat.
fn shortened(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(63).collect()
}

/// Keeps what the last call of a function held, so that a mask is only made when a value changed.
#[derive(Default)]
pub struct Keeper(Mutex<Option<Arc<Held>>>);

impl Keeper {
    /// What a call that starts now holds; `None` where the manifest grants no secret, at no cost.
    pub async fn held(&self, secrets: &dyn Secrets, project: &Name, grants: &[SecretGrant]) -> Option<Arc<Held>> {
        if grants.is_empty() {
            return None;
        }
        let mut values = Vec::with_capacity(grants.len());
        for grant in grants {
            values.push(secrets.value(project, &grant.name).await);
        }
        let last = self.0.lock().clone();
        if let Some(last) = last.filter(|last| last.is_current(&values)) {
            return Some(last);
        }
        let held = Arc::new(Held::new(grants.iter().cloned().zip(values).collect()));
        *self.0.lock() = Some(held.clone());
        Some(held)
    }
}

#[cfg(test)]
mod tests {
    use host_core::manifest::Manifest;

    use super::*;

    fn held(grants: &str) -> Held {
        let manifest = Manifest::parse(&format!("name = \"x\"\n[grants]\nsecret = [{grants}]\n")).unwrap();
        let value = |grant: &SecretGrant| match grant.name.as_str() {
            "missing" => Err(SecretError::NotSet(grant.name.clone())),
            "lines" => SecretValue::parse("line\nline".to_owned()),
            name => SecretValue::parse(format!("value-of-{name}")),
        };
        Held::new(manifest.grants.secret.into_iter().map(|it| (it.clone(), value(&it))).collect())
    }

    fn to(uri: &str) -> Destination {
        Destination::of(&uri.parse().unwrap()).unwrap()
    }

    fn fill(held: &Held, header: &str, uri: &str) -> Result<Option<String>, Refusal> {
        let filled = held.fill(&header.parse().unwrap(), &to(uri))?;
        Ok(filled.map(|it| {
            assert!(it.is_sensitive());
            it.to_str().unwrap().to_owned()
        }))
    }

    const KEY: &str = r#"{ name = "key", to = ["https://api.example.com"] }"#;

    #[test]
    fn a_plain_secret_is_read_and_an_opaque_one_is_not() {
        let held = held(&format!("\"db\", \"missing\", {KEY}"));
        assert_eq!(held.read("db").unwrap().as_deref(), Some("value-of-db"));
        assert_eq!(held.read("key").unwrap().as_deref(), Some("{{weft-secret:key}}"));
        assert_eq!(held.read("other").unwrap(), None);
        assert!(held.read("missing").unwrap_err().to_string().contains("run `fn secrets set missing`"));
        assert!(held.read_all().is_err(), "one without a value is no empty one");
    }

    #[test]
    fn a_placeholder_is_filled_in_where_it_may_go() {
        let held = held(KEY);
        let filled = fill(&held, "Bearer {{weft-secret:key}}", "https://API.example.com:443/v1?x=y");
        assert_eq!(filled.unwrap().as_deref(), Some("Bearer value-of-key"));
        let twice = fill(&held, "{{weft-secret:key}},{{weft-secret:key}};", "https://api.example.com");
        assert_eq!(twice.unwrap().as_deref(), Some("value-of-key,value-of-key;"));
        assert_eq!(fill(&held, "nothing {{of}} it", "https://api.example.com").unwrap(), None);
    }

    #[test]
    fn basic_credentials_are_filled_in_after_decoding() {
        let header = format!("Basic {}", BASE64_STANDARD.encode("ann:{{weft-secret:key}}"));
        let filled = fill(&held(KEY), &header, "https://api.example.com").unwrap();
        assert_eq!(filled, Some(format!("Basic {}", BASE64_STANDARD.encode("ann:value-of-key"))));
        assert!(fill(&held(KEY), &header, "https://evil.org").is_err());
        let plain = format!("Basic {}", BASE64_STANDARD.encode("ann:pass"));
        assert_eq!(fill(&held(KEY), &plain, "https://evil.org").unwrap(), None);
    }

    #[test]
    fn a_placeholder_goes_nowhere_else() {
        let held = held(&format!("\"db\", {KEY}"));
        for uri in [
            "http://api.example.com",
            "https://api.example.com:8443",
            "https://api.example.com.evil.org",
            "https://evil.org/https://api.example.com",
        ] {
            let refusal = fill(&held, "{{weft-secret:key}}", uri).unwrap_err();
            assert!(matches!(&refusal, Refusal::NotGranted { name, .. } if name == "key"), "{uri}");
            let line = refusal.line_to_add().unwrap();
            assert!(line.starts_with("secret = [{ name = \"key\", to = [\"http"), "{line}");
        }
        for header in [
            "{{weft-secret:db}}",
            "{{weft-secret:other}}",
            "{{weft-secret:",
            "{{weft-secret:key",
            "{{weft-secret:../x}}",
        ] {
            let refusal = fill(&held, header, "https://api.example.com");
            assert!(matches!(refusal, Err(Refusal::NotGranted { .. })), "{header}");
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let at = |name: &str| format!("{{ name = \"{name}\", to = [\"https://x\"] }}");
        let held = held(&format!("{}, {}", at("missing"), at("lines")));
        assert!(matches!(fill(&held, "{{weft-secret:missing}}", "https://x"), Err(Refusal::Unavailable(_))));
        assert!(matches!(fill(&held, "{{weft-secret:lines}}", "https://x"), Err(Refusal::NotAHeader(_))));
    }

    #[test]
    fn the_mask_knows_opaque_values_too() {
        let held = held(&format!("\"db\", {KEY}"));
        assert_eq!(held.mask().hide("value-of-db and value-of-key"), "*** and ***");
        assert!(!format!("{held:?}").contains("value-of"));
    }

    /// Gives the same reading until it is told to rotate.
    struct Rotating(Mutex<SecretValue>);

    #[async_trait::async_trait]
    impl Secrets for Rotating {
        async fn value(&self, _: &Name, _: &Name) -> Result<SecretValue, SecretError> {
            Ok(self.0.lock().clone())
        }

        async fn describe(&self, _: &Name, name: &Name) -> Result<host_core::ports::Secret, SecretError> {
            Err(SecretError::NotSet(name.clone()))
        }

        async fn list(&self, _: &Name) -> Result<Vec<host_core::ports::Secret>, SecretError> {
            Ok(Vec::new())
        }

        async fn set(&self, secret: host_core::ports::NewSecret) -> Result<host_core::ports::Secret, SecretError> {
            Err(SecretError::NotSet(secret.name))
        }

        async fn rotate(&self, secret: host_core::ports::NewSecret) -> Result<host_core::ports::Secret, SecretError> {
            Err(SecretError::NotSet(secret.name))
        }

        async fn delete(&self, _: &Name, name: &Name, _: &str) -> Result<(), SecretError> {
            Err(SecretError::NotSet(name.clone()))
        }

        async fn rekey(&self, _: &str) -> Result<u64, SecretError> {
            Ok(0)
        }
    }

    #[tokio::test]
    async fn values_are_held_until_they_change() {
        let secrets = Rotating(Mutex::new(SecretValue::parse("first-value".to_owned()).unwrap()));
        let grants = Manifest::parse("name = \"x\"\n[grants]\nsecret = [\"db\"]\n").unwrap().grants.secret;
        let (keeper, project) = (Keeper::default(), Name::default_project());
        assert!(keeper.held(&secrets, &project, &[]).await.is_none());
        let first = keeper.held(&secrets, &project, &grants).await.unwrap();
        assert!(Arc::ptr_eq(&first, &keeper.held(&secrets, &project, &grants).await.unwrap()));
        *secrets.0.lock() = SecretValue::parse("second-value".to_owned()).unwrap();
        let second = keeper.held(&secrets, &project, &grants).await.unwrap();
        assert_eq!(second.read("db").unwrap().as_deref(), Some("second-value"));
        assert_eq!(first.read("db").unwrap().as_deref(), Some("first-value"), "a call keeps what it began with");
    }
}
