//! The file of sources, which only its owner can read.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{personal, ui::Stop};

/// One source, and how to talk to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    /// Where it is.
    pub(crate) address: String,
    /// The namespace to publish in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    /// Who asks.
    #[serde(default, skip_serializing_if = "Login::is_nobody")]
    pub(crate) login: Login,
    /// Whether plain HTTP will do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) insecure: bool,
    /// A certificate to trust beside those of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<PathBuf>,
}

/// Who asks a source.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Login {
    /// Anybody.
    #[default]
    Nobody,
    /// A name and a password.
    Basic(String, String),
    /// A token.
    Token(String),
}

impl Login {
    fn is_nobody(&self) -> bool {
        *self == Self::Nobody
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "nobody",
            Self::Basic(..) => "a password",
            Self::Token(_) => "a token",
        })
    }
}

/// Every source, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sources {
    /// All by name.
    pub(crate) sources: BTreeMap<String, Kept>,
}

impl Sources {
    /// Reads the file; none is as good as an empty one.
    pub(crate) fn load() -> Result<Self, Stop> {
        personal::load("sources")
    }

    /// Writes the file anew.
    pub(crate) fn save(&self) -> Result<(), Stop> {
        personal::save("sources", self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_as_they_were_written_and_their_passwords_never_printed() {
        let kept = |login| Kept {
            address: "https://packages.example".into(),
            namespace: Some("acme".into()),
            login,
            insecure: false,
            ca: None,
        };
        let all = [
            ("a", kept(Login::Nobody)),
            ("b", kept(Login::Basic("ann".into(), "hunter2".into()))),
            ("c", kept(Login::Token("hunter3".into()))),
        ];
        let sources = Sources { sources: all.map(|(name, it)| (name.to_owned(), it)).into() };
        let text = toml::to_string_pretty(&sources).unwrap();
        assert_eq!(toml::from_str::<Sources>(&text).unwrap(), sources);
        assert!(!format!("{sources:?}").contains("hunter"));
    }
}
