//! Messages in, versions in force and refusals out.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use host_core::{
    Digest,
    call::TriggerRef,
    event::Output,
    function::FunctionRef,
    ports::{Artifacts as _, Models as _},
};
use prost::Message as _;
use serde_json::{Value, json};

use super::*;
use crate::{
    fakes::{Around, event},
    models::tests::registry::Fake,
};

mod registry;

/// A message as a stream brings it.
fn message(id: &str, data: impl Into<Bytes>, content_type: Option<&str>) -> Event {
    Event { data: data.into(), content_type: content_type.map(str::to_owned), ..event(id, "") }
}

fn in_json(id: &str, descriptor: &Value) -> Event {
    message(id, descriptor.to_string(), Some("application/json"))
}

fn good(id: &str, bytes: &str) -> Event {
    in_json(
        id,
        &json!({ "name": "Wine Quality", "version": "1.2", "data_type": "wine", "data": STANDARD.encode(bytes) }),
    )
}

/// What came of each message: nothing, or the code of its failure.
async fn take(fake: &Arc<Fake>, events: Vec<Event>) -> Vec<Result<Vec<Output>, Failure>> {
    take_replayed(fake, events, None).await
}

/// The same of messages that were given up then.
async fn take_replayed(
    fake: &Arc<Fake>,
    events: Vec<Event>,
    given_up_at: Option<Timestamp>,
) -> Vec<Result<Vec<Output>, Failure>> {
    let around = Around::answering(crate::fakes::echo);
    let descriptors = Descriptors::new(fake.registry(), around.dispatch.clone());
    let mut context = CallContext::new(TriggerRef::new("kafka", "wine-models"));
    context.given_up_at = given_up_at;
    let place = |offset| Place { topic: "models".into(), partition: 0, offset };
    context.origins = Some((0..events.len() as u64).map(place).collect());
    let function = FunctionRef { name: host_core::ports::models(), revision: None };
    let called = descriptors.call(Target::Function(Name::default_project(), function), context, Call::Events(events));
    match called.await.reply {
        Ok(Reply::Events(outcomes)) => outcomes,
        Ok(_) => panic!("another reply"),
        Err(failure) => vec![Err(failure)],
    }
}

async fn codes(fake: &Arc<Fake>, events: Vec<Event>) -> Vec<String> {
    let outcomes = take(fake, events).await;
    outcomes.into_iter().map(|it| it.map_or_else(|failure| failure.code, |_| "done".to_owned())).collect()
}

#[tokio::test]
async fn a_model_is_registered_and_put_in_force_with_where_it_came_from() {
    let fake = Fake::new();
    assert_eq!(codes(&fake, vec![good("m-1", "good one")]).await, ["done"]);
    let version = fake.resolve(&Name::default_project(), &"wine@production".parse().unwrap()).await.unwrap();
    assert_eq!((version.id.number, version.id.digest), (1, Digest::of(b"good one")));
    let origin = version.origin.unwrap();
    assert_eq!((origin.stream.as_str(), origin.name.as_str()), ("wine-models", "Wine Quality"));
    assert_eq!((origin.label.as_deref(), origin.place.map(|it| it.offset)), (Some("1.2"), Some(0)));
    assert_eq!(version.created_by, "stream wine-models");
}

#[tokio::test]
async fn a_message_that_is_read_again_takes_nothing_back() {
    let fake = Fake::new();
    let (first, second) = (good("m-1", "good one"), good("m-2", "good two"));
    codes(&fake, vec![first.clone(), second.clone()]).await;
    codes(&fake, vec![first, second]).await;
    assert_eq!(fake.moves(), [("wine@production".to_owned(), 1), ("wine@production".to_owned(), 2)]);
}

#[tokio::test]
async fn a_replayed_message_puts_no_older_model_in_force() {
    let fake = Fake::new();
    codes(&fake, vec![good("m-2", "good two")]).await;
    // The fake moves aliases at the beginning of time.
    let before = Timestamp::from_second(-1).unwrap();
    assert!(take_replayed(&fake, vec![good("m-1", "good one")], Some(before)).await[0].is_ok());
    assert_eq!(fake.moves(), [("wine@production".to_owned(), 1)], "it is registered, no more");
    let after = Timestamp::from_second(1).unwrap();
    assert!(take_replayed(&fake, vec![good("m-3", "good three")], Some(after)).await[0].is_ok());
    assert_eq!(fake.moves().len(), 2, "nothing moved since it was given up");
}

#[tokio::test]
async fn what_cannot_be_loaded_is_refused_on_record_and_the_old_one_serves_on() {
    let fake = Fake::new();
    let pmml = json!({ "name": "wine", "format": "pmml", "data": STANDARD.encode("<PMML/>") });
    let events = vec![good("m-1", "good one"), good("m-2", "corrupt"), in_json("m-3", &pmml)];
    assert_eq!(codes(&fake, events).await, ["done", "bad-model", "unknown-format"]);
    assert_eq!(fake.moves(), [("wine@production".to_owned(), 1)]);
    let refused = fake.refused();
    assert_eq!(refused[0].0, "m-2");
    assert!(refused[1].1.contains("`pmml` is not supported"), "{refused:?}");
}

#[tokio::test]
async fn messages_that_are_no_descriptors_are_refused_with_the_reason() {
    let fake = Fake::new();
    let large = "x".repeat(LARGEST_INLINE + 1);
    let wrong = [
        (in_json("m", &json!({ "name": "wine" })), "neither `data` nor `location`"),
        (in_json("m", &json!({ "name": "wine", "data": "AA==", "location": "https://a/b" })), "leave one out"),
        (in_json("m", &json!({ "name": "wine", "data": "!" })), "is not base64"),
        (in_json("m", &json!({ "name": "wine", "location": "here" })), "is no location"),
        (in_json("m", &json!({ "name": "!?", "data": "AA==" })), "cannot name a model"),
        (in_json("m", &json!({ "name": "wine", "data": STANDARD.encode(&large) })), "upload it and say `location`"),
        (in_json("m", &json!({ "nam": "wine", "data": "AA==" })), "unknown field `nam`"),
        (message("m", "{", None), "no model descriptor"),
        (message("m", vec![0xff_u8, 0xff], None), "no model descriptor"),
        (message("m", "", None), "is empty"),
    ];
    for (event, why) in wrong {
        let failure = take(&fake, vec![event]).await.remove(0).unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Invalid, "bad-descriptor"), "{failure}");
        assert!(failure.message.contains(why), "{failure}");
    }
    assert_eq!(fake.moves(), []);
}

#[tokio::test]
async fn the_tutorials_descriptors_are_understood() {
    let fake = Fake::new();
    let descriptor = |modeltype, content| protobuf::ModelDescriptor {
        name: "winequality".to_owned(),
        description: "a forest".to_owned(),
        data_type: "wine".to_owned(),
        modeltype,
        content: Some(content),
    };
    let data = |text: &'static str| protobuf::MessageContent::Data(Bytes::from_static(text.as_bytes()));
    let events = [
        message("m-1", descriptor(3, data("good one")).encode_to_vec(), None),
        message("m-2", descriptor(2, data("<PMML/>")).encode_to_vec(), Some("application/x-protobuf")),
        message(
            "m-3",
            descriptor(3, protobuf::MessageContent::Location("https://models/good".to_owned())).encode_to_vec(),
            None,
        ),
        message("m-4", descriptor(9, data("good")).encode_to_vec(), None),
    ];
    assert_eq!(codes(&fake, events.into()).await, ["done", "unknown-format", "done", "unknown-format"]);
    let version = fake.resolve(&Name::default_project(), &"wine@production".parse().unwrap()).await.unwrap();
    assert_eq!(version.id.digest, Digest::of(b"good from afar"));
    assert_eq!(version.origin.unwrap().location.as_deref(), Some("https://models/good"));
}

#[tokio::test]
async fn bytes_may_stand_elsewhere() {
    let fake = Fake::new();
    let digest = fake.put(Bytes::from_static(b"good and stored")).await.unwrap().digest;
    let at = |location: &str| in_json(location, &json!({ "name": "wine", "location": location }));
    let missing = Digest::of(b"nothing").to_string();
    let events = vec![
        at(&digest.to_string()),
        at(&missing),
        at("https://models/missing"),
        at("ftp://models/good"),
        at("https://models/away"),
        at("https://models/good"),
    ];
    let expected = ["done", "missing-artifact", "bad-location", "bad-location", "unreachable", code::CANCELLED];
    assert_eq!(codes(&fake, events).await, expected, "what comes after one that may work later waits for it");
}

#[tokio::test]
async fn a_model_with_other_tensors_than_its_message_says_is_refused() {
    let fake = Fake::new();
    let said = |shape: [i64; 2]| {
        let spec = json!({ "inputs": [{ "name": "input", "datatype": "FP32", "shape": shape }], "outputs": [] });
        in_json("m", &json!({ "name": "wine", "data": STANDARD.encode("good"), "signature": spec }))
    };
    assert_eq!(codes(&fake, vec![said([-1, 4])]).await, ["other-signature"]);
    assert_eq!(codes(&fake, vec![said([1, 11])]).await, ["done"]);
}

#[tokio::test]
async fn calls_of_functions_pass() {
    let fake = Fake::new();
    let around = Around::answering(crate::fakes::echo);
    let descriptors = Descriptors::new(fake.registry(), around.dispatch.clone());
    for (function, trigger) in [("enrich", "wine-models"), (MODELS, "another")] {
        let target = FunctionRef { name: function.parse().unwrap(), revision: None };
        let context = CallContext::new(TriggerRef::new("kafka", trigger));
        let call = Call::Events(vec![event("1", "x")]);
        descriptors.call(Target::Function(Name::default_project(), target), context, call).await;
    }
    assert_eq!((around.dispatch.calls.lock().len(), fake.moves().len()), (2, 0));
}
