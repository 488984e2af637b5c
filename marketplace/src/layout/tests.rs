//! Packages there and back, and those that only look like one.

use bytes::Bytes;
use host_core::{Digest, manifest::Manifest, package::PackageId};
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

use super::*;

fn draft() -> Draft {
    let text = "name = \"describe\"\ndescription = \"Describes\"\nversion = \"1.2.3\"\nlicense = \"Apache-2.0\"\n\
                authors = [\"Ada\"]\ncategories = [\"data\"]\n[grants]\nmodel = [\"wine\"]\n";
    Draft {
        id: PackageId { package: "acme/describe".parse().unwrap(), version: "1.2.3".parse().unwrap() },
        manifest: Manifest::parse(text).unwrap(),
        component: Bytes::from_static(b"\0asm component"),
        imports: vec!["wasi:cli/exit@0.2.6".into()],
        exports: vec!["wasi:cli/run@0.2.6".into()],
        revision: Some("abc".into()),
        docs: Docs { readme: Some("# Describe\n".into()), cases: vec![case("small.json")], icon: None },
    }
}

fn case(name: &str) -> CaseFile {
    CaseFile { name: name.into(), bytes: Bytes::from_static(b"{}") }
}

/// A package whose manifest was changed by somebody.
fn changed(change: impl FnOnce(&mut Value)) -> Result<Package, LayoutError> {
    let packed = pack(&draft()).unwrap();
    let mut manifest: Value = serde_json::from_slice(&packed.package.manifest.bytes).unwrap();
    change(&mut manifest);
    read(&serde_json::to_vec(&manifest).unwrap())
}

fn refused(change: impl FnOnce(&mut Value)) -> String {
    changed(change).unwrap_err().to_string()
}

#[test]
fn a_package_is_read_as_it_was_laid_out_and_twice_gives_the_same_bytes() {
    let (packed, again) = (pack(&draft()).unwrap(), pack(&draft()).unwrap());
    assert_eq!(packed, again);
    let package = read(&packed.package.manifest.bytes).unwrap();
    assert_eq!(package.id, draft().id);
    assert_eq!(package.manifest, draft().manifest);
    assert_eq!(package.digest, packed.package.manifest.digest);
    assert_eq!(package.component.digest, Digest::of(&draft().component));
    assert_eq!(package.component.annotations[annotation::TITLE], "describe.wasm");
    assert_eq!(package.revision.as_deref(), Some("abc"));
    let docs_of = docs(&package, &packed.docs.unwrap().manifest.bytes).unwrap();
    let kinds: Vec<_> = docs_of.iter().map(|it| it.media_type.as_str()).collect();
    assert_eq!(kinds, [media::README, media::CASES]);
}

#[test]
fn the_config_is_what_wasm_tools_expect() {
    let packed = pack(&draft()).unwrap();
    let config: Value = serde_json::from_slice(&packed.package.blobs[0].bytes).unwrap();
    let layer = Digest::of(&draft().component).to_string();
    assert_eq!(
        config,
        json!({ "created": CREATED, "author": "Ada", "architecture": "wasm", "os": "wasip2", "layerDigests": [layer],
            "component": { "exports": ["wasi:cli/run@0.2.6"], "imports": ["wasi:cli/exit@0.2.6"], "target": null } })
    );
}

#[test]
fn a_component_that_was_changed_is_told_by_its_digest() {
    let package = read(&pack(&draft()).unwrap().package.manifest.bytes).unwrap();
    assert!(package.check_component(&draft().component).is_ok());
    let told = package.check_component(b"\0asm other").unwrap_err().to_string();
    assert!(told.starts_with("its component has the digest sha256:"), "{told}");
}

#[test]
fn what_is_not_laid_out_like_a_package_is_refused() {
    let layer = |manifest: &Value| manifest["layers"][0].clone();
    assert!(refused(|it| it["layers"] = json!([])).contains("it has 0 layers"));
    assert!(refused(|it| it["layers"] = json!([layer(it), layer(it)])).contains("it has 2 layers"));
    assert!(refused(|it| it["layers"][0]["mediaType"] = json!("text/html")).contains("its layer is `text/html`"));
    assert!(refused(|it| it["config"]["mediaType"] = json!("x/y")).contains("its config is `x/y`"));
    assert!(refused(|it| it["layers"][0]["size"] = json!(1_u64 << 40)).contains("its component has 1099511627776"));
    assert!(refused(|it| it["layers"][0]["digest"] = json!("sha256:../..")).contains("no OCI manifest"));
    assert!(refused(|it| it["schemaVersion"] = json!(1)).contains("another version"));
    assert!(read(&vec![b' '; most::MANIFEST + 1]).is_err());
    assert!(read(b"[]").is_err());
}

#[test]
fn what_a_package_says_of_itself_has_to_fit_together() {
    let set = |key: &'static str, value: &'static str| refused(move |it| it["annotations"][key] = json!(value));
    assert!(set(annotation::TITLE, "../describe").contains("is wrong"));
    assert!(set(annotation::TITLE, "acme/other").contains("is of `describe`"));
    assert!(set(annotation::VERSION, "one").contains("is no version"));
    assert!(set(annotation::VERSION, "1.2.3+x").contains("has a build"));
    assert!(set(annotation::VERSION, "9.9.9").contains("is not what the function's manifest says"));
    assert!(set(annotation::LICENSES, "MIT").contains("is not what the function's manifest says"));
    assert!(set(annotation::DESCRIPTION, "Harmless").contains("is not what the function's manifest says"));
    assert!(set(annotation::FUNCTION, "{\"name\":\"../x\"}").contains("is wrong"));
    assert!(set(annotation::FUNCTION, "{\"name\":\"describe\",\"sudo\":true}").contains("is wrong"));
    assert!(set(annotation::README, "x").contains("is no digest"));
    assert!(
        refused(|it| drop(it["annotations"].as_object_mut().unwrap().remove(annotation::TITLE))).contains("missing")
    );
}

#[test]
fn docs_that_the_package_does_not_name_are_refused() {
    let packed = pack(&draft()).unwrap();
    let package = read(&packed.package.manifest.bytes).unwrap();
    let other = Draft { docs: Docs { readme: Some("# Other\n".into()), ..Docs::default() }, ..draft() };
    let others = pack(&other).unwrap().docs.unwrap();
    assert!(docs(&package, &others.manifest.bytes).unwrap_err().to_string().contains("explains something else"));
    let mut forged: Value = serde_json::from_slice(&others.manifest.bytes).unwrap();
    forged["subject"]["digest"] = json!(package.digest);
    let told = docs(&package, &serde_json::to_vec(&forged).unwrap()).unwrap_err().to_string();
    assert!(told.starts_with("its README has the digest"), "{told}");
}

fn tar_with(name: &[u8], kind: EntryType, content: &[u8]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_cksum();
    tar.append(&header, content).unwrap();
    tar.into_inner().unwrap()
}

#[test]
fn cases_come_out_as_they_went_in() {
    let files = [case("b.json"), case("a/data.csv")];
    let packed = pack_cases(&files).unwrap();
    assert_eq!(read_cases(&packed).unwrap(), [files[1].clone(), files[0].clone()]);
    assert_eq!(pack_cases(&[files[1].clone(), files[0].clone()]).unwrap(), packed);
}

#[test]
fn no_name_in_a_tar_leads_anywhere_else() {
    let names: [&[u8]; 9] =
        [b"../x", b"/etc/passwd", b"a/../../x", b"./x", b"a//b", b".hidden", b"a\\..\\b", b"c:x", b"a/b/c/d/e"];
    for name in names {
        let told = read_cases(&tar_with(name, EntryType::Regular, b"x")).unwrap_err();
        assert!(matches!(told, CasesError::Name(_)), "{told}");
    }
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Directory, EntryType::Char, EntryType::Fifo] {
        let told = read_cases(&tar_with(b"plain", kind, b"")).unwrap_err();
        assert!(matches!(told, CasesError::NotAFile(_)), "{told}");
    }
}

#[test]
fn two_files_of_one_name_and_too_many_files_are_refused() {
    assert_eq!(pack_cases(&[case("a.json"), case("A.json")]), Err(CasesError::Twice("a.json".into())));
    let many: Vec<_> = (0..=most::CASE_FILES).map(|it| case(&format!("{it}.json"))).collect();
    assert_eq!(pack_cases(&many), Err(CasesError::TooMany));
    assert!(matches!(read_cases(b"no tar at all, but longer than nothing"), Err(CasesError::Unreadable(_)) | Ok(_)));
}

#[test]
fn no_bytes_make_the_readers_panic() {
    let packed = pack(&draft()).unwrap();
    let manifest = &packed.package.manifest.bytes;
    for end in (0..manifest.len()).step_by(7) {
        let _ = read(&manifest[..end]);
    }
    let cases = pack_cases(&draft().docs.cases).unwrap();
    for end in (0..cases.len()).step_by(13) {
        let _ = read_cases(&cases[..end]);
    }
}
