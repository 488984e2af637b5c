//! What the rules look at: the packages cargo knows of, and the files of the repository.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use serde_json::Value;

/// A member of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder, seen from the root, such as `host/core`.
    pub(crate) folder: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) manifest: Value,
}

/// What a package asks for.
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Build,
    Dev,
}

impl Package {
    /// What ends up in what it builds: everything but the dependencies of its tests.
    pub(crate) fn imports(&self) -> impl Iterator<Item = &str> {
        self.dependencies.iter().filter(|it| it.kind != Kind::Dev).map(|it| it.name.as_str())
    }

    /// Whether it is a room of the host.
    pub(crate) fn is_room(&self) -> bool {
        self.folder.starts_with("host")
    }
}

/// The folder of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The members of the workspace.
pub(crate) fn packages() -> &'static [Package] {
    static PACKAGES: OnceLock<Vec<Package>> = OnceLock::new();
    PACKAGES.get_or_init(|| metadata(&["--no-deps"])["packages"].as_array().unwrap().iter().map(package).collect())
}

/// What `cargo metadata` says.
pub(crate) fn metadata(args: &[&str]) -> Value {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1"]).args(args).current_dir(root());
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn package(json: &Value) -> Package {
    let manifest_path = PathBuf::from(json["manifest_path"].as_str().unwrap());
    Package {
        name: json["name"].as_str().unwrap().to_owned(),
        folder: manifest_path.parent().unwrap().strip_prefix(root()).unwrap().to_owned(),
        dependencies: json["dependencies"].as_array().unwrap().iter().map(dependency).collect(),
        manifest: json.clone(),
    }
}

fn dependency(json: &Value) -> Dependency {
    let kind = match json["kind"].as_str() {
        None => Kind::Normal,
        Some("build") => Kind::Build,
        Some(_) => Kind::Dev,
    };
    Dependency { name: json["name"].as_str().unwrap().to_owned(), kind }
}

/// Folders that are made, not written.
const MADE: &[&str] = &["target", "node_modules", "dist", ".git", ".weft"];

/// The written files below the root, seen from the root, in order.
pub(crate) fn files() -> &'static [PathBuf] {
    static FILES: OnceLock<Vec<PathBuf>> = OnceLock::new();
    FILES.get_or_init(|| {
        let mut files = Vec::new();
        let mut folders = vec![root().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let kind = entry.file_type().unwrap();
                if kind.is_file() {
                    files.push(entry.path().strip_prefix(root()).unwrap().to_owned());
                } else if kind.is_dir() && !MADE.iter().any(|it| entry.file_name() == *it) {
                    folders.push(entry.path());
                }
            }
        }
        files.sort();
        files
    })
}

/// The Rust files of the repository.
pub(crate) fn rust_files() -> impl Iterator<Item = &'static Path> {
    files().iter().map(PathBuf::as_path).filter(|it| it.extension().is_some_and(|it| it == "rs"))
}

/// The text of a file, seen from the root.
pub(crate) fn text(file: &Path) -> String {
    String::from_utf8_lossy(&fs::read(root().join(file)).unwrap()).into_owned()
}

/// The part of a Rust file before its tests.
pub(crate) fn code(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod ").next().unwrap()
}

/// Whether a Rust file holds tests and nothing else.
pub(crate) fn is_test(file: &Path) -> bool {
    file.ends_with("tests.rs") || file.components().any(|it| it.as_os_str() == "tests")
}

/// Fails with every finding at once.
#[track_caller]
pub(crate) fn none(findings: Vec<String>, what_to_do: &str) {
    assert!(findings.is_empty(), "{what_to_do}:\n  {}\n", findings.join("\n  "));
}
