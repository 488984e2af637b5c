//! What one person keeps between commands: files in their configuration folder that only they can read.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy as _;
use serde::{Serialize, de::DeserializeOwned};

use crate::ui::{Exit, Stop};

/// The folder of what this person keeps.
pub(crate) fn folder() -> Result<PathBuf, Stop> {
    let folders = etcetera::choose_base_strategy().map_err(|error| {
        Stop::new(Exit::Failed, format!("could not find your configuration folder: {error}"))
            .hint("set HOME, or XDG_CONFIG_HOME")
    })?;
    Ok(folders.config_dir().join("weft"))
}

/// Reads `<what>.toml`; none is as good as an empty one.
pub(crate) fn load<T: DeserializeOwned + Default>(what: &str) -> Result<T, Stop> {
    let file = file(what)?;
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(T::default()),
        Err(error) => return Err(unusable(what, &file, "read", &error)),
    };
    toml::from_str(&text).map_err(|error: toml::de::Error| {
        // The error's own text would repeat the line, which may hold a secret.
        Stop::new(Exit::Usage, format!("could not read your {what}: {}", error.message()))
            .at(file.display().to_string())
    })
}

/// Writes `<what>.toml` anew.
pub(crate) fn save<T: Serialize>(what: &str, kept: &T) -> Result<(), Stop> {
    let file = file(what)?;
    let text = toml::to_string_pretty(kept).map_err(|error| Stop::new(Exit::Failed, error.to_string()))?;
    write(&file, text.as_bytes()).map_err(|error| unusable(what, &file, "write", &error))
}

/// Writes a file that only its owner can read, in one step.
pub(crate) fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
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

fn file(what: &str) -> Result<PathBuf, Stop> {
    Ok(folder()?.join(what).with_extension("toml"))
}

fn unusable(what: &str, file: &Path, verb: &str, error: &std::io::Error) -> Stop {
    Stop::new(Exit::Failed, format!("could not {verb} your {what}: {error}")).at(file.display().to_string())
}
