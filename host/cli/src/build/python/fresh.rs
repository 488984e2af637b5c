//! Whether a component is still what would be built: a digest of all it is made of, kept beside it.

use std::path::{Path, PathBuf};

use host_core::Digest;

use super::{BUILT, sdk};
use crate::ui::{Exit, Stop};

/// The variable that names a folder of components by what they were built from: for machines that build the same often.
const CACHE: &str = "WEFT_BUILD_CACHE";

/// The most files that a project may have: more is a folder that is none.
const FILES: usize = 20_000;

/// Folders of a project that are no part of the program.
const ELSEWHERE: [&str; 2] = [BUILT, "cases"];

/// The digest of all that a component is made of: the program, its packages, the SDK and `others`.
pub(super) fn digest(folder: &Path, others: &[&str]) -> Result<String, Stop> {
    let mut files = Vec::new();
    collect(folder, folder, &mut files)?;
    files.sort();
    let mut told = String::new();
    for file in &files {
        let bytes = std::fs::read(folder.join(file))
            .map_err(|error| Stop::new(Exit::Failed, format!("could not read {}: {error}", file.display())))?;
        told.push_str(&format!("{} {}\n", file.display(), Digest::of(&bytes)));
    }
    let mut tell = |text: &str| told.push_str(&format!("{}\n", Digest::of(text.as_bytes())));
    others.iter().for_each(|text| tell(text));
    sdk::texts().for_each(tell);
    Ok(Digest::of(told.as_bytes()).to_string())
}

/// Whether the component is there and was made of that.
pub(super) fn is_made_of(component: &Path, digest: &str) -> bool {
    component.is_file() && std::fs::read_to_string(note_beside(component)).is_ok_and(|it| it == digest)
}

/// Notes what a component was made of.
pub(super) fn note(component: &Path, digest: &str) -> Result<(), Stop> {
    std::fs::write(note_beside(component), digest)
        .map_err(|error| Stop::new(Exit::Failed, format!("could not note what the component is made of: {error}")))
}

/// Takes the component from where those are kept that were built before, if it is there.
pub(super) fn fetched(component: &Path, digest: &str) -> bool {
    kept(digest).is_some_and(|it| copy(&it, component).is_ok() && note(component, digest).is_ok())
}

/// Keeps a component for the next time, where there is a place for it; without one, nothing is lost but time.
pub(super) fn keep(component: &Path, digest: &str) {
    if let Some(place) = kept(digest) {
        let _ = copy(component, &place);
    }
}

/// Where a component of that digest is kept.
fn kept(digest: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(CACHE).filter(|it| !it.is_empty())?;
    Some(Path::new(&folder).join(format!("python-{}.wasm", digest.trim_start_matches("sha256:"))))
}

/// Copies a file, whole or not at all, however it ends.
pub(super) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let folder = to.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let beside = tempfile::NamedTempFile::new_in(folder)?;
    std::fs::copy(from, beside.path())?;
    beside.persist(to)?;
    Ok(())
}

fn note_beside(component: &Path) -> PathBuf {
    component.with_extension("made-of")
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Stop> {
    let unreadable = |error| Stop::new(Exit::Failed, format!("could not read {}: {error}", folder.display()));
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        let is_elsewhere = name == "__pycache__" || (folder == root && ELSEWHERE.contains(&name.as_str()));
        if name.starts_with('.') || is_elsewhere || (path.is_symlink() && path.is_dir()) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if is_of_the_program(&path) {
            files.extend(path.strip_prefix(root).map(Path::to_owned));
        }
        if files.len() > FILES {
            return Err(Stop::new(Exit::Usage, format!("there are more than {FILES} files in {}", root.display()))
                .hint("put the function into a folder of its own"));
        }
    }
    Ok(())
}

/// The manifest is not: what of it matters is in the world. Nor is what was built.
fn is_of_the_program(file: &Path) -> bool {
    let name = file.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    name != "function.toml" && !name.ends_with(".pyc") && !name.ends_with(".wasm")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_built_anew_when_what_it_is_made_of_changes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("deps/a")).unwrap();
        std::fs::create_dir_all(at("build")).unwrap();
        std::fs::write(at("main.py"), "1").unwrap();
        std::fs::write(at("deps/a/b.py"), "2").unwrap();
        let first = digest(folder.path(), &["world"]).unwrap();
        std::fs::write(at("build/x.wasm"), "x").unwrap();
        std::fs::write(at("function.toml"), "x").unwrap();
        assert_eq!(digest(folder.path(), &["world"]).unwrap(), first);
        assert_ne!(digest(folder.path(), &["another"]).unwrap(), first);
        std::fs::write(at("deps/a/b.py"), "3").unwrap();
        assert_ne!(digest(folder.path(), &["world"]).unwrap(), first);
    }

    #[test]
    fn a_note_belongs_to_its_component() {
        let folder = tempfile::tempdir().unwrap();
        let component = folder.path().join("x.wasm");
        note(&component, "abc").unwrap();
        assert!(!is_made_of(&component, "abc"));
        std::fs::write(&component, "x").unwrap();
        assert!(is_made_of(&component, "abc"));
        assert!(!is_made_of(&component, "abd"));
    }
}
