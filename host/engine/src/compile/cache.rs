//! Compiled code on disk: a file per component and engine, and beside it the digest it must have.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use host_core::{Digest, RevisionId, ports::PrepareError};
use wasmtime::component::Component;

use super::seal;
use crate::{load::load, machine::Machine};

/// The folder of compiled code.
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Whether there is code, as far as can be told without reading it.
    pub(super) fn has(&self, machine: &Machine, component: &Digest) -> bool {
        let code = self.code(machine, component);
        code.exists() && note(&code).exists()
    }

    /// Loads code that is exactly what was written; anything else is removed, to be made again.
    pub(super) fn load(&self, machine: &Machine, component: &Digest) -> Result<Component, PrepareError> {
        let code = self.code(machine, component);
        let missing = |what: &str| PrepareError::Storage(format!("its compiled code {what}"));
        let sealed = fs::read_to_string(note(&code)).map_err(|_| missing("is not there"))?;
        let found = seal::of_file(&code).map_err(|_| missing("is not there"))?;
        if found != sealed {
            tracing::warn!(file = %code.display(), "compiled code is damaged and will be made again");
            // Either file may be gone already: another caller may have come to the same conclusion.
            let _ = fs::remove_file(note(&code));
            let _ = fs::remove_file(&code);
            return Err(missing("was damaged"));
        }
        load(&machine.engine, &code).map_err(|error| PrepareError::DoesNotFit(format!("{error:#}")))
    }

    /// Writes code and its digest. Each appears whole or not at all; the digest comes last.
    pub(super) fn keep(&self, machine: &Machine, component: &Digest, bytes: &[u8]) -> Result<(), PrepareError> {
        let code = self.code(machine, component);
        let folder = self.folder.join(&machine.folder);
        let kept = fs::create_dir_all(&folder)
            .and_then(|()| place(&folder, &code, bytes))
            .and_then(|()| place(&folder, &note(&code), seal::of(bytes).as_bytes()));
        kept.map_err(|error| {
            let place = self.folder.display();
            PrepareError::Storage(format!("its compiled code could not be kept under {place}: {error}"))
        })
    }

    /// Removes what engines other than `mine` left behind, unless one of them has started since `then`: several releases
    /// may share a folder while one takes over from the other.
    pub(super) fn clean(&self, mine: &[&str], then: SystemTime) {
        for name in mine {
            let folder = self.folder.join(name);
            let marked = fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join(STARTED), ""));
            if let Err(error) = marked {
                // Said again, and to whoever it matters to, when code cannot be kept.
                tracing::debug!(folder = %folder.display(), %error, "the folder of compiled code cannot be written");
            }
        }
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let is_old =
                name.to_str().is_some_and(|it| is_engine(it) && !mine.contains(&it)) && is_unused(&entry.path(), then);
            if is_old && let Err(error) = fs::remove_dir_all(entry.path()) {
                tracing::warn!(folder = %entry.path().display(), %error, "compiled code of another engine could not be removed");
            }
        }
    }

    fn code(&self, machine: &Machine, component: &Digest) -> PathBuf {
        self.folder.join(&machine.folder).join(format!("{}.cwasm", component.hex()))
    }
}

/// The file of a folder of code that every start of its engine writes.
const STARTED: &str = "started";

/// Whether a folder is one that an engine named: nothing else is removed.
fn is_engine(folder: &str) -> bool {
    let hash = ["serve-", "async-", "job-"].iter().find_map(|name| folder.strip_prefix(name));
    hash.is_some_and(|it| it.len() == 16 && it.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether no engine of this folder has started since `then`, as far as can be told.
fn is_unused(folder: &Path, then: SystemTime) -> bool {
    let started = fs::metadata(folder.join(STARTED)).or_else(|_| fs::metadata(folder));
    started.and_then(|it| it.modified()).is_ok_and(|started| started < then)
}

/// Where the seal of a file of code is noted.
fn note(code: &Path) -> PathBuf {
    code.with_extension("sha256")
}

/// Creates `file` with these bytes, by way of a name nobody else uses.
fn place(folder: &Path, file: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!(".{}.unfinished", RevisionId::next()));
    let written = fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, file));
    if written.is_err() {
        // What is left of it would only take room.
        let _ = fs::remove_file(&unfinished);
    }
    written
}
