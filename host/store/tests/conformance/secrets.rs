//! Secrets: sealed at rest, versions that are never used twice, keys that fit or say so.

use std::{path::PathBuf, sync::Arc};

use host_core::{
    page::PageRequest,
    ports::{NewSecret, Secret, SecretError, SecretValue, Secrets as _},
};
use host_store::{KeySource, SecretsConfig, Store, StoreSecrets};

use crate::home::{Home, name, project};

crate::facts! {
    a_secret_is_set_read_rotated_and_deleted,
    a_version_is_never_used_again,
    only_sealed_values_are_stored,
    another_host_sees_a_change,
    hosts_that_set_at_once_get_versions_of_their_own,
    a_key_that_does_not_fit_is_named,
    a_host_without_the_key_makes_no_other,
    a_value_opens_only_where_it_was_set,
    there_may_be_only_so_many,
    everything_is_sealed_again_with_a_new_key,
    a_rekey_that_cannot_read_everything_changes_nothing,
    changes_are_audited_without_values,
}

const CANARY: &str = "canary-7f3a91c2";

fn key_file(home: &Home) -> PathBuf {
    home.folder().join("keys/secret.key")
}

fn secrets(store: &Store, home: &Home) -> Arc<StoreSecrets> {
    StoreSecrets::start(store, KeySource::File(key_file(home)), &SecretsConfig::default())
}

fn new(secret: &str, value: &str) -> NewSecret {
    NewSecret {
        project: project(),
        name: name(secret),
        value: SecretValue::parse(value.to_owned()).unwrap(),
        by: "ann".into(),
    }
}

async fn read(secrets: &StoreSecrets, secret: &str) -> Result<String, SecretError> {
    secrets.value(&project(), &name(secret)).await.map(|value| value.reveal().to_owned())
}

async fn a_secret_is_set_read_rotated_and_deleted(home: Home) {
    let store = home.store().await;
    let secrets = secrets(&store, &home);
    assert_eq!(read(&secrets, "db").await, Err(SecretError::NotSet(name("db"))));
    assert_eq!(secrets.rotate(new("db", "later")).await, Err(SecretError::NotSet(name("db"))));
    let first = secrets.set(new("db", "first-value")).await.unwrap();
    assert_eq!((first.version, first.updated_by.as_str()), (1, "ann"));
    assert_eq!(read(&secrets, "db").await.unwrap(), "first-value");
    home.tick();
    let second = secrets.rotate(new("db", "second-value")).await.unwrap();
    assert_eq!((second.version, second.created_at), (2, first.created_at));
    assert!(second.updated_at > first.updated_at);
    assert_eq!(read(&secrets, "db").await.unwrap(), "second-value");
    secrets.set(new("api-key", "another")).await.unwrap();
    secrets.set(new("a1", "another")).await.unwrap();
    let listed = secrets.list(&project()).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|it| format!("{} {}", it.name, it.version)).collect();
    assert_eq!(listed, ["a1 1", "api-key 1", "db 2"]);
    assert!(secrets.list(&name("other")).await.unwrap().is_empty(), "projects see their own");
    secrets.delete(&project(), &name("db"), "ben").await.unwrap();
    assert_eq!(read(&secrets, "db").await, Err(SecretError::NotSet(name("db"))));
    assert_eq!(secrets.delete(&project(), &name("db"), "ben").await, Err(SecretError::NotSet(name("db"))));
    assert_eq!(secrets.list(&project()).await.unwrap().len(), 2);
}

async fn a_version_is_never_used_again(home: Home) {
    let store = home.store().await;
    let secrets = secrets(&store, &home);
    secrets.set(new("db", "first-value")).await.unwrap();
    secrets.delete(&project(), &name("db"), "ann").await.unwrap();
    assert_eq!(secrets.describe(&project(), &name("db")).await, Err(SecretError::NotSet(name("db"))));
    assert_eq!(secrets.set(new("db", "second-value")).await.unwrap().version, 2);
}

async fn only_sealed_values_are_stored(home: Home) {
    let store = home.store().await;
    let secrets = secrets(&store, &home);
    secrets.set(new("db", CANARY)).await.unwrap();
    secrets.rotate(new("db", CANARY)).await.unwrap();
    secrets.rekey("ann").await.unwrap();
    assert_eq!(read(&secrets, "db").await.unwrap(), CANARY);
    store.close().await;
    for entry in std::fs::read_dir(&home.config.data).into_iter().flatten() {
        let file = entry.unwrap().path();
        let bytes = std::fs::read(&file).unwrap_or_default();
        assert!(!bytes.windows(CANARY.len()).any(|it| it == CANARY.as_bytes()), "{}", file.display());
    }
    // Were a value in the clear, this would have nothing to divide by.
    home.run_sql("UPDATE secret SET version = version / (CASE WHEN sealed LIKE '%canary%' THEN 0 ELSE 1 END)").await;
}

async fn another_host_sees_a_change(home: Home) {
    let hosts = home.two_hosts().await;
    let [here, there] = [secrets(&hosts[0].0, &home), secrets(&hosts[1].0, &home)];
    here.set(new("db", "first-value")).await.unwrap();
    assert_eq!(read(&there, "db").await.unwrap(), "first-value");
    here.rotate(new("db", "second-value")).await.unwrap();
    // Whoever asks for the version does not get the value of another one.
    assert_eq!(there.describe(&project(), &name("db")).await.unwrap().version, 2);
    assert_eq!(read(&there, "db").await.unwrap(), "second-value");
    here.delete(&project(), &name("db"), "ann").await.unwrap();
    let seen = async {
        while read(&there, "db").await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), seen).await.expect("the change is never seen");
}

async fn hosts_that_set_at_once_get_versions_of_their_own(home: Home) {
    let hosts = home.two_hosts().await;
    let both = [secrets(&hosts[0].0, &home), secrets(&hosts[1].0, &home)];
    both[0].set(new("db", "the first value")).await.unwrap();
    let race = (0..8).map(|number| both[number % 2].set(new("db", "another value")));
    let set: Vec<Secret> = futures_util::future::try_join_all(race).await.unwrap();
    let mut versions: Vec<_> = set.iter().map(|it| it.version).collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..=9).collect::<Vec<_>>());
}

async fn a_key_that_does_not_fit_is_named(home: Home) {
    let store = home.store().await;
    let ours = secrets(&store, &home);
    assert_eq!(ours.check().await, Ok(()), "nothing was set, so there is nothing to read");
    ours.set(new("db", CANARY)).await.unwrap();
    assert_eq!(ours.check().await, Ok(()));
    let other = StoreSecrets::start(&store, KeySource::Memory, &SecretsConfig::default());
    for error in [
        other.check().await.unwrap_err(),
        read(&other, "db").await.unwrap_err(),
        other.set(new("db", "another")).await.unwrap_err(),
        other.set(new("other", "another")).await.unwrap_err(),
        other.rekey("ann").await.unwrap_err(),
    ] {
        assert!(matches!(&error, SecretError::Key(why) if why.contains("are sealed with key ")), "{error}");
    }
    assert_eq!(read(&ours, "db").await.unwrap(), CANARY, "and nothing was changed");
}

async fn a_host_without_the_key_makes_no_other(home: Home) {
    let store = home.store().await;
    secrets(&store, &home).set(new("db", CANARY)).await.unwrap();
    let elsewhere = home.folder().join("elsewhere/secret.key");
    let other = StoreSecrets::start(&store, KeySource::File(elsewhere.clone()), &SecretsConfig::default());
    let error = other.set(new("db", "another")).await.unwrap_err().to_string();
    assert!(error.contains("copy the key file") && error.contains("elsewhere"), "{error}");
    assert!(!elsewhere.exists());
    std::fs::create_dir_all(elsewhere.parent().unwrap()).unwrap();
    std::fs::copy(key_file(&home), &elsewhere).unwrap();
    assert_eq!(read(&other, "db").await.unwrap(), CANARY, "no restart is needed");
}

async fn a_value_opens_only_where_it_was_set(home: Home) {
    let store = home.store().await;
    let secrets = secrets(&store, &home);
    secrets.set(new("db", CANARY)).await.unwrap();
    secrets.set(new("free", "nothing to see")).await.unwrap();
    home.run_sql("UPDATE secret SET sealed = (SELECT sealed FROM secret WHERE name = 'db') WHERE name = 'free'").await;
    assert_eq!(read(&secrets, "free").await, Err(SecretError::Damaged(name("free"))));
    home.run_sql("UPDATE secret SET version = 7 WHERE name = 'db'").await;
    assert_eq!(read(&secrets, "db").await, Err(SecretError::Damaged(name("db"))), "an older value cannot be put back");
}

async fn there_may_be_only_so_many(home: Home) {
    let store = home.store().await;
    let config = SecretsConfig { most: 2, ..SecretsConfig::default() };
    let secrets = StoreSecrets::start(&store, KeySource::Memory, &config);
    for secret in ["a", "b", "a"] {
        secrets.set(new(secret, "value")).await.unwrap();
    }
    assert_eq!(secrets.set(new("c", "value")).await, Err(SecretError::TooMany(2)));
    secrets.delete(&project(), &name("a"), "ann").await.unwrap();
    assert!(secrets.set(new("c", "value")).await.is_ok());
    assert!(secrets.set(NewSecret { project: name("other"), ..new("c", "value") }).await.is_ok());
}

async fn everything_is_sealed_again_with_a_new_key(home: Home) {
    let store = home.store().await;
    let ours = secrets(&store, &home);
    assert_eq!(ours.rekey("ann").await, Ok(0), "nothing was sealed yet");
    ours.set(new("a", "value of a")).await.unwrap();
    ours.set(NewSecret { project: name("other"), ..new("b", "value of b") }).await.unwrap();
    let before = std::fs::read_to_string(key_file(&home)).unwrap();
    assert_eq!(ours.rekey("ann").await, Ok(2));
    let after = std::fs::read_to_string(key_file(&home)).unwrap();
    assert_ne!(before, after);
    let again = secrets(&store, &home);
    assert_eq!(read(&again, "a").await.unwrap(), "value of a");
    assert_eq!(again.value(&name("other"), &name("b")).await.unwrap().reveal(), "value of b");
    assert_eq!(again.describe(&project(), &name("a")).await.unwrap().version, 1, "the value is what it was");
    std::fs::write(key_file(&home), before).unwrap();
    let old = secrets(&store, &home);
    assert!(matches!(read(&old, "a").await, Err(SecretError::Key(_))), "the old key opens nothing any more");
}

async fn a_rekey_that_cannot_read_everything_changes_nothing(home: Home) {
    let store = home.store().await;
    let ours = secrets(&store, &home);
    ours.set(new("a", "value of a")).await.unwrap();
    ours.set(new("b", "value of b")).await.unwrap();
    home.run_sql("UPDATE secret SET sealed = 'AAAA' WHERE name = 'b'").await;
    assert_eq!(ours.rekey("ann").await, Err(SecretError::Damaged(name("b"))));
    let again = secrets(&store, &home);
    assert_eq!(read(&again, "a").await.unwrap(), "value of a");
    again.set(new("b", "a new value")).await.unwrap();
    assert_eq!(again.rekey("ann").await, Ok(2), "the second time it goes on with the key made the first time");
    assert_eq!(read(&secrets(&store, &home), "b").await.unwrap(), "a new value");
}

async fn changes_are_audited_without_values(home: Home) {
    let store = home.store().await;
    let secrets = secrets(&store, &home);
    secrets.set(new("db", CANARY)).await.unwrap();
    home.tick();
    secrets.rotate(new("db", CANARY)).await.unwrap();
    home.tick();
    secrets.delete(&project(), &name("db"), "ben").await.unwrap();
    let events = store.audit(&project(), Some("db"), &PageRequest::default()).await.unwrap().items;
    let actions: Vec<_> = events.iter().map(|it| format!("{} {}", it.who, it.action)).collect();
    assert_eq!(actions, ["ben secret.deleted", "ann secret.rotated", "ann secret.set"]);
    assert!(!format!("{events:?}").contains("canary"));
}
