//! The file of sources, which only its owner can read.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::{ErrorKind, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy as _;
use serde::{Deserialize, Serialize};

use crate::ui::{Exit, Stop};

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
        let file = file()?;
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(unusable(&file, "read", &error)),
        };
        toml::from_str(&text).map_err(|error: toml::de::Error| {
            // The error's own text would repeat the line, which may hold a password.
            Stop::new(Exit::Usage, format!("could not read your sources: {}", error.message()))
                .at(file.display().to_string())
        })
    }

    /// Writes the file anew, readable for its owner alone, in one step.
    pub(crate) fn save(&self) -> Result<(), Stop> {
        let file = file()?;
        let text = toml::to_string_pretty(self).map_err(|error| Stop::new(Exit::Failed, error.to_string()))?;
        private(&file, text.as_bytes()).map_err(|error| unusable(&file, "write", &error))
    }
}

/// The folder of what this person keeps.
pub(crate) fn folder() -> Result<PathBuf, Stop> {
    let folders = etcetera::choose_base_strategy().map_err(|error| {
        Stop::new(Exit::Failed, format!("could not find your configuration folder: {error}"))
            .hint("set HOME, or XDG_CONFIG_HOME")
    })?;
    Ok(folders.config_dir().join("weft"))
}

/// Writes a file that only its owner can read, in one step.
pub(crate) fn private(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = file.with_extension(format!("{}.new", std::process::id()));
    let mut open = fs::OpenOptions::new();
    let mut out = open.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    // One that was there already keeps its mode otherwise.
    out.set_permissions(fs::Permissions::from_mode(0o600))?;
    out.write_all(bytes)?;
    out.sync_all()?;
    fs::rename(&draft, file)
}

fn file() -> Result<PathBuf, Stop> {
    Ok(folder()?.join("sources.toml"))
}

fn unusable(file: &Path, verb: &str, error: &std::io::Error) -> Stop {
    Stop::new(Exit::Failed, format!("could not {verb} your sources: {error}")).at(file.display().to_string())
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
