//! A function on disk: a folder with `function.toml`, a bare component, or one file that is a whole function.

mod block;
mod cache;
mod notebook;
mod one_file;
mod original;

use std::path::{Path, PathBuf};

use host_core::{Name, manifest::Manifest};

use crate::ui::{Exit, Stop};

pub(crate) use original::Original;

/// A function's manifest and where it was found.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    /// The folder that holds `function.toml`, or the component.
    pub(crate) folder: PathBuf,
    /// The manifest.
    pub(crate) manifest: Manifest,
    /// The component, when there is no manifest.
    bare: Option<PathBuf>,
    /// The file that is the whole function, where there is one; the folder was made of it.
    original: Option<Original>,
}

impl Project {
    /// Opens a folder with `function.toml`, that file itself, a `.wasm` file, or a file that is a function.
    pub(crate) fn open(source: &Path) -> Result<Self, Stop> {
        if source.is_dir() {
            return Self::from_manifest(&source.join("function.toml"));
        }
        match source.extension().and_then(|it| it.to_str()) {
            Some("wasm") => Self::from_component(source),
            Some("toml") => Self::from_manifest(source),
            Some("ipynb") => notebook::open(source),
            Some(extension) if one_file::language(extension).is_some() => one_file::open(source),
            _ if source.exists() => Err(Stop::new(Exit::Usage, format!("{} is not a function", source.display()))
                .hint("name a folder with function.toml, a .wasm file, or one of .rs, .py, .ts, .js or .ipynb")),
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
        Ok(Self { folder: folder.to_owned(), manifest, bare: None, original: None })
    }

    fn from_component(file: &Path) -> Result<Self, Stop> {
        if !file.is_file() {
            return Err(Stop::new(Exit::Usage, format!("{} does not exist", file.display())));
        }
        let name = named_after(file)
            .map_err(|error| Stop::new(Exit::Usage, error).at(file.display().to_string()).hint("pass --name NAME"))?;
        let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
        Ok(Self { folder, manifest: Manifest::bare(name), bare: Some(file.to_owned()), original: None })
    }

    /// The component that is built already, if the project names one.
    pub(crate) fn built(&self) -> Option<PathBuf> {
        self.bare.clone().or_else(|| self.manifest.component.as_ref().map(|file| self.folder.join(file)))
    }

    /// The file that is the whole function, where there is one.
    pub(crate) fn original(&self) -> Option<&Original> {
        self.original.as_ref()
    }

    /// The folder with the function's cases: `cases`, or `NAME.cases` beside the file that is the whole function.
    pub(crate) fn cases(&self) -> PathBuf {
        self.original.as_ref().map_or_else(|| self.folder.join("cases"), |it| it.file.with_extension("cases"))
    }

    /// The folder that people look into: that of the manifest, or of the file that is the whole function.
    pub(crate) fn home(&self) -> &Path {
        let folder = self.original.as_ref().and_then(|it| it.file.parent());
        folder.map_or(&self.folder, |it| if it.as_os_str().is_empty() { Path::new(".") } else { it })
    }
}

/// Where the SDK for Rust is found: beside this program's source until it is published.
pub(crate) fn rust_sdk() -> String {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk/rust");
    std::env::var("WEFT_SDK").unwrap_or_else(|_| {
        std::fs::canonicalize(beside).map_or_else(|_| beside.to_owned(), |it| it.display().to_string())
    })
}

/// A function's name, from that of its file.
fn named_after(file: &Path) -> Result<Name, String> {
    let stem = file.file_stem().and_then(|it| it.to_str()).unwrap_or_default();
    stem.to_lowercase().replace(['_', ' '], "-").parse::<Name>().map_err(|error| error.to_string())
}
