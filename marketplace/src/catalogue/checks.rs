//! What must hold of a package before it is taken: that it says what it is, and needs nothing that it does not say.

use host_core::{
    manifest::Manifest,
    ports::{Inspection, check_grants},
};

use crate::layout::Package;

/// The longest description, characters: it is shown in one line.
const LONGEST: usize = 300;
/// How many categories a package has at most.
const MOST_CATEGORIES: usize = 10;

/// What is wrong with what it says.
#[must_use]
pub fn of(package: &Package) -> Vec<String> {
    let mut findings = Vec::new();
    let mut missing = |what: String| findings.push(what);
    let manifest = &package.manifest;
    match manifest.description.as_deref().map(str::trim) {
        None | Some("") => missing("it has no description; say in one sentence what it does".into()),
        Some(text) if text.chars().count() > LONGEST => {
            missing(format!("its description has more than {LONGEST} characters"));
        }
        Some(_) => {}
    }
    match manifest.license.as_deref() {
        None | Some("") => missing("it states no licence; write `license = \"Apache-2.0\"`, or another".into()),
        Some(text) => {
            if let Err(error) = spdx::Expression::parse(text) {
                missing(format!("its licence `{text}` is no SPDX expression: {}", error.reason));
            }
        }
    }
    if manifest.categories.len() > MOST_CATEGORIES {
        missing(format!("it is in more than {MOST_CATEGORIES} categories"));
    }
    for what in undescribed(manifest) {
        missing(format!("{what} has no description"));
    }
    if package.readme.is_none() {
        missing("it has no README.md".into());
    }
    if package.cases.is_none() {
        missing("it has no cases; put at least one into cases/".into());
    }
    findings
}

/// Params, inputs and outputs that nobody explains.
fn undescribed(manifest: &Manifest) -> Vec<String> {
    let is_blank = |text: Option<&String>| text.is_none_or(|it| it.trim().is_empty());
    let params = manifest.params.iter().filter(|(_, it)| is_blank(it.description.as_ref()));
    let inputs = manifest.inputs.iter().filter(|(_, it)| is_blank(it.description.as_ref()));
    let outputs = manifest.outputs.iter().filter(|(_, it)| is_blank(it.description.as_ref()));
    let params = params.map(|(name, _)| format!("param `{name}`"));
    let inputs = inputs.map(|(name, _)| format!("input `{name}`"));
    params.chain(inputs).chain(outputs.map(|(name, _)| format!("output `{name}`"))).collect()
}

/// What is wrong with its component.
#[must_use]
pub fn of_component(manifest: &Manifest, inspection: &Inspection) -> Vec<String> {
    let mut findings = Vec::new();
    if !inspection.entries.any() {
        findings.push("its component exports no way in that a host knows".to_owned());
    }
    if let Err(error) = check_grants(inspection.imports.iter().map(String::as_str), manifest) {
        findings.push(error.to_string());
    }
    findings
}
