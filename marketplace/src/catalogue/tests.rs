//! What is found wrong with a package before it is taken.

use bytes::Bytes;
use host_core::{function::Entries, manifest::Manifest, package::PackageId, ports::Inspection};

use super::{about, checks};
use crate::layout::{self, CaseFile, Docs, Draft, Package, pack};

fn package(manifest: &str, docs: Docs) -> Package {
    let manifest = Manifest::parse(&format!("name = \"describe\"\n{manifest}")).unwrap();
    let id = PackageId { package: "acme/describe".parse().unwrap(), version: "1.0.0".parse().unwrap() };
    let component = Bytes::from_static(b"\0asm");
    let draft = Draft { id, manifest, component, imports: vec![], exports: vec![], revision: None, docs };
    layout::read(&pack(&draft).unwrap().package.manifest.bytes).unwrap()
}

fn whole() -> Docs {
    let case = CaseFile { name: "one.json".into(), bytes: Bytes::from_static(b"{}") };
    Docs { readme: Some("# Describe".into()), cases: vec![case], icon: None }
}

const GOOD: &str = "description = \"Describes tables\"\nlicense = \"MIT OR Apache-2.0\"\nlanguage = \"rust\"\n";

#[test]
fn nothing_is_found_wrong_with_a_package_that_says_everything() {
    let more = "categories = [\"data\"]\n[params.rows]\ntype = \"integer\"\ndescription = \"How many\"\n\
                [inputs.data]\ndescription = \"Rows\"\n[outputs.table]\ndescription = \"Figures\"\n";
    let package = package(&format!("{GOOD}{more}"), whole());
    assert_eq!(checks::of(&package), Vec::<String>::new());
    let said = about(&package).unwrap();
    assert_eq!((said.description.as_str(), said.language.as_deref()), ("Describes tables", Some("rust")));
    assert_eq!(said.manifest["params"]["rows"]["description"], "How many");
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    let more = "[params.rows]\ntype = \"integer\"\n[inputs.data]\n[outputs.table]\ndescription = \" \"\n";
    let findings = checks::of(&package(more, Docs::default()));
    let told = findings.join("\n");
    for expected in [
        "it has no description",
        "it states no licence",
        "param `rows` has no description",
        "input `data` has no description",
        "output `table` has no description",
        "it has no README.md",
        "it has no cases",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert_eq!(findings.len(), 7);
}

#[test]
fn a_licence_is_an_spdx_expression_and_a_description_one_sentence() {
    let with = |text: &str| checks::of(&package(text, whole())).join("; ");
    for wrong in ["Apache 2", "free", "MIT AND", "LicenseRef"] {
        let told = with(&format!("description = \"D\"\nlicense = \"{wrong}\"\n"));
        assert!(told.contains("is no SPDX expression"), "{wrong}: {told}");
    }
    let long = with(&format!("description = \"{}\"\nlicense = \"MIT\"\n", "d".repeat(301)));
    assert!(long.contains("more than 300 characters"), "{long}");
}

#[test]
fn a_component_needs_a_way_in_and_no_more_than_it_grants() {
    let manifest = package(GOOD, whole()).manifest;
    let inspection = |imports: &[&str], entries| Inspection {
        entries,
        imports: imports.iter().map(|it| (*it).to_owned()).collect(),
        exports: Vec::new(),
    };
    let job = Entries { job: true, ..Entries::default() };
    assert!(checks::of_component(&manifest, &inspection(&["wasi:cli/environment@0.2.6"], job)).is_empty());
    let told = checks::of_component(&manifest, &inspection(&["wasi:keyvalue/store@0.2.0-draft"], Entries::default()));
    assert_eq!(told.len(), 2);
    assert!(told[1].contains("which function.toml does not grant"), "{told:?}");
}
