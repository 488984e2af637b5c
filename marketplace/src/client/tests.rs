//! Packages in a folder: published, signed, fetched, copied, and what was changed behind their back.

use bytes::Bytes;
use host_core::{manifest::Manifest, package::PackageId};
use semver::Version;

use super::*;
use crate::{
    layout::{self, CaseFile, Docs, Draft, Packed},
    sign::{Claim, Envelope, SecretKey},
};

fn name() -> PackageName {
    "acme/describe".parse().unwrap()
}

fn version() -> Version {
    Version::new(1, 0, 0)
}

fn packed(component: &'static [u8]) -> Packed {
    let text = "name = \"describe\"\nversion = \"1.0.0\"\ndescription = \"Describes\"\nlicense = \"MIT\"\n";
    let case = CaseFile { name: "one.json".into(), bytes: Bytes::from_static(b"{}") };
    let draft = Draft {
        id: PackageId { package: name(), version: version() },
        manifest: Manifest::parse(text).unwrap(),
        component: Bytes::from_static(component),
        imports: vec![],
        exports: vec![],
        revision: None,
        docs: Docs { readme: Some("# Hello".into()), cases: vec![case], icon: None },
    };
    layout::pack(&draft).unwrap()
}

fn envelope(key: &SecretKey, packed: &Packed) -> Vec<u8> {
    let digest = packed.package.manifest.digest;
    let claim = Claim { name: name(), version: version(), digest, at: jiff::Timestamp::UNIX_EPOCH };
    crate::sign::sign(key, &claim)
}

#[tokio::test]
async fn a_package_is_fetched_as_it_was_published_with_its_docs_and_signature() {
    let folder = tempfile::tempdir().unwrap();
    let place = Folder::new(folder.path().join("there"));
    let (packed, key) = (packed(b"\0asm"), SecretKey::generate().unwrap());
    assert_eq!(publish(&place, &name(), &version(), &packed).await.unwrap(), Published::New);
    assert_eq!(publish(&place, &name(), &version(), &packed).await.unwrap(), Published::Same);
    sign(&place, &name(), &packed.package.manifest, envelope(&key, &packed)).await.unwrap();
    let fetched = fetch(&place, &name(), &version()).await.unwrap();
    assert_eq!(fetched.manifest, packed.package.manifest);
    assert!(Envelope::parse(&fetched.signatures[0]).unwrap().is_signed_by(&key.public()));
    let docs = explain(&place, &fetched).await.unwrap();
    assert_eq!((docs.readme.as_deref(), docs.cases.len()), (Some("# Hello"), 1));
    assert_eq!(place.blob(&name(), &fetched.package.component).await.unwrap().as_ref(), b"\0asm");
    assert_eq!(place.packages().await.unwrap(), [name()]);
    assert_eq!(versions(&place, &name()).await.unwrap(), [version()]);
}

#[tokio::test]
async fn a_version_never_changes() {
    let folder = tempfile::tempdir().unwrap();
    let place = Folder::new(folder.path().to_owned());
    publish(&place, &name(), &version(), &packed(b"\0asm one")).await.unwrap();
    let refused = publish(&place, &name(), &version(), &packed(b"\0asm two")).await.unwrap_err();
    assert!(matches!(refused, ClientError::Taken { .. }), "{refused}");
}

#[tokio::test]
async fn bytes_that_somebody_changed_are_told_by_their_digest() {
    let folder = tempfile::tempdir().unwrap();
    let place = Folder::new(folder.path().to_owned());
    publish(&place, &name(), &version(), &packed(b"\0asm one")).await.unwrap();
    let fetched = fetch(&place, &name(), &version()).await.unwrap();
    let blobs = folder.path().join("blobs/sha256");
    std::fs::write(blobs.join(fetched.package.component.digest.hex()), b"\0asm two").unwrap();
    let told = place.blob(&name(), &fetched.package.component).await.unwrap_err();
    assert!(matches!(told, ClientError::Tampered { .. }), "{told}");
    std::fs::write(blobs.join(fetched.package.component.digest.hex()), b"\0asm one and more").unwrap();
    let told = place.blob(&name(), &fetched.package.component).await.unwrap_err();
    assert!(matches!(told, ClientError::TooLarge { .. }), "{told}");
    std::fs::write(blobs.join(fetched.manifest.digest.hex()), b"{}").unwrap();
    let told = fetch(&place, &name(), &version()).await.unwrap_err();
    assert!(matches!(told, ClientError::Tampered { .. }), "{told}");
}

#[tokio::test]
async fn a_package_under_another_name_or_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = Folder::new(folder.path().to_owned());
    publish(&place, &name(), &version(), &packed(b"\0asm")).await.unwrap();
    let index = folder.path().join("index.json");
    let text = std::fs::read_to_string(&index).unwrap().replace("acme/describe:1.0.0", "acme/other:2.0.0");
    std::fs::write(&index, text).unwrap();
    let told = fetch(&place, &"acme/other".parse().unwrap(), &Version::new(2, 0, 0)).await.unwrap_err();
    assert!(told.to_string().contains("it gave acme/describe@1.0.0"), "{told}");
}

#[tokio::test]
async fn a_copy_has_the_same_bytes_and_whatever_signs_and_explains_them() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (Folder::new(folder.path().join("a")), Folder::new(folder.path().join("b")));
    let (packed, key) = (packed(b"\0asm"), SecretKey::generate().unwrap());
    publish(&from, &name(), &version(), &packed).await.unwrap();
    sign(&from, &name(), &packed.package.manifest, envelope(&key, &packed)).await.unwrap();
    assert_eq!(copy(&from, &to, &name(), &version()).await.unwrap(), Published::New);
    assert_eq!(copy(&from, &to, &name(), &version()).await.unwrap(), Published::Same);
    let (here, there) =
        (fetch(&from, &name(), &version()).await.unwrap(), fetch(&to, &name(), &version()).await.unwrap());
    assert_eq!(here, there);
    assert!(to.blob(&name(), &there.package.component).await.is_ok());
    assert!(explain(&to, &there).await.unwrap().readme.is_some());
}

#[tokio::test]
async fn a_mark_is_kept_beside_a_version_and_taken_off_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = Folder::new(folder.path().to_owned());
    publish(&place, &name(), &version(), &packed(b"\0asm")).await.unwrap();
    place.mark(&name(), "1.0.0", &[Mark::Yanked("it is slow".into())]).await.unwrap();
    assert_eq!(Mark::yanked(&place.marks(&name()).await.unwrap()["1.0.0"]), Some("it is slow"));
    place.mark(&name(), "1.0.0", &[]).await.unwrap();
    assert!(place.marks(&name()).await.unwrap().is_empty());
    assert!(place.mark(&name(), "9.0.0", &[]).await.is_err());
}

#[test]
fn the_highest_version_that_fits_and_was_not_taken_back_is_chosen() {
    let versions: Vec<Version> =
        ["1.0.0", "1.2.0", "1.10.0", "2.0.0", "3.0.0-rc.1"].iter().map(|it| it.parse().unwrap()).collect();
    let chosen = |wanted: Option<&str>| {
        choose(&versions, wanted, |it| it.to_string() == "2.0.0").map_or_else(String::new, ToString::to_string)
    };
    assert_eq!(chosen(None), "1.10.0");
    assert_eq!(chosen(Some("^1")), "1.10.0");
    assert_eq!(chosen(Some("1.2.0")), "1.2.0");
    assert_eq!(chosen(Some("2.0.0")), "2.0.0", "whoever names it exactly knows what they do");
    assert_eq!(chosen(Some("^2")), "");
    assert_eq!(chosen(Some("nonsense")), "");
}

#[test]
fn an_address_of_a_registry_has_a_scheme_and_no_password() {
    let address = |url: &str| Remote::new(url, Credentials::Nobody, None).map(|it| it.address()).map_err(drop);
    let _ = rustls_provider();
    assert_eq!(address("http://127.0.0.1:5000/"), Ok("http://127.0.0.1:5000".to_owned()));
    assert_eq!(address("http://127.0.0.1:5000/team/x"), Ok("http://127.0.0.1:5000/team/x".to_owned()));
    for wrong in ["127.0.0.1:5000", "ftp://x", "https://", "https://user:secret@host"] {
        assert_eq!(address(wrong), Err(()), "{wrong}");
    }
}

/// Clients with TLS want somebody to say which library does it.
fn rustls_provider() -> Result<(), ()> {
    rustls::crypto::ring::default_provider().install_default().map_err(drop)
}
