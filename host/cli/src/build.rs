//! From source to a component: a file per language, then the metadata stamp.

mod rust;

use std::path::{Path, PathBuf};

use host_core::manifest::{Language, Manifest};
use wasm_metadata::AddMetadata;

use crate::{
    project::Project,
    ui::{Exit, Printer, Stop},
};

/// Builds the project's component, or takes the one it names, and stamps it from the manifest.
pub(crate) fn component(project: &Project, build: bool, printer: &Printer) -> anyhow::Result<Vec<u8>> {
    let file = match (project.built(), project.manifest.language) {
        (Some(file), _) => file,
        (None, Some(Language::Rust)) => rust::build(project, build, printer)?,
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
    let file = project.folder.join(format!("{}.wasm", project.manifest.name));
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

/// Name, version, description and licence into the component; `None` where the bytes cannot carry them,
/// which the host will say better.
fn stamp(bytes: &[u8], manifest: &Manifest) -> Option<Vec<u8>> {
    // Rewriting a file that was cut short panics; reading it does not.
    wasm_metadata::Payload::from_binary(bytes).ok()?;
    let mut metadata = AddMetadata::default();
    metadata.name = wasm_metadata::AddMetadataField::Set(manifest.name.to_string());
    if let Some(version) = &manifest.version {
        metadata.version = wasm_metadata::AddMetadataField::Set(version.parse().ok()?);
    }
    if let Some(description) = &manifest.description {
        metadata.description = wasm_metadata::AddMetadataField::Set(description.parse().ok()?);
    }
    if let Some(license) = &manifest.license {
        metadata.licenses = wasm_metadata::AddMetadataField::Set(license.parse().ok()?);
    }
    metadata.to_wasm(bytes).ok()
}
