//! Each package is where its name says, follows the workspace, and no folder is forgotten.

use std::{fs, path::Path};

use crate::workspace::{files, none, packages, root};

#[test]
fn a_package_is_named_after_its_folder() {
    let mut findings = Vec::new();
    for package in packages() {
        let Some(folder) = package.folder.file_name().and_then(|it| it.to_str()) else { continue };
        let expected = match package.folder.parent().and_then(Path::to_str) {
            Some("host") => format!("host-{folder}"),
            Some("sdk/rust") => format!("weft-{folder}"),
            Some("sdk/conformance") => format!("conformance-{folder}"),
            Some("functions" | "") => folder.to_owned(),
            _ => continue,
        };
        if package.name != expected {
            findings.push(format!("{} in {} should be {expected}", package.name, package.folder.display()));
        }
    }
    none(findings, "name a package after its folder");
}

#[test]
fn no_rust_package_is_missing_from_the_workspace() {
    let mut findings = Vec::new();
    for parent in ["host", "functions", "sdk", "sdk/conformance", "sdk/rust"] {
        for folder in folders(parent).filter(|it| root().join(it).join("Cargo.toml").is_file()) {
            if !packages().iter().any(|it| it.folder == Path::new(&folder)) {
                findings.push(folder);
            }
        }
    }
    none(findings, "add these folders to `members` in Cargo.toml");
}

#[test]
fn every_function_is_described_and_has_a_case() {
    let mut findings = Vec::new();
    for folder in folders("functions") {
        for file in ["function.toml", "README.md"] {
            if !root().join(&folder).join(file).is_file() {
                findings.push(format!("{folder} has no {file}"));
            }
        }
        let cases = Path::new(&folder).join("cases");
        if !files().iter().any(|it| it.starts_with(&cases) && it.extension().is_some_and(|it| it == "json")) {
            findings.push(format!("{folder} has no cases/*.json"));
        }
    }
    none(findings, "a function of the library says what it is and shows what it does");
}

#[test]
fn every_package_follows_the_workspace() {
    let mut findings = Vec::new();
    for package in packages() {
        let manifest = fs::read_to_string(root().join(&package.folder).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let inherits = |table: &str, key: &str| {
            let value = manifest.get(table).and_then(|it| if key.is_empty() { Some(it) } else { it.get(key) });
            value.and_then(|it| it.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
        };
        if !inherits("lints", "") {
            findings.push(format!("{}: [lints] workspace = true", package.name));
        }
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            if !inherits("package", key) {
                findings.push(format!("{}: {key}.workspace = true", package.name));
            }
        }
        if package.manifest["description"].is_null() {
            findings.push(format!("{}: description = \"…\"", package.name));
        }
    }
    none(findings, "these lines are missing");
}

/// The folders in `parent`, seen from the root, in order.
fn folders(parent: &str) -> impl Iterator<Item = String> + use<'_> {
    let mut names: Vec<_> = fs::read_dir(root().join(parent))
        .into_iter()
        .flatten()
        .flatten()
        .filter(|it| it.path().is_dir())
        .filter_map(|it| it.file_name().into_string().ok())
        .collect();
    names.sort();
    names.into_iter().map(move |it| format!("{parent}/{it}"))
}
