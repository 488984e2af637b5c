//! The HTTP trigger: which requests wake a function, and who may send them.

use serde::{Deserialize, Serialize};

use super::Batch;
use crate::Name;

/// Which HTTP requests wake a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    /// The host name; any, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The path: literal segments, `{name}` for one segment, `{*rest}` for all that follow.
    pub path: String,
    /// The methods; any, when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Which other origins a browser may call it from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    /// Who may call it this way; anybody, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// How requests that come at about the same time are handled by one call; each by its own, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
}

/// Who may call a function by an HTTP trigger: `"public"`, `"token"` or `{ basic = "<secret>" }`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    /// Anybody; the function asks for itself, if at all.
    #[default]
    Public,
    /// Bearers of a token for the function's project, of the role developer or more.
    Token,
    /// Whoever shows a user and password, one `user:password` per line of this secret.
    Basic(Name),
}

/// Cross-origin rules of an HTTP trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// The origins, or `*`.
    pub origins: Vec<String>,
    /// The request headers a page may send.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// How long a browser may remember the answer, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_s: Option<u32>,
}

impl HttpTrigger {
    pub(super) fn check(&self) -> Result<(), String> {
        if !self.path.starts_with('/') {
            return Err(format!("the path `{}` of an http trigger must begin with /", self.path));
        }
        let reserved = ["/api/", "/fn/", "/v2/", "/healthz", "/readyz", "/metrics"];
        if let Some(taken) =
            reserved.iter().find(|it| self.path.starts_with(*it) || self.path == it.trim_end_matches('/'))
        {
            return Err(format!(
                "the path `{}` of an http trigger is the host's own: {taken} cannot be routed",
                self.path
            ));
        }
        let upper = |method: &&String| {
            http::Method::from_bytes(method.as_bytes()).is_err() || method.to_uppercase() != **method
        };
        if let Some(wrong) = self.methods.iter().find(upper) {
            return Err(format!("`{wrong}` of the http trigger `{}` is not a method: write GET, POST, …", self.path));
        }
        self.pattern().map(drop)
    }

    /// The path with its parameters numbered: two triggers of equal hosts and patterns match the same paths.
    ///
    /// # Errors
    /// When a segment is neither literal nor one parameter, or `{*rest}` is not the last.
    pub fn pattern(&self) -> Result<String, String> {
        let mut pattern = String::with_capacity(self.path.len());
        let mut segments = self.path.split('/').skip(1).enumerate().peekable();
        while let Some((number, segment)) = segments.next() {
            let inside = segment.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
            let (star, name) = match inside.map(|it| it.strip_prefix('*').map_or(("", it), |rest| ("*", rest))) {
                None => ("", segment),
                Some(parameter) => parameter,
            };
            if name.contains(['{', '}', '*']) || (inside.is_some() && name.is_empty()) {
                return Err(format!(
                    "`{segment}` in the path `{}` is neither literal nor {{name}} nor {{*rest}}",
                    self.path
                ));
            }
            if star == "*" && segments.peek().is_some() {
                return Err(format!("`{segment}` in the path `{}` must come last", self.path));
            }
            match inside {
                None => pattern.extend(["/", segment]),
                Some(_) => pattern.push_str(&format!("/{{{star}{number}}}")),
            }
        }
        Ok(pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{InvalidManifest, Manifest, Trigger};

    #[test]
    fn a_path_is_literal_segments_and_whole_parameters() {
        let pattern = |path: &str| {
            HttpTrigger { host: None, path: path.into(), methods: Vec::new(), cors: None, auth: None, batch: None }
                .pattern()
        };
        assert_eq!(pattern("/").unwrap(), "/");
        assert_eq!(pattern("/wines/{id}/{*rest}").unwrap(), "/wines/{1}/{*2}");
        assert_eq!(pattern("/wines/{other}/x"), pattern("/wines/{id}/x"));
        for wrong in ["/{", "/a{id}", "/{*rest}/more", "/{}", "/{*}", "/{a}{b}", "/a*"] {
            assert!(pattern(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_trigger_says_who_may_call_it() {
        let auth = |text: &str| {
            let manifest =
                Manifest::parse(&format!("name = \"x\"\n[[triggers]]\nkind = \"http\"\npath = \"/x\"\n{text}"))?;
            let Trigger::Http(http) = &manifest.triggers[0] else { panic!("another trigger") };
            Ok::<_, InvalidManifest>(http.auth.clone())
        };
        assert_eq!(auth("").unwrap(), None);
        assert_eq!(auth("auth = \"public\"").unwrap(), Some(Auth::Public));
        assert_eq!(auth("auth = \"token\"").unwrap(), Some(Auth::Token));
        assert_eq!(auth("auth = { basic = \"users\" }").unwrap(), Some(Auth::Basic("users".parse().unwrap())));
        assert!(auth("auth = \"none\"").is_err() && auth("auth = \"basic\"").is_err());
    }
}
