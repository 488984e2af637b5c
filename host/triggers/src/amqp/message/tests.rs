//! Events that become messages, and messages that become events.

use super::*;

fn event() -> Event {
    Event {
        id: "7/0".into(),
        source: "/fn/shop".into(),
        r#type: "order.made".into(),
        subject: Some("Müller".into()),
        time: Some("2026-11-20T18:00:00Z".into()),
        content_type: Some("application/json".into()),
        key: Some(Bytes::from_static(b"customer-7")),
        inlet: String::new(),
        extensions: vec![("traceparent".into(), "00-a-b-01".into()), ("tenant".into(), "x".into())],
        data: Bytes::from_static(b"{\"n\":1}"),
    }
}

fn arrived(message: Message) -> Arrived {
    Arrived {
        queue: "orders".into(),
        place: "orders/s-1".into(),
        exchange: ShortString::default(),
        routing_key: "orders".into(),
        properties: message.properties,
        body: message.body,
    }
}

fn with_headers(headers: &[(&str, AMQPValue)]) -> BasicProperties {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        put(&mut table, name, value.clone());
    }
    BasicProperties::default().with_headers(table)
}

fn plain(properties: BasicProperties, body: &'static str) -> Arrived {
    arrived(Message { properties, body: body.into() })
}

#[test]
fn an_event_comes_back_as_it_was_sent() {
    let message = Message::of(&event());
    assert_eq!(message.properties.content_type().as_ref().unwrap().as_str(), "application/json");
    assert_eq!(message.properties.message_id().as_ref().unwrap().as_str(), "7/0");
    assert_eq!(*message.properties.timestamp(), Some(1_795_197_600));
    assert_eq!(*message.properties.delivery_mode(), Some(2));
    assert!(message.properties.headers().as_ref().unwrap().contains_key("traceparent"));
    let read = arrived(message).event().unwrap();
    let mut expected = event();
    expected.extensions.push(("partitionkey".into(), "customer-7".into()));
    let sorted = |mut it: Event| {
        it.extensions.sort();
        it
    };
    assert_eq!(sorted(read), sorted(expected));
}

#[test]
fn attributes_too_long_for_headers_travel_in_json() {
    let mut long = event();
    long.extensions.push(("note".into(), "x".repeat(MOST_HEADERS)));
    let message = Message::of(&long);
    assert_eq!(message.properties.content_type().as_ref().unwrap().as_str(), JSON);
    let read = arrived(message).event().unwrap();
    assert_eq!((read.id, read.data, read.key), (long.id, long.data, long.key));
    assert!(read.extensions.iter().any(|(name, value)| name == "note" && value.len() == MOST_HEADERS));
    let mut odd = event();
    odd.content_type = Some(format!("text/plain; note={}", "x".repeat(300)));
    assert_eq!(arrived(Message::of(&odd)).event().unwrap().content_type, odd.content_type);
}

#[test]
fn the_other_prefix_and_other_types_are_read() {
    let headers = [
        ("cloudEvents_specversion", text("1.0")),
        ("cloudEvents_id", text("1")),
        ("cloudEvents_source", AMQPValue::ShortString("/s".into())),
        ("cloudEvents_type", text("t")),
        ("cloudEvents_time", AMQPValue::Timestamp(1_795_197_600)),
        ("cloudEvents_level", AMQPValue::LongInt(3)),
        ("cloudEvents_urgent", AMQPValue::Boolean(true)),
        ("tracestate", text("vendor=1")),
    ];
    let read = plain(with_headers(&headers), "hi").event().unwrap();
    assert_eq!(read.time.as_deref(), Some("2026-11-20T18:00:00Z"));
    let extensions: Vec<_> = read.extensions.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(extensions, ["level=3", "urgent=true", "tracestate=vendor=1"]);
}

#[test]
fn an_event_in_json_is_read() {
    let properties = with_headers(&[("traceparent", text("00-a-b-01"))]);
    let properties = properties.with_content_type("application/cloudevents+json; charset=utf-8".into());
    let text = r#"{"specversion":"1.0","id":"9","source":"/s","type":"t","data":{"n":1}}"#;
    let read = plain(properties, text).event().unwrap();
    assert_eq!((read.id.as_str(), &*read.data), ("9", &b"{\"n\":1}"[..]));
    assert_eq!(read.extensions, [("traceparent".to_owned(), "00-a-b-01".to_owned())]);
}

#[test]
fn any_other_message_becomes_an_event() {
    let headers = [
        ("tenant", text("x")),
        ("Camel", text("no")),
        ("id", text("no")),
        ("list", AMQPValue::FieldArray(vec![AMQPValue::Void].into())),
        ("size", AMQPValue::LongLongInt(4)),
        ("traceparent", text("00-a-b-01")),
        ("partitionkey", text("k")),
    ];
    let properties = with_headers(&headers)
        .with_content_type("text/plain".into())
        .with_timestamp(1_795_197_600)
        .with_correlation_id("c-1".into());
    let mut message = plain(properties.clone(), "hi");
    message.queue = "ä b".into();
    let read = message.event().unwrap();
    assert_eq!((read.id.as_str(), read.source.as_str()), ("orders/s-1", "amqp:%C3%A4%20b"));
    assert_eq!((read.r#type.as_str(), read.subject.as_deref()), ("weft.amqp.message", None));
    assert_eq!((read.time.as_deref(), read.key.as_deref()), (Some("2026-11-20T18:00:00Z"), Some(&b"k"[..])));
    let extensions: Vec<_> = read.extensions.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(extensions, ["partitionkey=k", "size=4", "tenant=x", "traceparent=00-a-b-01", "correlationid=c-1"]);
    message.properties = properties.with_message_id("m-1".into());
    (message.exchange, message.routing_key) = ("shop".into(), "order.made".into());
    let read = message.event().unwrap();
    assert_eq!((read.id.as_str(), read.subject.as_deref()), ("m-1", Some("order.made")));
}

#[test]
fn what_claims_to_be_an_event_and_is_none_says_why() {
    let properties = BasicProperties::default().with_content_type(JSON.into());
    let error = plain(properties, "{").event().unwrap_err();
    assert!(error.to_string().contains("not a CloudEvent"), "{error}");
    let error = plain(with_headers(&[("cloudEvents:specversion", text("1.0"))]), "").event().unwrap_err();
    assert!(error.to_string().contains("no `id`"), "{error}");
}

#[test]
fn a_retried_message_is_the_same_event_and_remembers_its_attempts() {
    let headers = [
        ("x-death", AMQPValue::FieldArray(vec![].into())),
        ("x-first-death-queue", text("q")),
        ("CC", AMQPValue::FieldArray(vec![].into())),
        ("tenant", text("x")),
    ];
    let properties = with_headers(&headers)
        .with_expiration("5".into())
        .with_user_id("guest".into())
        .with_priority(3)
        .with_content_type("text/plain".into());
    let mut first = plain(properties, "hi");
    (first.exchange, first.routing_key) = ("shop".into(), "order.made".into());
    assert_eq!(first.attempts(), 0);
    let message = first.again(2, 350);
    let properties = &message.properties;
    assert_eq!(properties.expiration().as_ref().unwrap().as_str(), "350");
    assert_eq!((properties.user_id(), *properties.priority()), (&None, Some(3)));
    let names: Vec<_> = properties.headers().as_ref().unwrap().inner().keys().map(ToString::to_string).collect();
    assert_eq!(names, ["tenant", "weft-attempts", "weft-exchange", "weft-routing-key"]);
    let mut second = arrived(message);
    second.place = "orders/s-2".into();
    assert_eq!(second.attempts(), 2);
    assert_eq!(second.event().unwrap(), first.event().unwrap());
    let third = arrived(second.again(3, 1)).event().unwrap();
    assert_eq!((third.id.as_str(), third.subject.as_deref()), ("orders/s-1", Some("order.made")));
}

#[test]
fn a_dead_letter_says_why() {
    let message = plain(with_headers(&[("tenant", text("x"))]).with_expiration("5".into()), "hi");
    let failure = Failure::invalid("bad-json", "ä".repeat(600));
    let verdict = Verdict { failure: &failure, attempts: 3, revision: Some("r-1") };
    let letter = message.dead(&verdict, true);
    assert_eq!(letter.properties.expiration(), &None);
    let headers = letter.properties.headers().clone().unwrap();
    let header = |name: &str| text_of(headers.inner().get(name)?);
    assert_eq!(header("weft-reason").as_deref(), Some("bad-json"));
    assert_eq!(header("weft-message").unwrap().len(), 1_024);
    assert_eq!((header("weft-attempts").as_deref(), header("weft-revision").as_deref()), (Some("3"), Some("r-1")));
    assert_eq!((header("weft-queue").as_deref(), header("tenant").as_deref()), (Some("orders"), Some("x")));
    assert!(!message.dead(&verdict, false).properties.headers().as_ref().unwrap().contains_key("tenant"));
}

#[test]
fn forged_attempts_are_bounded() {
    let attempts = |value| plain(with_headers(&[(ATTEMPTS, value)]), "").attempts();
    assert_eq!(attempts(AMQPValue::LongLongInt(i64::MAX)), 0);
    assert_eq!(attempts(AMQPValue::LongInt(-4)), 0);
    assert_eq!(attempts(AMQPValue::LongInt(1_000_000)), MAX_ATTEMPTS);
    assert_eq!(attempts(text("three")), 0);
}
