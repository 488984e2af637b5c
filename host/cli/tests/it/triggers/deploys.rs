//! Deploys in the middle of a stream, and deploys that are refused or warned of.

use super::*;

#[test]
fn a_deploy_in_the_middle_of_a_stream_loses_nothing_and_leaves_the_source_alone() {
    let Some(cluster) = cluster() else { return };
    let host = host_with(&cluster);
    let mut out = cluster.read("out");
    for deploy in 0..3 {
        send_all(&cluster, "upper", (0..200).map(|it| (format!("{deploy}-{it}"), format!("n{deploy}-{it}"))));
        let manifest = format!("description = \"{deploy}\"\n{}{GRANTS}", kafka_trigger(&cluster, ""));
        host.deploy("shout", "conformance_handler.wasm", &manifest);
    }
    let mut ids: Vec<_> = out.take(600).iter().map(|it| it.header("ce_id")).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 600, "each once");
    let status = until("all are settled", || {
        let status = host.json(&["triggers", "show", "shout"]);
        (status["events"].as_u64() >= Some(600)).then_some(status)
    });
    assert_eq!(status["events"], 600, "{status}");
    let log = std::fs::read_to_string(host.data().join("host.log")).unwrap();
    assert_eq!(
        (log.matches("a trigger is new").count(), log.matches("a trigger has changed").count()),
        (1, 0),
        "{log}"
    );
}

#[test]
fn a_trigger_that_says_otherwise_is_opened_anew_and_goes_on_where_it_was() {
    let Some(cluster) = cluster() else { return };
    let host = host_with(&cluster);
    let mut out = cluster.read("out");
    send(&cluster, "upper", "1", "one");
    assert_eq!(out.take(1)[0].text(), "ONE");
    let manifest = format!("{}{GRANTS}", kafka_trigger(&cluster, "batch = { events = 7 }\n"));
    host.deploy("shout", "conformance_handler.wasm", &manifest);
    send(&cluster, "upper", "2", "two");
    assert_eq!(out.take(1)[0].header("ce_id"), "2/0");
    let log = std::fs::read_to_string(host.data().join("host.log")).unwrap();
    assert_eq!(log.matches("a trigger has changed").count(), 1, "{log}");
}

const KAFKA: &str = "[[triggers]]\nkind = \"kafka\"\nbrokers = [\"127.0.0.1:1\"]\ntopics = [\"t\"]\n";

#[test]
fn a_stream_is_refused_where_nothing_takes_events() {
    let host = Host::start_with(options());
    let folder = host.function("job", "conformance-job.wasm", &format!("{KAFKA}{}", crate::runs::JOB));
    let (_, said) = host.fails(&["deploy", folder.to_str().unwrap()]);
    assert!(said.contains("trigger `kafka` brings events") && said.contains("[[triggers]]"), "{said}");
}

#[test]
fn what_a_trigger_will_miss_is_warned_of_at_deploy() {
    let host = Host::start_with(options());
    let sasl = "sasl = { mechanism = \"PLAIN\", username = \"u\", password = \"kafka-password\" }\n";
    let grants = "[grants]\nmodel = [\"conformance\"]\nhttp = [\"https://api.example\"]\n";
    let manifest = format!("{KAFKA}{sasl}delivery = \"exactly-once\"\n{grants}");
    let folder = host.function("shout", "conformance_handler.wasm", &manifest);
    let output = host.run(&["deploy", folder.to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("the secret `kafka-password`, which is not set"), "{said}");
    assert!(said.contains("`http` may still happen twice"), "{said}");
    assert!(said.contains("kafka (kafka) reads t"), "{said}");
    let failing = in_state(&host, "failing");
    assert!(failing["cause"].as_str().unwrap().contains("kafka-password"), "{failing}");
}
