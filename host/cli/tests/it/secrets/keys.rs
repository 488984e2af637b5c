//! The key: a file that only its owner may read, or from the environment; one that does not fit is named.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::{piped, set, tell, teller};
use crate::support::{Host, Options};

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const OTHER: &str = "YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk=";

#[test]
fn the_key_is_made_with_the_first_secret_and_only_its_owner_may_read_it() {
    let mut host = Host::start();
    let file = host.data().join("host/secret.key");
    assert!(!file.exists());
    set(&host, "set", "db", "a value");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    host.terminate();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    host.restart();
    let output = piped(&host, &["secrets", "set", "db"], "another value");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("run `chmod 600 "), "{said}");
    let log = fs::read_to_string(host.data().join("host.log")).unwrap();
    assert!(log.contains("secrets cannot be read"), "it is told at start, too: {log}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    set(&host, "set", "db", "another value");
}

#[test]
fn a_key_from_the_environment_leaves_no_file_and_another_one_is_named() {
    let mut host = Host::start_with(Options::default().env("WEFT_SECRET_KEY", KEY));
    set(&host, "set", "db", "a value");
    assert!(!host.data().join("host/secret.key").exists());
    let settings = host.json(&["config", "show"]).to_string();
    assert!(!settings.contains(KEY), "{settings}");
    host.terminate();
    let other = host.twin_with(Options::default().env("WEFT_SECRET_KEY", OTHER));
    other.deploy("teller", "conformance_secret.wasm", super::TELLER);
    let (status, said) = tell(&other, "get", "db");
    assert!(status == 500 && said.contains("are sealed with key") && said.contains("WEFT_SECRET_KEY"), "{said}");
    drop(other);
    let both = host.twin_with(Options::default().env("WEFT_SECRET_KEY", &format!("{OTHER},{KEY}")));
    assert_eq!(tell(&both, "get", "db"), (200, "a value".to_owned()));
    assert_eq!(both.json(&["secrets", "rekey"])["secrets"], 1);
    drop(both);
    let new = host.twin_with(Options::default().env("WEFT_SECRET_KEY", OTHER));
    assert_eq!(tell(&new, "get", "db"), (200, "a value".to_owned()));
}

#[test]
fn without_its_key_nothing_is_read() {
    let mut host = teller("a value");
    host.terminate();
    let file = host.data().join("host/secret.key");
    let key = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    host.restart();
    let (status, said) = tell(&host, "get", "db");
    assert!(status == 500 && said.contains("copy the key file"), "{status} {said}");
    let output = piped(&host, &["secrets", "set", "db"], "another value");
    assert!(!output.status.success() && !file.exists(), "a second key would make the first values unreadable for good");
    fs::write(&file, key).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(tell(&host, "get", "db"), (200, "a value".to_owned()));
}
