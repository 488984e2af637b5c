//! From source to a component: a file per language, then the metadata stamp.

mod contract;
mod javascript;
mod python;
mod rust;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use host_core::manifest::{Language, Manifest};
use wasm_metadata::{AddMetadata, AddMetadataField::Set};

use crate::{
    project::Project,
    ui::{Exit, Printer, Stop},
};

/// Builds the project's component, or takes the one it names, and stamps it from the manifest.
pub(crate) fn component(project: &Project, build: bool, printer: &Printer) -> anyhow::Result<Vec<u8>> {
    let file = match (project.built(), project.manifest.language) {
        (Some(file), _) => file,
        (None, Some(Language::Rust)) => rust::build(project, build, printer)?,
        (None, Some(Language::JavaScript | Language::TypeScript)) => javascript::build(project, build, printer)?,
        (None, Some(Language::Python)) => python::build(project, build, printer)?,
        (None, None) => {
            return Err(Stop::new(Exit::Usage, "the manifest does not say how the function is built")
                .at(project.folder.join("function.toml").display().to_string())
                .hint("add `language = \"rust\"`, or `component = \"file.wasm\"`")
                .into());
        }
    };
    let bytes = read(&file)?;
    Ok(stamp(&bytes, &project.manifest).unwrap_or(bytes))
}

/// Where `fn build` leaves the component.
pub(crate) fn write(project: &Project, bytes: &[u8]) -> anyhow::Result<PathBuf> {
    let file = project.home().join(format!("{}.wasm", project.manifest.name));
    std::fs::write(&file, bytes)
        .map_err(|error| Stop::new(Exit::Failed, format!("could not write {}: {error}", file.display())))?;
    Ok(file)
}

fn read(file: &Path) -> Result<Vec<u8>, Stop> {
    std::fs::read(file).map_err(|error| {
        Stop::new(Exit::Usage, format!("could not read {}: {error}", file.display()))
            .hint("build it first, or drop --no-build")
    })
}

/// A component that was built somewhere else, stamped like one's own.
pub(crate) fn stamped(project: &Project, file: &Path) -> Result<Vec<u8>, Stop> {
    let bytes = read(file)?;
    Ok(stamp(&bytes, &project.manifest).unwrap_or(bytes))
}

/// The same component, saying which state of its source it was built from.
pub(crate) fn at_revision(bytes: Bytes, revision: &str) -> Bytes {
    let stamped = || {
        wasm_metadata::Payload::from_binary(&bytes).ok()?;
        let mut metadata = AddMetadata::default();
        metadata.revision = Set(revision.parse().ok()?);
        metadata.to_wasm(&bytes).ok()
    };
    stamped().map_or(bytes.clone(), Bytes::from)
}

/// What the manifest says of the function into the component; `None` where the bytes cannot carry it, which the host will
/// say better. The same manifest gives the same bytes, whoever builds, so the state of the source is said by the package.
fn stamp(bytes: &[u8], manifest: &Manifest) -> Option<Vec<u8>> {
    // Rewriting a file that was cut short panics; reading it does not.
    wasm_metadata::Payload::from_binary(bytes).ok()?;
    let mut metadata = AddMetadata::default();
    metadata.name = Set(manifest.name.to_string());
    if let Some(version) = &manifest.version {
        metadata.version = Set(version.parse().ok()?);
    }
    if let Some(description) = &manifest.description {
        metadata.description = Set(description.parse().ok()?);
    }
    if let Some(license) = &manifest.license {
        metadata.licenses = Set(license.parse().ok()?);
    }
    if !manifest.authors.is_empty() {
        metadata.authors = Set(manifest.authors.join(", ").parse().ok()?);
    }
    // A source need not be a web address; then only the manifest says it.
    if let Some(source) = manifest.source.as_ref().and_then(|it| it.parse().ok()) {
        metadata.source = Set(source);
    }
    if let Some(homepage) = manifest.source.as_ref().and_then(|it| it.parse().ok()) {
        metadata.homepage = Set(homepage);
    }
    if let Some(language) = manifest.language {
        metadata.language = vec![(named(language).to_owned(), String::new())];
        metadata.sdk = vec![("weft".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    }
    metadata.to_wasm(bytes).ok()
}

/// A language as toolchains call it.
fn named(language: Language) -> &'static str {
    match language {
        Language::Rust => "Rust",
        Language::JavaScript => "JavaScript",
        Language::TypeScript => "TypeScript",
        Language::Python => "Python",
    }
}
