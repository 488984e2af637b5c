//! Trust: a project's demand, its keys, which stay revoked, and the packages that revisions were made of.

use host_core::{
    Digest,
    ports::Deployments as _,
    trust::{Provenance, PublicKey, Signatures},
};
use host_store::{NewTrustedKey, StoreError, TrustError};

use crate::home::{Home, name, project, revision};

fn key(byte: u8) -> NewTrustedKey {
    NewTrustedKey { namespace: name("acme"), key: PublicKey::from_raw([byte; 32]), is_warm: false }
}

async fn a_project_warns_until_it_is_told_otherwise(home: Home) {
    let store = home.store().await;
    assert_eq!(store.trust_policy(&project()).await.unwrap().signatures, Signatures::Warn);
    for demand in [Signatures::Require, Signatures::Off] {
        store.demand_signatures(&project(), demand, "ann").await.unwrap();
        assert_eq!(store.trust_policy(&project()).await.unwrap().signatures, demand);
    }
    assert_eq!(store.trust_policy(&name("other")).await.unwrap().signatures, Signatures::Warn);
}

async fn a_key_that_was_revoked_is_never_trusted_again(home: Home) {
    let store = home.store().await;
    let id = key(1).key.id();
    store.trust_key(&project(), &key(1), "ann").await.unwrap();
    store.trust_key(&project(), &NewTrustedKey { is_warm: true, ..key(1) }, "ann").await.unwrap();
    let keys = store.trust_policy(&project()).await.unwrap().keys;
    assert_eq!((keys.len(), keys[0].is_warm, &keys[0].revoked), (1, true, &None));
    store.revoke_key(&project(), &id, "bob").await.unwrap();
    store.revoke_key(&project(), &id, "carl").await.unwrap();
    let keys = store.trust_policy(&project()).await.unwrap().keys;
    assert_eq!(keys[0].revoked.as_ref().unwrap().1, "bob");
    let elsewhere = NewTrustedKey { namespace: name("other"), ..key(1) };
    let refused = store.trust_key(&project(), &elsewhere, "ann").await;
    assert!(matches!(refused, Err(TrustError::Revoked { key, .. }) if key == id), "{refused:?}");
    let unknown = store.revoke_key(&project(), &key(2).key.id(), "ann").await;
    assert!(matches!(unknown, Err(StoreError::NotFound(_))), "{unknown:?}");
}

async fn a_revision_remembers_the_package_it_was_made_of(home: Home) {
    let store = home.store().await;
    let made = store.add(revision("name = \"hello\"", "1")).await.unwrap();
    assert_eq!(store.provenance(made.id).await.unwrap(), None);
    let of = Provenance {
        source: "https://packages.example".into(),
        name: "acme/hello".parse().unwrap(),
        version: "1.2.3".parse().unwrap(),
        digest: Digest::of(b"manifest"),
        signed_by: Some(key(1).key.id()),
    };
    store.record_provenance(&made.project, made.id, &of, "ann").await.unwrap();
    store.record_provenance(&made.project, made.id, &of, "ann").await.unwrap();
    assert_eq!(store.provenance(made.id).await.unwrap(), Some(of));
    assert!(store.signed_by(&made.project, &key(1).key.id()).await.unwrap().is_empty(), "it is not in service");
    store.activate(&made, "ann", "deployed").await.unwrap();
    assert_eq!(store.signed_by(&made.project, &key(1).key.id()).await.unwrap(), [name("hello")]);
}

crate::facts!(
    a_project_warns_until_it_is_told_otherwise,
    a_key_that_was_revoked_is_never_trusted_again,
    a_revision_remembers_the_package_it_was_made_of,
);
