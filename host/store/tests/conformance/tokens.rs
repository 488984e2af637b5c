//! Tokens: shown once, kept as a digest, followed by every host, and named on what their bearers change.

use host_core::{
    identity::{Bearer, Principal, Role},
    page::PageRequest,
    ports::{Deployments as _, TokenRefusal, Tokens as _},
};
use host_store::{Minted, NewToken, Store, StoreError, TokenError, on_behalf_of};
use jiff::SignedDuration;

use crate::home::{Home, name, project, revision};

fn new(token: &str, role: Role) -> NewToken {
    NewToken { name: name(token), role, project: None, expires_at: None }
}

async fn create(store: &Store, token: NewToken) -> Minted {
    store.create_token(token, 100, "ann").await.unwrap()
}

async fn a_token_names_its_bearer_and_is_kept_as_a_digest_only(home: Home) {
    let store = home.store().await;
    let minted = create(&store, NewToken { project: Some(project()), ..new("ci", Role::Developer) }).await;
    let bearer = store.keyring().verify(&minted.text).await.unwrap();
    let expected = Principal {
        name: "ci".into(),
        role: Role::Developer,
        project: Some(project()),
        token: Some(minted.token.id),
        from: None,
    };
    assert_eq!(bearer, expected);
    assert!(!format!("{minted:?}").contains(&minted.text));
    let secret = minted.text.splitn(3, '_').nth(2).unwrap();
    let tokens = store.tokens(None, &PageRequest::default()).await.unwrap().items;
    assert_eq!(tokens, [minted.token]);
    assert!(!format!("{tokens:?}").contains(secret));
}

async fn what_is_almost_a_token_is_refused(home: Home) {
    let store = home.store().await;
    let (first, second) =
        (create(&store, new("one", Role::Admin)).await, create(&store, new("two", Role::Viewer)).await);
    let (_, secret) = second.text.split_at("weft_0123456789abcdef_".len());
    let crossed = format!("weft_{}_{secret}", first.token.id);
    assert!(Bearer::parse(&crossed).is_some());
    for wrong in [crossed.as_str(), "", "weft_", &first.text[..first.text.len() - 1]] {
        assert_eq!(store.keyring().verify(wrong).await, Err(TokenRefusal::Unknown), "{wrong}");
    }
}

async fn a_revoked_token_is_refused_at_once_and_stays_listed(home: Home) {
    let store = home.store().await;
    let by_name = create(&store, new("ci", Role::Admin)).await;
    let by_id = create(&store, new("other", Role::Admin)).await;
    store.revoke_token("ci", None, "bob").await.unwrap();
    let revoked = store.revoke_token(&by_id.token.id.to_string(), None, "bob").await.unwrap();
    assert_eq!(revoked.revoked_by.as_deref(), Some("bob"));
    for token in [&by_name, &by_id] {
        assert_eq!(store.keyring().verify(&token.text).await, Err(TokenRefusal::Unknown));
    }
    let again = store.revoke_token("ci", None, "bob").await;
    assert_eq!(again, Err(StoreError::NotFound("token `ci`".into())));
    let listed = store.tokens(None, &PageRequest::default()).await.unwrap().items;
    assert!(listed.len() == 2 && listed.iter().all(|it| it.revoked_at.is_some()), "{listed:?}");
    // Its name is free again.
    create(&store, new("ci", Role::Viewer)).await;
}

async fn a_token_expires(home: Home) {
    let store = home.store().await;
    // Later than now by the test's clock and by that of Postgres.
    let soon = "2080-01-01T00:00:00Z".parse().unwrap();
    let minted = create(&store, NewToken { expires_at: Some(soon), ..new("short", Role::Admin) }).await;
    assert!(store.has_admin_token().await.unwrap());
    assert!(store.keyring().verify(&minted.text).await.is_ok());
    // The keyring goes by the host's clock, on both databases.
    home.clock.advance(SignedDuration::from_secs(100 * 366 * 86_400));
    assert_eq!(store.keyring().verify(&minted.text).await, Err(TokenRefusal::Expired(soon)));
    let before = store.create_token(
        NewToken { expires_at: Some("2020-01-01T00:00:00Z".parse().unwrap()), ..new("late", Role::Admin) },
        100,
        "ann",
    );
    assert!(matches!(before.await, Err(TokenError::Expired(_))));
}

async fn names_in_use_and_too_many_are_refused(home: Home) {
    let store = home.store().await;
    create(&store, new("ci", Role::Viewer)).await;
    let taken = store.create_token(new("ci", Role::Viewer), 100, "ann").await;
    assert_eq!(taken.unwrap_err(), TokenError::Taken(name("ci")));
    let beyond = store.create_token(new("more", Role::Viewer), 1, "ann").await;
    assert_eq!(beyond.unwrap_err(), TokenError::TooMany(1));
}

async fn only_an_admin_of_every_project_counts_as_one(home: Home) {
    let store = home.store().await;
    create(&store, new("op", Role::Operator)).await;
    create(&store, NewToken { project: Some(project()), ..new("small", Role::Admin) }).await;
    assert!(!store.has_admin_token().await.unwrap());
    create(&store, new("root", Role::Admin)).await;
    assert!(store.has_admin_token().await.unwrap());
    store.revoke_token("root", None, "ann").await.unwrap();
    assert!(!store.has_admin_token().await.unwrap());
}

async fn an_admin_of_a_project_sees_and_revokes_only_its_tokens(home: Home) {
    let store = home.store().await;
    create(&store, new("everywhere", Role::Admin)).await;
    create(&store, NewToken { project: Some(name("wine")), ..new("wine-ci", Role::Viewer) }).await;
    let wine = name("wine");
    let seen = store.tokens(Some(&wine), &PageRequest::default()).await.unwrap().items;
    assert_eq!(seen.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["wine-ci"]);
    assert!(store.revoke_token("everywhere", Some(&wine), "ann").await.is_err());
    assert!(store.revoke_token("wine-ci", Some(&wine), "ann").await.is_ok());
}

async fn the_last_use_is_written_when_the_host_stops(home: Home) {
    let store = home.store().await;
    let minted = create(&store, new("ci", Role::Viewer)).await;
    store.keyring().verify(&minted.text).await.unwrap();
    let last = |tokens: Vec<host_core::identity::Token>| tokens[0].last_used_at;
    assert_eq!(last(store.tokens(None, &PageRequest::default()).await.unwrap().items), None);
    store.close().await;
    let store = home.store().await;
    assert!(last(store.tokens(None, &PageRequest::default()).await.unwrap().items).is_some());
    assert!(store.keyring().verify(&minted.text).await.is_ok(), "tokens are read at the start");
}

async fn another_host_takes_and_refuses_what_the_first_made_and_revoked(home: Home) {
    let [(first, _), (second, _)] = home.two_hosts().await;
    let minted = create(&first, new("ci", Role::Viewer)).await;
    let taken = || async { second.keyring().verify(&minted.text).await.is_ok() };
    until(taken, true).await;
    first.revoke_token("ci", None, "ann").await.unwrap();
    until(taken, false).await;
}

/// Other hosts follow in their own time.
async fn until<F: Future<Output = bool>>(ask: impl Fn() -> F, wanted: bool) {
    let patience = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        while ask().await != wanted {
            tokio::task::yield_now().await;
        }
    });
    patience.await.unwrap();
}

async fn a_change_is_put_down_to_the_token_and_address_it_came_from(home: Home) {
    let store = home.store().await;
    let minted = create(&store, new("ci", Role::Developer)).await;
    let principal = Principal { from: Some("10.1.2.3".parse().unwrap()), ..minted.token.principal() };
    let work = async {
        let revision = store.add(revision("name = \"hello\"", "one")).await.unwrap();
        store.activate(&revision, "ci", "deployed").await.unwrap();
    };
    on_behalf_of(principal, work).await;
    let events = store.audit(&project(), None, &PageRequest::default()).await.unwrap().items;
    let told: Vec<_> =
        events.iter().map(|it| (it.action.as_str(), it.token, it.from.map(|it| it.to_string()))).collect();
    let (id, from) = (Some(minted.token.id), Some("10.1.2.3".to_owned()));
    assert_eq!(told, [("function.activated", id, from.clone()), ("revision.added", id, from)]);
    let everywhere = store.audit_everywhere(None, &PageRequest::default()).await.unwrap().items;
    assert_eq!(everywhere.len(), 3);
    let created = everywhere.last().unwrap();
    assert_eq!((created.action.as_str(), &created.project, created.token), ("token.created", &None, None));
    assert_eq!((created.subject.as_str(), created.who.as_str()), ("ci", "ann"));
}

crate::facts! {
    a_token_names_its_bearer_and_is_kept_as_a_digest_only,
    what_is_almost_a_token_is_refused,
    a_revoked_token_is_refused_at_once_and_stays_listed,
    a_token_expires,
    names_in_use_and_too_many_are_refused,
    only_an_admin_of_every_project_counts_as_one,
    an_admin_of_a_project_sees_and_revokes_only_its_tokens,
    the_last_use_is_written_when_the_host_stops,
    another_host_takes_and_refuses_what_the_first_made_and_revoked,
    a_change_is_put_down_to_the_token_and_address_it_came_from,
}
