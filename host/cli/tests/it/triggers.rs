//! Streams that wake functions on a whole host: what comes out, what is given up, and what people may ask meanwhile.

use crate::support::{Host, Options, cluster::Cluster, until};

mod asked;
mod deploys;
mod four;
mod secure;

/// Topics for what goes in and what comes out.
fn cluster() -> Option<Cluster> {
    Cluster::with(&[("in", 2), ("out", 2)])
}

/// Sends an event of a type to the topic `in`, and waits until it is there.
fn send(cluster: &Cluster, kind: &str, id: &str, data: &str) {
    send_all(cluster, kind, [(id.to_owned(), data.to_owned())]);
}

/// The same for several.
fn send_all(cluster: &Cluster, kind: &str, events: impl IntoIterator<Item = (String, String)>) {
    for (id, data) in events {
        cluster.put_event("in", kind, &id, &data);
    }
    cluster.flush();
}

/// Grants of the handler that does what each event's type says.
const GRANTS: &str = "[grants]\nmodel = [\"conformance\"]\n";

/// Short waits, so that nothing is waited for longer than it takes.
fn options() -> Options {
    Options::default()
        .env("WEFT_TRIGGERS__POLL", "50ms")
        .env("WEFT_TRIGGERS__REOPEN", "50ms")
        .env("WEFT_TRIGGERS__REOPEN_MOST", "500ms")
        .env("WEFT_TRIGGERS__KAFKA__CONNECT", "2s")
        .env("WEFT_TRIGGERS__KAFKA__STATISTICS", "200ms")
        .env("WEFT_TRIGGERS__KAFKA__SESSION_TIMEOUT", "6s")
        .env("WEFT_TRIGGERS__KAFKA__HEARTBEAT", "500ms")
}

/// A trigger that reads the topic `in` and sends to `out`; what fails is tried twice.
fn kafka_trigger(cluster: &Cluster, more: &str) -> String {
    let (brokers, input, output) = (&cluster.brokers, cluster.topic("in"), cluster.topic("out"));
    format!(
        "[[triggers]]\nkind = \"kafka\"\nbrokers = [\"{brokers}\"]\ntopics = [\"{input}\"]\noutput = \"{output}\"\n\
         retry = {{ attempts = 2, backoff = \"5ms\" }}\n{more}"
    )
}

/// A host with the handler under such a trigger.
fn host_with(cluster: &Cluster) -> Host {
    let host = Host::start_with(options());
    host.deploy("shout", "conformance_handler.wasm", &format!("{}{GRANTS}", kafka_trigger(cluster, "")));
    host
}

/// Waits until the only trigger is in this state; its status.
fn in_state(host: &Host, state: &str) -> serde_json::Value {
    until(&format!("the trigger is {state}"), || {
        let listed = host.json(&["triggers", "list"]);
        listed["items"].as_array()?.first().filter(|it| it["state"] == state).cloned()
    })
}

#[test]
fn a_record_is_answered_and_one_that_is_at_fault_is_given_up_with_its_reason() {
    let Some(cluster) = cluster() else { return };
    let host = host_with(&cluster);
    let mut out = cluster.read("out");
    send(&cluster, "upper", "1", "hello");
    send(&cluster, "invalid", "2", "no");
    send(&cluster, "upper", "3", "again");
    let answered = out.take(2);
    let mut answers: Vec<_> = answered.iter().map(|it| (it.header("ce_id"), it.text())).collect();
    answers.sort();
    assert_eq!(answers, [("1/0".to_owned(), "HELLO".to_owned()), ("3/0".to_owned(), "AGAIN".to_owned())]);
    assert_eq!(answered[0].header("ce_source"), "/fn/shout");

    let letters = until("the other is given up", || {
        let letters = host.json(&["dead-letters", "list", "shout/kafka"]);
        letters["items"].as_array().filter(|it| !it.is_empty()).cloned()
    });
    assert_eq!(letters.len(), 1);
    assert_eq!((&letters[0]["failure"]["code"], &letters[0]["attempts"]), (&"asked".into(), &1.into()));
    assert_eq!(letters[0]["event"]["data"], serde_json::Value::Null, "lists are short");
    let shown = host.json(&["dead-letters", "show", letters[0]["id"].as_str().unwrap()]);
    assert_eq!((&shown["event"]["id"], &shown["event"]["data"]["text"]), (&"2".into(), &"no".into()), "{shown}");
    assert_eq!(shown["place"]["topic"], cluster.topic("in"));
    assert!(shown["revision"].is_string(), "{shown}");

    let status = until("all are settled", || {
        let status = host.json(&["triggers", "show", "shout"]);
        (status["events"] == 3).then_some(status)
    });
    assert_eq!((&status["state"], &status["dead_letters"]), (&"running".into(), &1.into()), "{status}");
    let (code, metrics) = host.get("/metrics");
    let of = "project=\"default\",function=\"shout\",trigger=\"kafka\",kind=\"kafka\"";
    for line in [
        format!("weft_trigger_events_total{{{of}}} 3\n"),
        format!("weft_trigger_dead_letters_total{{{of}}} 1\n"),
        format!("weft_trigger_state{{{of},state=\"running\"}} 1\n"),
    ] {
        assert!(code == 200 && metrics.contains(&line), "{line}{metrics}");
    }
    until("calls are counted", || {
        let counted = "weft_calls_total{project=\"default\",function=\"shout\",verdict=";
        host.get("/metrics").1.contains(counted).then_some(())
    });
}

#[test]
fn a_letter_that_is_replayed_goes_where_the_trigger_sends_and_is_marked() {
    let Some(cluster) = cluster() else { return };
    let host = host_with(&cluster);
    // It works from the third attempt on, and is tried twice.
    send(&cluster, "flaky", "1", "3");
    let id = until("it is given up", || {
        let letters = host.json(&["dead-letters", "list"]);
        Some(letters["items"][0]["id"].as_str()?.to_owned())
    });
    let replayed = host.json(&["dead-letters", "replay", &id]);
    assert!(replayed["replayed_at"].is_string() && replayed["attempts"] == 2, "{replayed}");
    let answer = cluster.read("out").take(1).remove(0);
    assert_eq!((answer.header("ce_id"), answer.text()), ("1/0".to_owned(), "3".to_owned()));
    send(&cluster, "invalid", "2", "no");
    let id = until("another one is given up", || {
        let letters = host.json(&["dead-letters", "list"]);
        let letter = letters["items"].as_array()?.iter().find(|it| it["event"]["id"] == "2")?;
        Some(letter["id"].as_str()?.to_owned())
    });
    let (_, said) = host.fails(&["dead-letters", "replay", &id]);
    assert!(said.contains("it failed again (asked): no"), "{said}");
    let (code, said) = host.fails(&["dead-letters", "show", "0123"]);
    assert!(code == 4 || said.contains("there is no dead letter `0123`"), "{said}");
}

#[test]
fn a_broker_that_is_away_is_told_and_the_host_goes_on() {
    let host = Host::start_with(options());
    let away = "[[triggers]]\nkind = \"kafka\"\nbrokers = [\"127.0.0.1:1\"]\ntopics = [\"t\"]\n";
    host.deploy("shout", "conformance_handler.wasm", &format!("{away}{GRANTS}"));
    let status = in_state(&host, "failing");
    assert!(status["cause"].as_str().is_some_and(|it| !it.is_empty()), "{status}");
    assert_eq!(host.get("/readyz").0, 200);
    let (text, shown) = (host.run(&["triggers", "list"]), host.run(&["show", "shout"]));
    assert!(String::from_utf8_lossy(&text.stdout).contains("failing"), "{text:?}");
    assert!(String::from_utf8_lossy(&shown.stdout).contains("failing"), "{shown:?}");
    host.json(&["delete", "shout"]);
    until("it is gone", || (host.json(&["triggers", "list"])["items"] == serde_json::json!([])).then_some(()));
}
