//! The SDK, carried by this program as the contract is: a function needs nothing that is not published to be built.

use std::path::Path;

use crate::{build::contract::CONTRACT, ui::Stop};

/// A file: where it belongs and its text.
type File = (&'static str, &'static str);

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../../sdk/", $path)))),+]
    };
}

/// The package, below `python`.
const PACKAGE: &[File] = files!(
    "python/weft_function/__init__.py",
    "python/weft_function/_bodies.py",
    "python/weft_function/_codec.py",
    "python/weft_function/_entries.py",
    "python/weft_function/_glue/__init__.py",
    "python/weft_function/_glue/_record.py",
    "python/weft_function/_glue/handler.py",
    "python/weft_function/_glue/http.py",
    "python/weft_function/_glue/job.py",
    "python/weft_function/_host.py",
    "python/weft_function/_native.py",
    "python/weft_function/config.py",
    "python/weft_function/context.py",
    "python/weft_function/events.py",
    "python/weft_function/failure.py",
    "python/weft_function/fetch.py",
    "python/weft_function/keyvalue.py",
    "python/weft_function/log.py",
    "python/weft_function/model.py",
    "python/weft_function/publish.py",
    "python/weft_function/run.py",
    "python/weft_function/web.py",
);

/// Writes both: `wit/…`, and `weft_function/…` where Python finds it.
pub(super) fn write(folder: &Path) -> Result<(), Stop> {
    let wit = folder.join("wit");
    let files = CONTRACT.iter().map(|(path, text)| (wit.join(path), text));
    let package = PACKAGE.iter().map(|(path, text)| (folder.join(path.strip_prefix("python/").unwrap_or(path)), text));
    for (file, text) in files.chain(package) {
        super::write(&file, text)?;
    }
    Ok(())
}

/// All of it, for the digest of what a component is made of.
pub(super) fn texts() -> impl Iterator<Item = &'static str> {
    CONTRACT.iter().chain(PACKAGE).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    fn below(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for path in std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()) {
            if path.is_dir() {
                below(&path, ending, found);
            } else if path.extension().is_some_and(|it| it == ending) {
                found.push(path);
            }
        }
    }

    #[test]
    fn no_file_of_the_sdk_is_forgotten() {
        let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk");
        let wit = sdk.join("wit");
        for (folder, ending, base, files) in
            [("wit", "wit", &wit, CONTRACT), ("python/weft_function", "py", &sdk, PACKAGE)]
        {
            let mut found = Vec::new();
            below(&sdk.join(folder), ending, &mut found);
            found.sort();
            let mut listed: Vec<PathBuf> = files.iter().map(|(path, _)| base.join(path)).collect();
            listed.sort();
            assert_eq!(found, listed);
        }
    }
}
