//! What signatures are worth.

use host_core::{
    Digest,
    trust::{PublicKey, Signatures, TrustPolicy, TrustedKey},
};
use semver::Version;

use super::{
    Claim, Envelope, Refusal, SecretKey, Verdict,
    envelope::{encode, sign},
    judge, public_from_pem, public_to_pem,
};

fn claim() -> Claim {
    Claim {
        name: "acme/describe".parse().unwrap(),
        version: Version::new(1, 2, 3),
        digest: Digest::of(b"manifest"),
        at: "2026-01-02T03:04:05Z".parse().unwrap(),
    }
}

fn trusted(key: PublicKey) -> TrustedKey {
    TrustedKey {
        namespace: "acme".parse().unwrap(),
        key,
        is_warm: true,
        added_by: "ada".into(),
        added_at: jiff::Timestamp::UNIX_EPOCH,
        revoked: None,
    }
}

fn policy(signatures: Signatures, keys: Vec<TrustedKey>) -> TrustPolicy {
    TrustPolicy { signatures, keys }
}

fn ask(policy: &TrustPolicy, envelopes: &[Vec<u8>]) -> Result<Verdict, Refusal> {
    let claim = claim();
    judge(policy, (&claim.name, &claim.version, &claim.digest), envelopes)
}

#[test]
fn the_encoding_is_that_of_dsse() {
    let example = encode("http://example.com/HelloWorld", b"hello world");
    assert_eq!(example, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

#[test]
fn a_key_is_read_from_the_file_it_was_written_to() {
    let key = SecretKey::generate().unwrap();
    let text = key.to_pem().unwrap();
    assert!(text.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert_eq!(SecretKey::from_pem(&text).unwrap().public(), key.public());
    let public = public_to_pem(&key.public()).unwrap();
    assert_eq!(public_from_pem(&public), Ok(key.public()));
    assert_eq!(public_from_pem(&key.public().to_string()), Ok(key.public()));
    assert!(SecretKey::from_pem(&public).is_err());
    assert!(!format!("{key:?}").contains(text.lines().nth(1).unwrap()));
}

#[test]
fn a_key_that_openssl_made_is_read() {
    let text = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
    let key = SecretKey::from_pem(text).unwrap();
    // The secret and public key of RFC 8032's first test.
    let public = hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    assert_eq!(key.public().as_raw().as_slice(), public);
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn a_signature_says_what_was_claimed_and_by_whom() {
    let (key, other) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
    let envelope = Envelope::parse(&sign(&key, &claim())).unwrap();
    assert_eq!(*envelope.claim(), claim());
    assert!(envelope.is_signed_by(&key.public()));
    assert!(!envelope.is_signed_by(&other.public()));
}

#[test]
fn a_trusted_signature_is_enough_whatever_else_there_is() {
    let (key, other) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
    let policy = policy(Signatures::Require, vec![trusted(key.public())]);
    let envelopes = [b"{}".to_vec(), sign(&other, &claim()), sign(&key, &claim())];
    let verdict = ask(&policy, &envelopes).unwrap();
    assert_eq!(verdict, Verdict { signed_by: Some(key.public().id()), is_warm: true, warning: None });
}

#[test]
fn what_nobody_signed_is_taken_warned_of_or_refused_by_policy() {
    assert_eq!(ask(&policy(Signatures::Off, vec![]), &[]), Ok(Verdict::default()));
    let warned = ask(&policy(Signatures::Warn, vec![]), &[]).unwrap();
    assert_eq!(warned.warning.as_deref(), Some("nobody has signed it"));
    assert_eq!(ask(&policy(Signatures::Require, vec![]), &[]), Err(Refusal::Unsigned));
}

#[test]
fn a_key_is_trusted_for_its_namespace_alone() {
    let key = SecretKey::generate().unwrap();
    let elsewhere = TrustedKey { namespace: "other".parse().unwrap(), ..trusted(key.public()) };
    let refused = ask(&policy(Signatures::Require, vec![elsewhere]), &[sign(&key, &claim())]);
    assert!(matches!(refused, Err(Refusal::Unknown { .. })), "{refused:?}");
}

#[test]
fn a_revoked_key_is_worth_nothing_even_where_signatures_are_only_wished_for() {
    let key = SecretKey::generate().unwrap();
    let revoked = TrustedKey { revoked: Some((jiff::Timestamp::UNIX_EPOCH, "ada".into())), ..trusted(key.public()) };
    for signatures in [Signatures::Warn, Signatures::Require] {
        let refused = ask(&policy(signatures, vec![revoked.clone()]), &[sign(&key, &claim())]).unwrap_err();
        assert!(refused.to_string().contains("was revoked at 1970-01-01T00:00:00Z"), "{refused}");
    }
}

#[test]
fn a_signature_of_something_else_is_refused_with_what_it_is_of() {
    let key = SecretKey::generate().unwrap();
    let policy = policy(Signatures::Warn, vec![trusted(key.public())]);
    let said = |claim: Claim| ask(&policy, &[sign(&key, &claim)]).unwrap_err().to_string();
    assert!(said(Claim { digest: Digest::of(b"x"), ..claim() }).contains("it is of the manifest sha256:2d71"));
    assert!(said(Claim { version: Version::new(9, 0, 0), ..claim() }).contains("it is of acme/describe@9.0.0"));
    assert!(said(Claim { name: "acme/other".parse().unwrap(), ..claim() }).contains("it is of acme/other@1.2.3"));
}

#[test]
fn a_signature_that_was_made_up_is_refused() {
    let (key, other) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
    let policy = policy(Signatures::Warn, vec![trusted(key.public())]);
    let forged = String::from_utf8(sign(&other, &claim())).unwrap();
    let forged = forged.replace(&other.public().id().to_string(), &key.public().id().to_string());
    let refused = ask(&policy, &[forged.into_bytes()]).unwrap_err();
    assert!(refused.to_string().contains("it is not by key"), "{refused}");
}

#[test]
fn no_bytes_make_the_reader_panic() {
    let key = SecretKey::generate().unwrap();
    let whole = sign(&key, &claim());
    for end in 0..whole.len() {
        let _ = Envelope::parse(&whole[..end]);
    }
    assert_eq!(Envelope::parse(&vec![b' '; 65 << 10]), Err(super::EnvelopeError::TooLong));
}
