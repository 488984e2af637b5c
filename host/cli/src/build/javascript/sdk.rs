//! The SDK and the contract, carried by this program: a function needs nothing that is not published to be built.

use std::path::Path;

use crate::{
    build::contract::CONTRACT,
    ui::{Exit, Stop},
};

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../../sdk/javascript/", $path)))),+]
    };
}

/// The package, and the scripts that build with it.
const PACKAGE: &[(&str, &str)] = files!(
    "build/bundle.mjs",
    "build/componentize.mjs",
    "build/main.mjs",
    "build/told.mjs",
    "build/world.mjs",
    "package.json",
    "src/codec.js",
    "src/config.js",
    "src/context.js",
    "src/entry/entry.js",
    "src/entry/handler.js",
    "src/entry/http.js",
    "src/entry/job.js",
    "src/event.js",
    "src/failure.js",
    "src/fetch.js",
    "src/files.js",
    "src/index.js",
    "src/keyvalue.js",
    "src/log.js",
    "src/model.js",
    "src/numbers.js",
    "src/output.js",
    "src/polyfill.js",
    "src/publish.js",
    "src/run.js",
    "src/shape.js",
    "src/streams.js",
    "src/tensor.js",
);

/// Writes both below `folder`: `javascript/…` and `wit/…`.
pub(super) fn write(folder: &Path) -> Result<(), Stop> {
    let package = PACKAGE.iter().map(|(path, text)| (folder.join("javascript").join(path), text));
    let contract = CONTRACT.iter().map(|(path, text)| (folder.join("wit").join(path), text));
    for (file, text) in package.chain(contract) {
        let parent = file.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&file, text))
            .map_err(|error| Stop::new(Exit::Failed, format!("could not write {}: {error}", file.display())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn below(folder: &Path, found: &mut Vec<PathBuf>) {
        for path in std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()) {
            if path.is_dir() {
                below(&path, found);
            } else if path.extension().is_some_and(|it| it == "js" || it == "mjs") {
                found.push(path);
            }
        }
    }

    #[test]
    fn no_file_of_the_sdk_is_forgotten() {
        let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/javascript");
        let mut found = Vec::new();
        below(&sdk.join("src"), &mut found);
        below(&sdk.join("build"), &mut found);
        found.sort();
        let mut listed: Vec<PathBuf> =
            PACKAGE.iter().map(|(path, _)| sdk.join(path)).filter(|it| !it.ends_with("package.json")).collect();
        listed.sort();
        assert_eq!(found, listed);
    }
}
