//! The folders that are made of single files: one for each file, below the cache of the user.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use host_core::Digest;

use crate::ui::{Exit, Stop};

/// The folder of a file's function. The same file has the same folder, so that building it again is quick.
pub(super) fn folder(file: &Path) -> Result<PathBuf, Stop> {
    let whole = std::fs::canonicalize(file)
        .map_err(|error| Stop::new(Exit::Usage, format!("could not read {}: {error}", file.display())))?;
    let base = base().ok_or_else(|| {
        Stop::new(Exit::Failed, "there is no folder for what is built of one file").hint("set XDG_CACHE_HOME")
    })?;
    let stem = file.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = base.join(format!("{stem}-{}", key(&whole)));
    std::fs::create_dir_all(&folder)
        .map_err(|error| Stop::new(Exit::Failed, format!("could not make {}: {error}", folder.display())))?;
    Ok(folder)
}

/// Short and unlike that of any other file.
pub(super) fn key(file: &Path) -> String {
    let digest = Digest::of(file.as_os_str().as_encoded_bytes()).to_string();
    digest.trim_start_matches("sha256:").chars().take(12).collect()
}

fn base() -> Option<PathBuf> {
    Some(etcetera::choose_base_strategy().ok()?.cache_dir().join("weft").join("one-file"))
}

/// Writes a file unless it says the same already: what builds it looks at the time it was written.
pub(super) fn write(file: &Path, text: &str) -> Result<(), Stop> {
    if std::fs::read_to_string(file).is_ok_and(|it| it == text) {
        return Ok(());
    }
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(file, text))
        .map_err(|error| Stop::new(Exit::Failed, format!("could not write {}: {error}", file.display())))
}
