//! Every dependency, however deep, may be shipped: its licence is on the list in deny.toml.

use std::{collections::BTreeSet, fs, process::Command};

use serde_json::Value;
use spdx::{Expression, LicenseReq, Licensee, ParseMode};

use crate::workspace::{metadata, none, root};

/// Packages whose manifest names no licence, with what their licence file says.
const READ_BY_A_PERSON: &[(&str, &str)] = &[];

#[test]
fn licences_of_all_dependencies_are_permissive() {
    let allowed = allowed();
    let findings = dependencies().iter().filter_map(|it| objection(it, &allowed)).collect();
    none(findings, "find another library, or argue for the licence in deny.toml");
}

#[test]
fn licences_offered_as_a_choice_need_one_that_is_allowed() {
    let allowed = allowed();
    assert!(is_allowed("LGPL-2.1-or-later OR MIT", &allowed));
    assert!(is_allowed("MIT/Apache-2.0", &allowed));
    assert!(!is_allowed("MIT AND GPL-3.0-only", &allowed));
    assert!(!is_allowed("MPL-2.0", &allowed));
}

/// What is wrong with the licence of `package`, if anything.
fn objection(package: &Value, allowed: &[Licensee]) -> Option<String> {
    let name = package["name"].as_str().unwrap();
    let says = match package["license"].as_str() {
        Some(says) => says,
        None => READ_BY_A_PERSON.iter().find(|(it, _)| *it == name).map_or("no licence", |(_, says)| says),
    };
    (!is_allowed(says, allowed)).then(|| format!("{name} {}: {says}", package["version"].as_str().unwrap()))
}

fn is_allowed(expression: &str, allowed: &[Licensee]) -> bool {
    let permits = |asked: &LicenseReq| allowed.iter().any(|it| it.satisfies(asked));
    Expression::parse_mode(expression, ParseMode::LAX).is_ok_and(|it| it.evaluate(permits))
}

/// The list that cargo-deny reads too.
fn allowed() -> Vec<Licensee> {
    let deny: toml::Table = fs::read_to_string(root().join("deny.toml")).unwrap().parse().unwrap();
    let list = deny["licenses"]["allow"].as_array().unwrap();
    list.iter().map(|it| Licensee::parse(it.as_str().unwrap()).unwrap()).collect()
}

/// The packages from outside that are built on this machine or for guests.
fn dependencies() -> Vec<Value> {
    let host = host_triple();
    let filter = ["--locked", "--filter-platform", &host, "--filter-platform", "wasm32-wasip2"];
    let metadata = metadata(&filter);
    let used: BTreeSet<&str> =
        metadata["resolve"]["nodes"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    let from_outside = |it: &&Value| !it["source"].is_null() && used.contains(it["id"].as_str().unwrap());
    metadata["packages"].as_array().unwrap().iter().filter(from_outside).cloned().collect()
}

fn host_triple() -> String {
    let output = Command::new("rustc").arg("-vV").current_dir(root()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|it| it.strip_prefix("host: ")).unwrap().to_owned()
}
