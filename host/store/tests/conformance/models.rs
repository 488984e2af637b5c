//! The registry: versions, aliases with their history, endpoints.

use host_core::{
    Digest, RunId,
    manifest::{Manifest, Trigger},
    model::{Origin, Signature},
    ports::{Endpoint, ModelError, ModelStream, ModelStreams as _, Models as _, NewVersion, StreamError},
};
use serde_json::json;

use crate::home::{Home, map, name, project};

crate::facts! {
    registering_again_for_the_same_step_gives_the_same_version,
    two_hosts_never_give_out_the_same_number,
    a_reference_finds_its_version,
    an_alias_moves_back_to_where_it_pointed,
    a_retired_version_is_out_of_service,
    endpoints_serve_models_that_are_there,
    a_version_that_a_stream_brought_is_registered_once,
    streams_are_added_once_and_taken_away,
}

fn version(bytes: &str, run: Option<RunId>) -> NewVersion {
    NewVersion {
        project: project(),
        model: name("wine"),
        digest: Digest::of(bytes.as_bytes()),
        format: "onnx".into(),
        signature: Signature::default(),
        metrics: map(json!({"z": 0.5, "a": "NaN"})),
        description: Some("with\0nul".into()),
        run,
        step: run.map(|_| "register".into()),
        origin: None,
        created_by: "ann".into(),
    }
}

async fn registering_again_for_the_same_step_gives_the_same_version(home: Home) {
    let store = home.store().await;
    let run = Some(RunId::next());
    let first = store.register(version("a", run)).await.unwrap();
    let generation = store.generation().await.unwrap();
    let again = store.register(version("a", run)).await.unwrap();
    assert_eq!((again.id.clone(), store.generation().await.unwrap()), (first.id, generation));
    assert_eq!(again.description.as_deref(), Some("with\u{FFFD}nul"));
    assert_eq!(store.register(version("b", run)).await.unwrap().id.number, 2);
    assert_eq!(store.register(version("a", Some(RunId::next()))).await.unwrap().id.number, 3);
    assert_eq!(store.register(version("a", None)).await.unwrap().id.number, 4);
    assert_eq!(store.register(version("a", None)).await.unwrap().id.number, 5, "by hand it is a version each time");
    let numbers: Vec<_> =
        store.versions(&project(), &name("wine")).await.unwrap().iter().map(|it| it.id.number).collect();
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
    assert_eq!(store.models(&project()).await.unwrap(), [name("wine")]);
    assert!(matches!(store.versions(&project(), &name("iris")).await, Err(ModelError::NotFound(_))));
}

async fn two_hosts_never_give_out_the_same_number(home: Home) {
    let hosts = home.two_hosts().await;
    let race = (0..10).map(|number| hosts[number % 2].0.register(version("a", None)));
    let mut numbers: Vec<_> =
        futures_util::future::try_join_all(race).await.unwrap().iter().map(|it| it.id.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
}

async fn a_reference_finds_its_version(home: Home) {
    let store = home.store().await;
    for bytes in ["a", "b", "c"] {
        store.register(version(bytes, None)).await.unwrap();
    }
    let number = async |reference: &str| {
        store.resolve(&project(), &reference.parse().unwrap()).await.map(|it| it.id.number).ok()
    };
    assert_eq!(number("wine").await, Some(3), "the newest, while nothing is in production");
    assert_eq!(number("wine@2").await, Some(2));
    assert_eq!(number("wine@candidate").await, None);
    assert_eq!(number("iris").await, None);
    store.promote(&project(), &name("wine"), &name("production"), 1, "ann").await.unwrap();
    assert_eq!((number("wine").await, number("wine@production").await), (Some(1), Some(1)));
}

async fn an_alias_moves_back_to_where_it_pointed(home: Home) {
    let store = home.store().await;
    let (project, wine, production) = (project(), name("wine"), name("production"));
    for bytes in ["a", "b", "c"] {
        store.register(version(bytes, None)).await.unwrap();
    }
    let promote = |number| store.promote(&project, &wine, &production, number, "ann");
    assert!(matches!(store.rollback(&project, &wine, &production, "ben").await, Err(ModelError::NotFound(_))));
    assert_eq!(promote(1).await.unwrap(), None);
    assert!(matches!(store.rollback(&project, &wine, &production, "ben").await, Err(ModelError::NoEarlier { .. })));
    home.tick();
    assert_eq!(promote(3).await.unwrap(), Some(1));
    assert_eq!(promote(3).await.unwrap(), Some(3), "it is there already, and the way back is not lost");
    home.tick();
    assert_eq!(store.rollback(&project, &wine, &production, "ben").await.unwrap(), 1);
    assert!(matches!(promote(9).await, Err(ModelError::NotFound(_))));
    let history = store.history(&project, &wine).await.unwrap();
    let history: Vec<_> = history.iter().map(|it| (it.number, it.moved_by.as_str())).collect();
    assert_eq!(history, [(1, "ben"), (3, "ann"), (1, "ann")]);
    let aliases = store.aliases(&project, &wine).await.unwrap();
    assert_eq!((aliases.len(), aliases[0].number, aliases[0].moved_by.as_str()), (1, 1, "ben"));
    let events = store.events(&project, &host_core::page::PageRequest::default()).await.unwrap();
    assert_eq!(events.items.iter().filter(|it| it.r#type == "model.promoted").count(), 3);
}

async fn a_retired_version_is_out_of_service(home: Home) {
    let store = home.store().await;
    let (project, wine) = (project(), name("wine"));
    for bytes in ["a", "b"] {
        store.register(version(bytes, None)).await.unwrap();
    }
    store.promote(&project, &wine, &name("production"), 1, "ann").await.unwrap();
    assert!(store.retire(&project, &wine, 1, "ann").await.is_err(), "production points to it");
    store.promote(&project, &wine, &name("production"), 2, "ann").await.unwrap();
    store.retire(&project, &wine, 1, "ann").await.unwrap();
    let resolved = store.resolve(&project, &"wine@1".parse().unwrap()).await;
    assert!(matches!(resolved, Err(ModelError::Retired { number: 1, .. })));
    assert!(matches!(
        store.rollback(&project, &wine, &name("production"), "ann").await,
        Err(ModelError::Retired { .. })
    ));
    assert!(store.versions(&project, &wine).await.unwrap()[1].retired_at.is_some());
}

async fn endpoints_serve_models_that_are_there(home: Home) {
    let store = home.store().await;
    let endpoint = |endpoint: &str, model: &str| Endpoint {
        name: name(endpoint),
        model: model.parse().unwrap(),
        updated_by: "ann".into(),
        updated_at: home.tick(),
    };
    assert!(matches!(store.serve(&project(), endpoint("wine", "wine")).await, Err(ModelError::NotFound(_))));
    store.register(version("a", None)).await.unwrap();
    let generation = store.generation().await.unwrap();
    store.serve(&project(), endpoint("wine", "wine@1")).await.unwrap();
    store.serve(&project(), endpoint("any", "wine")).await.unwrap();
    store.serve(&project(), endpoint("wine", "wine")).await.unwrap();
    assert_eq!(store.generation().await.unwrap(), generation + 3);
    let endpoints = store.endpoints(&project()).await.unwrap();
    let endpoints: Vec<_> = endpoints.iter().map(|it| format!("{} {}", it.name, it.model)).collect();
    assert_eq!(endpoints, ["any wine", "wine wine"]);
}

async fn a_version_that_a_stream_brought_is_registered_once(home: Home) {
    let store = home.store().await;
    let brought = |id: &str, bytes: &str| NewVersion {
        origin: Some(Origin {
            stream: name("wine-models"),
            place: None,
            source: "kafka:models".into(),
            id: id.into(),
            name: "Wine Quality".into(),
            label: Some("1.2".into()),
            data_type: Some("wine".into()),
            location: None,
        }),
        ..version(bytes, None)
    };
    let first = store.register(brought("models/0/7", "a")).await.unwrap();
    assert_eq!(store.register(brought("models/0/7", "a")).await.unwrap().id, first.id);
    assert_eq!(store.register(brought("models/0/8", "a")).await.unwrap().id.number, 2, "another message");
    assert_eq!(store.register(brought("models/0/7", "b")).await.unwrap().id.number, 3, "other bytes");
    let found = store.resolve(&project(), &"wine@1".parse().unwrap()).await.unwrap();
    assert_eq!(found.origin, brought("models/0/7", "a").origin);
}

async fn streams_are_added_once_and_taken_away(home: Home) {
    let store = home.store().await;
    let source = |text: &str| -> Trigger {
        let text = format!("name = \"x\"\n[[triggers]]\nkind = \"kafka\"\nbrokers = [\"a:9092\"]\n{text}");
        Manifest::parse(&text).unwrap().triggers.remove(0)
    };
    let stream = |topic: &str| ModelStream {
        project: project(),
        name: name("wine-models"),
        source: source(&format!("topics = [\"{topic}\"]\n")),
        alias: name("production"),
        created_by: "ann".into(),
        created_at: home.tick(),
    };
    let added = store.add(stream("models")).await.unwrap();
    assert_eq!(store.add(stream("models")).await.unwrap(), added);
    assert!(matches!(store.add(stream("others")).await, Err(StreamError::Exists(_))));
    let nothing = ModelStream { source: Trigger::Http(http("/x")), ..stream("models") };
    assert!(matches!(store.add(nothing).await, Err(StreamError::Invalid(_))));
    assert_eq!(
        (store.all().await.unwrap(), store.streams(&name("other")).await.unwrap()),
        (vec![added.clone()], vec![])
    );
    store.refused(&added.trigger(), "models/0/1", "model cannot be read").await.unwrap();
    store.remove(&project(), &name("wine-models"), "ben").await.unwrap();
    assert!(matches!(store.remove(&project(), &name("wine-models"), "ben").await, Err(StreamError::NotFound(_))));
    assert_eq!(store.all().await.unwrap(), []);
    let audit = store.audit(&project(), None, &host_core::page::PageRequest::default()).await.unwrap();
    let actions: Vec<_> = audit.items.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(actions.len(), 3, "{actions:?}");
    for action in ["model-stream.added", "model.refused", "model-stream.removed"] {
        assert!(actions.contains(&action), "{actions:?}");
    }
}

fn http(path: &str) -> host_core::manifest::HttpTrigger {
    let text = format!("name = \"x\"\n[[triggers]]\nkind = \"http\"\npath = \"{path}\"\n");
    match Manifest::parse(&text).unwrap().triggers.remove(0) {
        Trigger::Http(http) => http,
        other => panic!("{} is another trigger", other.kind()),
    }
}
