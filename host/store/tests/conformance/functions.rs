//! What is deployed: revisions, activation, routes, rollback, the directory.

use host_core::{
    Name,
    function::FunctionRef,
    page::PageRequest,
    ports::{DeployError, Deployments as _, Directory as _},
};

use crate::home::{Home, name, project, revision};

crate::facts! {
    the_same_component_and_manifest_are_the_same_revision,
    the_directory_follows_every_host,
    rollback_knows_what_answered_before,
    a_route_belongs_to_one_function_of_any_project,
    a_deleted_function_leaves_its_revisions_and_frees_its_routes,
    functions_and_revisions_are_listed_page_by_page,
    every_change_is_on_record,
    a_manifest_keeps_the_order_of_its_params,
}

const HELLO: &str = "name = \"hello\"\n";

async fn the_same_component_and_manifest_are_the_same_revision(home: Home) {
    let [(first, _), (second, _)] = home.two_hosts().await;
    let one = first.add(revision(HELLO, "v1")).await.unwrap();
    let same = second.add(revision(HELLO, "v1")).await.unwrap();
    assert_eq!(one, same);
    let two = second.add(revision(HELLO, "v2")).await.unwrap();
    let three = first.add(revision("name = \"hello\"\n[limits]\ntimeout = \"1s\"\n", "v2")).await.unwrap();
    assert_eq!([one.number, two.number, three.number], [1, 2, 3]);
    assert_eq!(first.revision_by_id(two.id).await.unwrap(), two);
    let third: FunctionRef = "hello@3".parse().unwrap();
    assert_eq!(first.revision(&project(), &third).await.unwrap(), three);
    assert!(
        matches!(first.revision(&project(), &name("hello").into()).await, Err(DeployError::NotFound(_))),
        "none is active yet"
    );
    let many = (0..8).map(|_| first.add(revision(HELLO, "v3")));
    let numbers = futures_util::future::try_join_all(many).await.unwrap();
    assert!(numbers.iter().all(|it| it.number == 4));
}

async fn the_directory_follows_every_host(home: Home) {
    let [(first, _), (second, _)] = home.two_hosts().await;
    let (here, there) = (first.directory(), second.directory());
    let seen = there.functions().generation;
    let one = first.add(revision(HELLO, "v1")).await.unwrap();
    first.activate(&one, "ann", "deploy").await.unwrap();
    assert_eq!(here.functions().get(&project(), &name("hello")), Some(&one), "at once where the change was made");
    there.changed(seen).await;
    assert_eq!(there.functions().get(&project(), &name("hello")), Some(&one));
    let generation = here.functions().generation;
    first.activate(&one, "ann", "again").await.unwrap();
    assert_eq!(here.refresh().await.unwrap().generation, generation, "nothing has changed");
}

async fn rollback_knows_what_answered_before(home: Home) {
    let store = home.store().await;
    let hello = name("hello");
    let mut revisions = Vec::new();
    for component in ["v1", "v2"] {
        let revision = store.add(revision(HELLO, component)).await.unwrap();
        store.activate(&revision, "ann", "deploy").await.unwrap();
        revisions.push(revision);
        home.tick();
        if revisions.len() == 1 {
            assert!(matches!(store.previous(&project(), &hello).await, Err(DeployError::NoEarlier(_))));
        }
    }
    assert_eq!(store.previous(&project(), &hello).await.unwrap(), revisions[0]);
    store.activate(&revisions[0], "ben", "rollback").await.unwrap();
    assert_eq!(store.previous(&project(), &hello).await.unwrap(), revisions[1]);
    let history = store.activations(&project(), &hello).await.unwrap();
    let history: Vec<_> = history.iter().map(|it| (it.number, it.who.as_str(), it.reason.as_str())).collect();
    assert_eq!(history, [(1, "ben", "rollback"), (2, "ann", "deploy"), (1, "ann", "deploy")]);
    assert!(matches!(store.previous(&project(), &name("nobody")).await, Err(DeployError::NotFound(_))));
}

fn routed(function: &str, trigger: &str) -> String {
    format!("name = \"{function}\"\n[[triggers]]\nkind = \"http\"\n{trigger}")
}

async fn a_route_belongs_to_one_function_of_any_project(home: Home) {
    let store = home.store().await;
    let first =
        store.add(revision(&routed("first", "path = \"/users/{id}\"\nmethods = [\"GET\"]\n"), "v1")).await.unwrap();
    store.activate(&first, "ann", "deploy").await.unwrap();
    let mut other = revision(&routed("second", "path = \"/users/{name}\"\n"), "v1");
    other.project = name("elsewhere");
    let second = store.add(other).await.unwrap();
    let taken = store.activate(&second, "ann", "deploy").await.unwrap_err();
    assert!(matches!(&taken, DeployError::RouteTaken { owner, .. } if *owner == name("first")), "{taken}");
    assert_eq!(store.directory().functions().get(&name("elsewhere"), &name("second")), None, "nothing of it was done");
    let post =
        store.add(revision(&routed("post", "path = \"/users/{id}\"\nmethods = [\"POST\"]\n"), "v1")).await.unwrap();
    store.activate(&post, "ann", "deploy").await.unwrap();
    let host =
        store.add(revision(&routed("host", "path = \"/users/{id}\"\nhost = \"example.com\"\n"), "v1")).await.unwrap();
    store.activate(&host, "ann", "deploy").await.unwrap();
    let moved = store.add(revision(&routed("first", "path = \"/people/{id}\"\n"), "v2")).await.unwrap();
    store.activate(&moved, "ann", "deploy").await.unwrap();
    store.delete(&project(), &name("post"), "ann").await.unwrap();
    store.activate(&second, "ann", "deploy").await.unwrap();
}

async fn a_deleted_function_leaves_its_revisions_and_frees_its_routes(home: Home) {
    let store = home.store().await;
    let manifest = routed("gone", "path = \"/x\"\n");
    let gone = store.add(revision(&manifest, "v1")).await.unwrap();
    store.activate(&gone, "ann", "deploy").await.unwrap();
    store.delete(&project(), &name("gone"), "ann").await.unwrap();
    assert!(store.directory().functions().active.is_empty());
    assert_eq!(store.revision_by_id(gone.id).await.unwrap(), gone);
    assert!(matches!(store.delete(&project(), &name("gone"), "ann").await, Err(DeployError::NotFound(_))));
    let heir = store.add(revision(&routed("heir", "path = \"/x\"\n"), "v1")).await.unwrap();
    store.activate(&heir, "ann", "deploy").await.unwrap();
    assert!(matches!(store.activate(&gone, "ann", "deploy").await, Err(DeployError::RouteTaken { .. })));
}

async fn functions_and_revisions_are_listed_page_by_page(home: Home) {
    let store = home.store().await;
    for function in ["b", "a-b", "c", "a"] {
        for component in ["v1", "v2", "v3"] {
            let revision = store.add(revision(&format!("name = \"{function}\""), component)).await.unwrap();
            store.activate(&revision, "ann", "deploy").await.unwrap();
        }
    }
    let mut page = PageRequest { limit: Some(3), after: None };
    let mut names: Vec<Name> = Vec::new();
    loop {
        let found = store.functions(&project(), &page).await.unwrap();
        names.extend(found.items.iter().map(|it| it.function.clone()));
        page.after = found.next;
        if page.after.is_none() {
            break;
        }
    }
    assert_eq!(names, ["a", "a-b", "b", "c"].map(name));
    let first = store.revisions(&project(), &name("a"), &PageRequest { limit: Some(2), after: None }).await.unwrap();
    let rest = store
        .revisions(&project(), &name("a"), &PageRequest { limit: Some(2), after: first.next.clone() })
        .await
        .unwrap();
    let numbers: Vec<_> = first.items.iter().chain(&rest.items).map(|it| it.number).collect();
    assert_eq!((numbers, rest.next), (vec![3, 2, 1], None));
    let odd = PageRequest { limit: None, after: Some("x".into()) };
    assert!(store.revisions(&project(), &name("a"), &odd).await.is_err());
}

async fn every_change_is_on_record(home: Home) {
    let store = home.store().await;
    let one = store.add(revision(HELLO, "v1")).await.unwrap();
    store.activate(&one, "ann", "deploy").await.unwrap();
    home.tick();
    store.delete(&project(), &name("hello"), "ben").await.unwrap();
    let audit = store.audit(&project(), Some("hello"), &PageRequest::default()).await.unwrap();
    let audit: Vec<_> = audit.items.iter().map(|it| format!("{} {} {}", it.who, it.action, it.subject)).collect();
    assert_eq!(audit, ["ben function.deleted hello", "ann function.activated hello", "ann revision.added hello"]);
    let events = store.events(&project(), &PageRequest::default()).await.unwrap();
    let events: Vec<_> = events.items.iter().map(|it| it.r#type.as_str()).collect();
    assert_eq!(events, ["function.deleted", "function.activated"]);
    assert_eq!(store.projects().await.unwrap(), [project()]);
}

async fn a_manifest_keeps_the_order_of_its_params(home: Home) {
    let store = home.store().await;
    let mut new = revision("name = \"job\"", "v1");
    new.manifest = serde_json::from_str(r#"{"name": "job", "params": {"zeta": 1, "alpha": 2.0, "mid": "x"}}"#).unwrap();
    let added = store.add(new).await.unwrap();
    let read = store.revision_by_id(added.id).await.unwrap();
    assert_eq!(read.manifest.params.keys().collect::<Vec<_>>(), ["zeta", "alpha", "mid"]);
    assert_eq!(read, added);
}
