//! The registry's rows: namespaces and owners, manifests and tags, versions that never change, and what a search finds.

use std::sync::Arc;

use host_core::{
    Digest,
    package::{About, OwnerRole, PackageId, PackageName, Publisher, Repository, Say, Standing, State},
    page::PageRequest,
    ports::{
        NewManifest, NewPackage, PackageError, Packages as _, Pulls, Reference, Repositories as _, Search, Verdict,
    },
};
use host_store::Store;
use serde_json::json;

use crate::home::{Home, map, name};

crate::facts! {
    whoever_publishes_first_has_the_namespace,
    a_namespace_always_has_an_owner,
    two_hosts_give_a_namespace_to_one,
    a_version_is_published_once_and_never_changes,
    two_hosts_publish_one_version_once,
    a_manifest_needs_its_parts_and_keeps_them,
    what_is_offered_is_not_deleted,
    tags_and_referrers_are_listed,
    a_search_ranks_names_before_categories_before_prose,
    pages_of_a_search_follow_one_another,
    the_newest_version_that_is_not_yanked_speaks_for_its_package,
    pulls_are_added_to_the_version_and_the_package,
}

fn who(text: &str) -> Publisher {
    Publisher { name: text.into(), say: Say::Own }
}

fn admin() -> Publisher {
    Publisher { name: "root".into(), say: Say::All }
}

fn repository(text: &str) -> Repository {
    text.parse().unwrap()
}

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn id(text: &str) -> PackageId {
    let (package, version) = text.split_once('@').unwrap();
    PackageId { package: package.parse().unwrap(), version: version.parse().unwrap() }
}

fn manifest(at: &str, text: &str, tag: Option<&str>) -> NewManifest {
    NewManifest {
        repository: repository(at),
        digest: digest(text),
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        artifact_type: Some("application/x".into()),
        subject: None,
        size: text.len() as u64,
        annotations: map(json!({ "b": "\0", "a": "1" })),
        blobs: Vec::new(),
        manifests: Vec::new(),
        tag: tag.map(str::to_owned),
        package: None,
    }
}

fn about(description: &str, categories: &[&str]) -> About {
    About {
        description: description.into(),
        licenses: "Apache-2.0".into(),
        source: None,
        revision: None,
        authors: vec!["The Weft authors".into()],
        categories: categories.iter().map(|it| name(it)).collect(),
        language: Some("rust".into()),
        manifest: json!({ "name": "x" }),
    }
}

fn version(of: &str, text: &str, about: About) -> NewManifest {
    let PackageId { package, version } = id(of);
    let tag = version.to_string();
    let package_row = NewPackage { version, component: digest("component"), size: 9, about, reason: "waits".into() };
    NewManifest { package: Some(package_row), ..manifest(&package.to_string(), text, Some(&tag)) }
}

const LISTED: Verdict = Verdict { state: State::Listed, reason: None, docs: None };

/// Publishes a version and offers it.
async fn offer(store: &Store, of: &str, description: &str, categories: &[&str]) {
    let new = version(of, of, about(description, categories));
    store.add_manifest(&new, &who("ann")).await.unwrap();
    store.judge(&id(of), &LISTED).await.unwrap();
}

fn is_denied<T: std::fmt::Debug>(result: Result<T, PackageError>) -> bool {
    matches!(result, Err(PackageError::Denied { .. }))
}

async fn whoever_publishes_first_has_the_namespace(home: Home) {
    let store = home.store().await;
    let (ann, bob) = (who("ann"), who("bob"));
    store.may_publish(&repository("acme/x"), &bob).await.unwrap();
    store.add_manifest(&manifest("acme/x", "one", Some("v1")), &ann).await.unwrap();
    let denied = store.add_manifest(&manifest("acme/x", "two", Some("v1")), &bob).await.unwrap_err();
    assert_eq!(denied.to_string(), "`bob` may not publish in the namespace `acme`");
    assert!(is_denied(store.add_blob(&repository("acme/y"), &digest("b"), 1, &bob).await));
    assert!(is_denied(store.may_publish(&repository("acme/x"), &bob).await));
    store.add_manifest(&manifest("acme/x", "two", Some("v1")), &admin()).await.unwrap();
    assert!(is_denied(store.add_manifest(&manifest("std/x", "one", None), &ann).await), "the library's");
    assert!(is_denied(store.claim(&name("std"), &ann).await));
    store.claim(&name("std"), &admin()).await.unwrap();
    let acme = store.namespace(&name("acme")).await.unwrap();
    assert_eq!(
        (acme.created_by.as_str(), acme.owners[0].role, acme.standing),
        ("ann", OwnerRole::Owner, Standing::Unverified)
    );
    assert!(is_denied(store.verify(&name("acme"), Standing::Verified, &ann).await));
    store.verify(&name("acme"), Standing::Verified, &admin()).await.unwrap();
    let page = PageRequest { limit: Some(1), after: None };
    let first = store.namespaces(&page).await.unwrap();
    assert_eq!((first.items[0].standing, first.next.as_deref()), (Standing::Verified, Some("acme")));
    let rest = store.namespaces(&PageRequest { after: first.next, ..page }).await.unwrap();
    assert_eq!((rest.items[0].name.as_str(), rest.next), ("std", None));
}

async fn a_namespace_always_has_an_owner(home: Home) {
    let store = home.store().await;
    let (acme, ann, bob) = (name("acme"), who("ann"), who("bob"));
    store.claim(&acme, &ann).await.unwrap();
    assert!(is_denied(store.claim(&acme, &bob).await));
    assert!(is_denied(store.add_owner(&acme, "bob", OwnerRole::Owner, &bob).await));
    store.add_owner(&acme, "bob", OwnerRole::Publisher, &ann).await.unwrap();
    store.may_publish(&repository("acme/x"), &bob).await.unwrap();
    assert!(is_denied(store.remove_owner(&acme, "ann", &bob).await), "a publisher says nothing about others");
    let last = store.remove_owner(&acme, "ann", &ann).await;
    assert!(matches!(last, Err(PackageError::LastOwner(_))));
    let less = store.add_owner(&acme, "ann", OwnerRole::Publisher, &ann).await;
    assert!(matches!(less, Err(PackageError::LastOwner(_))));
    store.add_owner(&acme, "bob", OwnerRole::Owner, &ann).await.unwrap();
    store.remove_owner(&acme, "ann", &bob).await.unwrap();
    assert!(is_denied(store.may_publish(&repository("acme/x"), &ann).await));
    assert!(matches!(store.remove_owner(&acme, "ann", &bob).await, Err(PackageError::NotFound(_))));
    let nowhere = store.add_owner(&name("nowhere"), "bob", OwnerRole::Owner, &admin()).await;
    assert!(matches!(nowhere, Err(PackageError::NotFound(_))));
}

async fn two_hosts_give_a_namespace_to_one(home: Home) {
    let [(one, _), (other, _)] = home.two_hosts().await;
    let (a, b) = (manifest("acme/a", "a", None), manifest("acme/b", "b", None));
    let (ann, bob) = (who("ann"), who("bob"));
    let (first, second) = tokio::join!(one.add_manifest(&a, &ann), other.add_manifest(&b, &bob));
    assert_ne!(first.is_ok(), second.is_ok());
    let owner = &one.namespace(&name("acme")).await.unwrap().owners[0].name;
    assert_eq!(owner == "ann", first.is_ok());
}

async fn a_version_is_published_once_and_never_changes(home: Home) {
    let store = home.store().await;
    let (ann, new) = (who("ann"), version("acme/x@1.0.0", "one", about("X", &["data"])));
    store.add_manifest(&new, &ann).await.unwrap();
    store.add_manifest(&new, &ann).await.unwrap();
    let kept = store.version(&id("acme/x@1.0.0")).await.unwrap();
    assert_eq!((kept.digest, kept.state, kept.reason.as_deref()), (digest("one"), State::Pending, Some("waits")));
    assert_eq!(kept.about, about("X", &["data"]));
    let other = store.add_manifest(&version("acme/x@1.0.0", "two", about("X", &[])), &ann).await;
    assert!(matches!(other, Err(PackageError::Immutable { there, .. }) if there == digest("one")));
    let plain = store.add_manifest(&manifest("acme/x", "two", Some("1.0.0")), &admin()).await;
    assert!(matches!(plain, Err(PackageError::Immutable { .. })), "nor by whoever may do everything");
    store.add_manifest(&manifest("acme/x", "two", Some("latest")), &ann).await.unwrap();
    let found = store.version_of(&"acme/x".parse().unwrap(), &digest("one")).await.unwrap().unwrap();
    assert_eq!(found.id, id("acme/x@1.0.0"));
    assert_eq!(store.pending().await.unwrap().len(), 1);
    let refused = Verdict { state: State::Refused, reason: Some("no".into()), docs: Some(digest("docs")) };
    store.judge(&id("acme/x@1.0.0"), &refused).await.unwrap();
    assert_eq!(store.pending().await.unwrap().len(), 0);
    store.add_manifest(&new, &ann).await.unwrap();
    let again = store.pending().await.unwrap();
    assert_eq!((again.len(), again[0].docs), (1, Some(digest("docs"))));
    store.judge(&id("acme/x@1.0.0"), &LISTED).await.unwrap();
    store.judge(&id("acme/x@1.0.0"), &refused).await.unwrap();
    assert_eq!(store.version(&id("acme/x@1.0.0")).await.unwrap().state, State::Listed, "what is offered stays so");
    let audit = store.audit_everywhere(Some("acme/x@1.0.0"), &PageRequest::default()).await.unwrap();
    let actions: Vec<_> = audit.items.iter().map(|it| (it.action.as_str(), it.who.as_str())).collect();
    assert_eq!(actions, [("package.listed", "weft"), ("package.refused", "weft"), ("package.published", "ann")]);
}

async fn two_hosts_publish_one_version_once(home: Home) {
    let hosts = home.two_hosts().await.map(|(store, _)| Arc::new(store));
    let tries = (0..6).map(|number| {
        let (store, text) = (hosts[number % 2].clone(), format!("bytes {number}"));
        async move { store.add_manifest(&version("acme/x@1.0.0", &text, about("X", &[])), &who("ann")).await }
    });
    let results = futures_util::future::join_all(tries).await;
    assert_eq!(results.iter().filter(|it| it.is_ok()).count(), 1);
    assert!(results.iter().all(|it| matches!(it, Ok(()) | Err(PackageError::Immutable { .. }))), "{results:?}");
}

async fn a_manifest_needs_its_parts_and_keeps_them(home: Home) {
    let store = home.store().await;
    let (ann, x) = (who("ann"), repository("acme/x"));
    let new = NewManifest { blobs: vec![digest("layer")], ..manifest("acme/x", "one", None) };
    let missing = store.add_manifest(&new, &ann).await;
    assert!(matches!(missing, Err(PackageError::Missing(it)) if it == digest("layer")));
    store.add_blob(&repository("acme/y"), &digest("layer"), 5, &ann).await.unwrap();
    assert!(store.add_manifest(&new, &ann).await.is_err(), "another repository has it");
    store.add_blob(&x, &digest("layer"), 5, &ann).await.unwrap();
    store.add_blob(&x, &digest("layer"), 5, &ann).await.unwrap();
    assert_eq!(store.blob(&x, &digest("layer")).await.unwrap(), Some(5));
    store.add_manifest(&new, &ann).await.unwrap();
    let index = NewManifest { manifests: vec![digest("one")], ..manifest("acme/x", "index", Some("all")) };
    store.add_manifest(&index, &ann).await.unwrap();
    assert!(matches!(store.remove_blob(&x, &digest("layer"), &ann).await, Err(PackageError::InUse(_))));
    let one = Reference::Digest(digest("one"));
    assert!(matches!(store.remove_manifest(&x, &one, &ann).await, Err(PackageError::InUse(_))));
    store.remove_manifest(&x, &Reference::Digest(digest("index")), &ann).await.unwrap();
    assert_eq!(store.manifest(&x, &Reference::Tag("all".into())).await.unwrap(), None);
    store.remove_manifest(&x, &one, &ann).await.unwrap();
    store.remove_blob(&x, &digest("layer"), &ann).await.unwrap();
    assert_eq!(store.blob(&x, &digest("layer")).await.unwrap(), None);
    assert!(matches!(store.remove_blob(&x, &digest("layer"), &ann).await, Err(PackageError::NotFound(_))));
}

async fn what_is_offered_is_not_deleted(home: Home) {
    let store = home.store().await;
    let (ann, x) = (who("ann"), repository("acme/x"));
    offer(&store, "acme/x@1.0.0", "X", &[]).await;
    let docs = manifest("acme/x", "docs", None);
    store.add_manifest(&docs, &ann).await.unwrap();
    for reference in [Reference::Tag("1.0.0".into()), Reference::Digest(digest("acme/x@1.0.0"))] {
        let result = store.remove_manifest(&x, &reference, &ann).await;
        assert!(matches!(result, Err(PackageError::Offered(_))), "{result:?}");
    }
    let new = version("acme/x@1.1.0", "next", about("X", &[]));
    store.add_manifest(&new, &ann).await.unwrap();
    let waiting = Verdict { state: State::Pending, reason: None, docs: Some(digest("docs")) };
    store.judge(&id("acme/x@1.1.0"), &waiting).await.unwrap();
    store.judge(&id("acme/x@1.1.0"), &LISTED).await.unwrap();
    let result = store.remove_manifest(&x, &Reference::Digest(digest("docs")), &ann).await;
    assert!(matches!(result, Err(PackageError::Offered(_))), "what explains it stays, too");
    store.add_manifest(&version("acme/y@1.0.0", "y", about("Y", &[])), &ann).await.unwrap();
    store.remove_manifest(&repository("acme/y"), &Reference::Tag("1.0.0".into()), &ann).await.unwrap();
    assert!(matches!(store.package(&"acme/y".parse().unwrap()).await, Err(PackageError::NotFound(_))));
    store.add_manifest(&version("acme/y@1.0.0", "other", about("Y", &[])), &ann).await.unwrap();
}

async fn tags_and_referrers_are_listed(home: Home) {
    let store = home.store().await;
    let (ann, x) = (who("ann"), repository("acme/x"));
    assert_eq!(store.tags(&x, None, 10).await.unwrap(), None);
    for tag in ["b", "B", "a", "1.10.0", "1.9.0"] {
        store.add_manifest(&manifest("acme/x", "one", Some(tag)), &ann).await.unwrap();
    }
    assert_eq!(store.tags(&x, None, 3).await.unwrap().unwrap(), ["1.10.0", "1.9.0", "B"]);
    assert_eq!(store.tags(&x, Some("B"), 3).await.unwrap().unwrap(), ["a", "b"]);
    assert_eq!(store.tags(&x, Some("z"), 3).await.unwrap(), Some(Vec::new()));
    let refers = NewManifest { subject: Some(digest("later")), ..manifest("acme/x", "said", None) };
    store.add_manifest(&refers, &ann).await.unwrap();
    let found = store.referrers(&x, &digest("later")).await.unwrap();
    assert_eq!((found.len(), found[0].digest, found[0].size), (1, digest("said"), 4));
    assert_eq!(serde_json::to_string(&found[0].annotations).unwrap(), "{\"b\":\"\u{FFFD}\",\"a\":\"1\"}");
    assert_eq!(store.referrers(&repository("acme/y"), &digest("later")).await.unwrap(), []);
    let by_tag = store.manifest(&x, &Reference::Tag("a".into())).await.unwrap().unwrap();
    assert_eq!(by_tag.digest, digest("one"));
    assert_eq!(store.manifest(&x, &Reference::Digest(digest("none"))).await.unwrap(), None);
}

async fn find(store: &Store, text: &str) -> Vec<String> {
    let search = Search { words: Search::words_of(text), ..Search::default() };
    let found = store.search(&search, &PageRequest::default()).await.unwrap();
    found.items.iter().map(|it| it.name.to_string()).collect()
}

async fn a_search_ranks_names_before_categories_before_prose(home: Home) {
    let store = home.store().await;
    offer(&store, "acme/drift@1.0.0", "Compares distributions", &["monitoring"]).await;
    offer(&store, "acme/drift-report@1.0.0", "Draws a report", &["monitoring"]).await;
    offer(&store, "acme/watch@1.0.0", "Watches a stream", &["drift"]).await;
    offer(&store, "acme/notify@1.0.0", "Tells people about Drift of 100% of rows", &["chat"]).await;
    let waiting = version("acme/drift-too@1.0.0", "w", about("Drift", &[]));
    store.add_manifest(&waiting, &who("ann")).await.unwrap();
    assert_eq!(find(&store, "DRIFT").await, ["acme/drift", "acme/drift-report", "acme/watch", "acme/notify"]);
    assert_eq!(find(&store, "drift report").await, ["acme/drift-report"], "each word must be found");
    assert_eq!(find(&store, "acme/notify").await, ["acme/notify"]);
    assert_eq!(find(&store, "100%").await, ["acme/notify"]);
    for nothing in ["%", "_", "\\", "drift nothing", "'; DROP TABLE package; --"] {
        assert!(find(&store, nothing).await.len() <= 1, "{nothing}");
    }
    assert_eq!(find(&store, "").await.len(), 4);
    store.deprecate(&"acme/drift".parse().unwrap(), Some("use another"), &who("ann")).await.unwrap();
    assert_eq!(find(&store, "drift").await[3], "acme/drift", "what is deprecated comes last");
    let category = Search { category: Some(name("monitoring")), ..Search::default() };
    assert_eq!(store.search(&category, &PageRequest::default()).await.unwrap().items.len(), 2);
    let elsewhere = Search { namespace: Some(name("std")), ..Search::default() };
    assert_eq!(store.search(&elsewhere, &PageRequest::default()).await.unwrap().items.len(), 0);
    let categories = store.categories().await.unwrap();
    let told: Vec<_> = categories.iter().map(|it| (it.name.as_str(), it.packages)).collect();
    assert_eq!(told, [("chat", 1), ("drift", 1), ("monitoring", 2)]);
}

async fn pages_of_a_search_follow_one_another(home: Home) {
    let store = home.store().await;
    for number in 0..7 {
        offer(&store, &format!("acme/f{number}@1.0.0"), "Does something", &["data"]).await;
    }
    let pulls = |name: &str| Pulls { repository: repository(name), component: digest("component"), count: 2 };
    store.count(&[pulls("acme/f3"), pulls("acme/f5")]).await.unwrap();
    let search = Search { words: vec!["something".into()], ..Search::default() };
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.search(&search, &PageRequest { limit: Some(2), after }).await.unwrap();
        seen.extend(page.items.iter().map(|it| it.name.name.to_string()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["f3", "f5", "f0", "f1", "f2", "f4", "f6"]);
    for wrong in ["", "x", "1_2", "1_2_x", "a_b_c/d"] {
        let page = PageRequest { limit: None, after: Some(wrong.into()) };
        assert!(matches!(store.search(&search, &page).await, Err(PackageError::Cursor(_))), "{wrong}");
    }
}

async fn the_newest_version_that_is_not_yanked_speaks_for_its_package(home: Home) {
    let store = home.store().await;
    let package: PackageName = "acme/x".parse().unwrap();
    for (version, description) in [("1.9.0", "Nine"), ("1.10.0", "Ten"), ("2.0.0-rc.1", "Soon")] {
        offer(&store, &format!("acme/x@{version}"), description, &[]).await;
    }
    let shown = store.package(&package).await.unwrap();
    assert_eq!((shown.latest.unwrap().to_string(), shown.description), ("1.10.0".into(), "Ten".into()));
    let order: Vec<_> = store.versions(&package).await.unwrap().iter().map(|it| it.id.version.to_string()).collect();
    assert_eq!(order, ["2.0.0-rc.1", "1.10.0", "1.9.0"]);
    let ten = id("acme/x@1.10.0");
    assert!(is_denied(store.yank(&ten, Some("broken"), &who("bob")).await));
    store.yank(&ten, Some("broken"), &who("ann")).await.unwrap();
    let yanked = store.version(&ten).await.unwrap().yanked.unwrap();
    assert_eq!((yanked.reason.as_str(), yanked.by.as_str()), ("broken", "ann"));
    assert_eq!(store.package(&package).await.unwrap().description, "Nine");
    for version in ["1.9.0", "2.0.0-rc.1"] {
        store.yank(&id(&format!("acme/x@{version}")), Some("broken"), &who("ann")).await.unwrap();
    }
    assert_eq!(store.package(&package).await.unwrap().latest, None);
    assert_eq!(find(&store, "x").await, Vec::<String>::new());
    store.yank(&ten, None, &who("ann")).await.unwrap();
    assert_eq!(find(&store, "x").await, ["acme/x"]);
    assert!(matches!(store.yank(&id("acme/x@9.0.0"), None, &who("ann")).await, Err(PackageError::NotFound(_))));
}

async fn pulls_are_added_to_the_version_and_the_package(home: Home) {
    let store = home.store().await;
    offer(&store, "acme/x@1.0.0", "X", &[]).await;
    home.tick();
    offer(&store, "acme/x@1.1.0", "X", &[]).await;
    let pulls = |at: &str, of: &str, count| Pulls { repository: repository(at), component: digest(of), count };
    store
        .count(&[
            pulls("acme/x", "component", 2),
            pulls("acme/x", "config", 7),
            pulls("acme/none", "component", 1),
            pulls("a/b/c", "component", 1),
        ])
        .await
        .unwrap();
    let versions = store.versions(&"acme/x".parse().unwrap()).await.unwrap();
    assert_eq!(versions.iter().map(|it| it.downloads).collect::<Vec<_>>(), [2, 0]);
    assert_eq!(store.package(&"acme/x".parse().unwrap()).await.unwrap().downloads, 2);
}
