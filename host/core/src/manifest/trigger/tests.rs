//! Triggers as manifests write them.

use crate::manifest::{Batch, Delivery, Manifest, Order, Overlap, QueueType, Trigger};

fn parse(text: &str) -> Result<Manifest, String> {
    Manifest::parse(&format!("name = \"x\"\n{text}")).map_err(|error| error.message)
}

const KAFKA: &str = "[[triggers]]\nkind = \"kafka\"\nbrokers = [\"a:9092\"]\ntopics = [\"orders\"]\n";
const AMQP: &str = "[[triggers]]\nkind = \"amqp\"\nurl = \"amqp://a:5672/%2f\"\nqueue = \"orders\"\n";

#[test]
fn a_function_has_several_triggers_each_with_a_name() {
    let text = format!(
        "{KAFKA}{AMQP}[[triggers]]\nkind = \"schedule\"\ncron = \"0 2 * * *\"\n[[triggers]]\nkind = \"event\"\ntypes = [\"run.*\"]\n[[triggers]]\nkind = \"http\"\npath = \"/x\"\n"
    );
    let manifest = parse(&text).unwrap();
    let names: Vec<_> = manifest.triggers.iter().map(|it| (it.kind(), it.name())).collect();
    let expected = [
        ("kafka", Some("kafka")),
        ("amqp", Some("amqp")),
        ("schedule", Some("schedule")),
        ("event", Some("event")),
        ("http", None),
    ];
    assert_eq!(names, expected);
    let error = parse(&format!("{KAFKA}{KAFKA}")).unwrap_err();
    assert!(error.contains("two triggers are called `kafka`"), "{error}");
    assert!(parse(&format!("{KAFKA}{KAFKA}name = \"other\"\n")).is_ok());
}

#[test]
fn what_is_not_said_has_a_default() {
    let manifest = parse(&format!("{KAFKA}[triggers.retry]\nbackoff = \"1s\"\n")).unwrap();
    let Trigger::Kafka(kafka) = &manifest.triggers[0] else { panic!("another trigger") };
    assert_eq!(
        (kafka.order, kafka.delivery, &kafka.batch),
        (Order::Partition, Delivery::AtLeastOnce, &Batch::default())
    );
    assert_eq!((kafka.retry.attempts, kafka.retry.backoff.0), (5, 1_000));
    let manifest = parse(AMQP).unwrap();
    let Trigger::Amqp(amqp) = &manifest.triggers[0] else { panic!("another trigger") };
    assert_eq!((amqp.queue_type, amqp.passive, amqp.prefetch), (QueueType::Quorum, false, 1_000));
    let manifest = parse("[[triggers]]\nkind = \"schedule\"\ncron = \"* * * * *\"\noverlap = \"Replace\"\n").unwrap();
    let Trigger::Schedule(schedule) = &manifest.triggers[0] else { panic!("another trigger") };
    assert_eq!((schedule.zone.as_str(), schedule.overlap), ("UTC", Overlap::Replace));
}

#[test]
fn mistakes_are_named() {
    let wrong = [
        (KAFKA.replace("a:9092", "a"), "is not a broker"),
        (KAFKA.replace("orders", "or/ders"), "cannot name a topic"),
        (format!("{KAFKA}order = \"key\"\ndelivery = \"exactly-once\"\n"), "whole partitions"),
        (format!("{KAFKA}topic = \"x\"\n"), "topic"),
        (format!("{KAFKA}[triggers.batch]\nevents = 0\n"), "batch.events"),
        (format!("{KAFKA}[triggers.retry]\nattempts = 1000\n"), "retry.attempts"),
        (AMQP.replace("amqp://", "http://"), "is not the address of an AMQP server"),
        (AMQP.replace("//a", "//me:secret@a"), "holds no user or password"),
        ("[[triggers]]\nkind = \"event\"\ntypes = []\n".into(), "needs `types"),
        ("[[triggers]]\nkind = \"nats\"\n".into(), "nats"),
    ];
    for (text, told) in wrong {
        let error = parse(&text).unwrap_err();
        assert!(error.contains(told), "{text}: {error}");
        assert!(!error.contains("secret@"), "{error}");
    }
}

#[test]
fn secrets_that_open_a_connection_are_known() {
    let sasl = "sasl = { mechanism = \"SCRAM-SHA-256\", username = \"u\", password = \"kafka-password\" }\ntls = { ca = \"kafka-ca\" }\n";
    let manifest = parse(&format!("{KAFKA}{sasl}")).unwrap();
    let names: Vec<_> = manifest.triggers[0].secrets().into_iter().map(ToString::to_string).collect();
    assert_eq!(names, ["kafka-ca", "kafka-password"]);
}
