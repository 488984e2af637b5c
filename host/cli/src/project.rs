//! A function on disk: a folder with `function.toml`, or a bare component.

use std::path::{Path, PathBuf};

use host_core::{Name, manifest::Manifest};

use crate::ui::{Exit, Stop};

/// A function's manifest and where it was found.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    /// The folder that holds `function.toml`, or the component.
    pub(crate) folder: PathBuf,
    /// The manifest.
    pub(crate) manifest: Manifest,
    /// The component, when there is no manifest.
    bare: Option<PathBuf>,
}

impl Project {
    /// Opens a folder with `function.toml`, that file itself, or a `.wasm` file.
    pub(crate) fn open(source: &Path) -> Result<Self, Stop> {
        if source.is_dir() {
            return Self::from_manifest(&source.join("function.toml"));
        }
        match source.extension().and_then(|it| it.to_str()) {
            Some("wasm") => Self::from_component(source),
            Some("toml") => Self::from_manifest(source),
            _ if source.exists() => Err(Stop::new(Exit::Usage, format!("{} is not a function", source.display()))
                .hint("name a folder with function.toml, or a .wasm file")),
            _ => Err(Stop::new(Exit::Usage, format!("{} does not exist", source.display()))
                .hint("`fn new hello` writes a new function to ./hello")),
        }
    }

    fn from_manifest(file: &Path) -> Result<Self, Stop> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            Stop::new(Exit::Usage, format!("could not read {}: {error}", file.display()))
                .hint("`fn new hello` writes a new function to ./hello")
        })?;
        let manifest = Manifest::parse(&text).map_err(|error| {
            let place = match (error.line, error.column) {
                (Some(line), Some(column)) => format!("{}:{line}:{column}", file.display()),
                _ => file.display().to_string(),
            };
            Stop::new(Exit::Usage, error.message.trim().to_owned()).at(place)
        })?;
        let folder = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self { folder: folder.to_owned(), manifest, bare: None })
    }

    fn from_component(file: &Path) -> Result<Self, Stop> {
        if !file.is_file() {
            return Err(Stop::new(Exit::Usage, format!("{} does not exist", file.display())));
        }
        let stem = file.file_stem().and_then(|it| it.to_str()).unwrap_or_default();
        let name: Name = stem.to_lowercase().replace('_', "-").parse().map_err(|error| {
            Stop::new(Exit::Usage, format!("{error}")).at(file.display().to_string()).hint("pass --name NAME")
        })?;
        let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
        Ok(Self { folder, manifest: Manifest::bare(name), bare: Some(file.to_owned()) })
    }

    /// The component that is built already, if the project names one.
    pub(crate) fn built(&self) -> Option<PathBuf> {
        self.bare.clone().or_else(|| self.manifest.component.as_ref().map(|file| self.folder.join(file)))
    }
}
