//! Pausing, resuming and moving a trigger by `fn`.

use super::*;

#[test]
fn a_paused_trigger_rests_until_it_is_resumed_also_after_a_restart() {
    let Some(cluster) = cluster() else { return };
    let mut host = host_with(&cluster);
    let mut out = cluster.read("out");
    send(&cluster, "upper", "1", "one");
    assert_eq!(out.take(1)[0].text(), "ONE");
    let paused = host.json(&["triggers", "pause", "shout"]);
    assert_eq!((&paused["state"], &paused["cause"]), (&"paused".into(), &"local paused it".into()), "{paused}");
    send(&cluster, "upper", "2", "two");
    host.terminate();
    host.restart();
    let still = in_state(&host, "paused");
    assert_eq!((&still["cause"], &still["events"]), (&"local paused it".into(), &0.into()), "{still}");
    host.json(&["triggers", "resume", "shout/kafka"]);
    assert_eq!(out.take(1)[0].text(), "TWO");
    let audit = host.json(&["audit", "list", "--subject", "shout/kafka"]);
    let did: Vec<_> = audit["items"].as_array().unwrap().iter().map(|it| it["action"].as_str().unwrap()).collect();
    assert_eq!(did, ["trigger.resumed", "trigger.paused"]);
}

#[test]
fn a_paused_trigger_is_moved_and_reads_again_from_there() {
    let Some(cluster) = cluster() else { return };
    let host = host_with(&cluster);
    let mut out = cluster.read("out");
    send_all(&cluster, "upper", (0..5).map(|it| (it.to_string(), format!("n{it}"))));
    out.take(5);
    let (_, said) = host.fails(&["triggers", "seek", "shout", "--to", "earliest"]);
    assert!(said.contains("is running") && said.contains("fn triggers pause shout/kafka"), "{said}");
    host.json(&["triggers", "pause", "shout"]);
    let (code, said) = host.fails(&["triggers", "seek", "shout", "--to", "yesterday"]);
    assert!(code == 2 && said.contains("TOPIC/PARTITION/OFFSET"), "{code} {said}");
    host.json(&["triggers", "seek", "shout", "--to", "earliest"]);
    host.json(&["triggers", "resume", "shout"]);
    let mut again: Vec<_> = out.take(5).iter().map(crate::support::cluster::Record::text).collect();
    again.sort();
    assert_eq!(again, ["N0", "N1", "N2", "N3", "N4"]);
    let (_, said) = host.fails(&["triggers", "pause", "other"]);
    assert!(said.contains("there is no trigger `other`"), "{said}");
}

#[test]
fn a_function_that_asks_for_attention_pauses_its_trigger_and_keeps_the_event() {
    let Some(cluster) = cluster() else { return };
    let host = host_with(&cluster);
    send(&cluster, "fatal", "1", "broken");
    let paused = in_state(&host, "paused");
    assert!(paused["cause"].as_str().unwrap().contains("broken"), "{paused}");
    assert_eq!(host.json(&["dead-letters", "list"])["items"], serde_json::json!([]), "the event stays where it is");
    // Whoever looked into it moves on, here past the event.
    host.json(&["triggers", "seek", "shout", "--to", "latest"]);
    host.json(&["triggers", "resume", "shout"]);
    in_state(&host, "running");
    send(&cluster, "upper", "2", "two");
    assert_eq!(cluster.read("out").take(1)[0].text(), "TWO");
}
