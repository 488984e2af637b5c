//! Models that arrive as messages: put in force in the middle of a stream, refused where they are no good, and in force
//! still after a restart.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    models::Fixture,
    support::{
        Host, Options,
        cluster::{Cluster, Reader, Record},
        until,
    },
};

mod amqp;
mod order;
mod shapes;
mod swap;

/// Topics for records, scores and models; models stay in order on one partition.
fn cluster() -> Option<Cluster> {
    Cluster::with(&[("records", 4), ("scores", 4), ("models", 1)])
}

/// The scorer, with what its triggers say.
fn deploy_scorer(host: &Host, models: &str, trigger: &str) {
    let manifest = format!(
        "[grants]\nmodel = {models}\nconfig = {{ input = \"X\" }}\n[[triggers]]\nname = \"records\"\n{trigger}"
    );
    host.deploy("score-records", "score_records.wasm", &manifest);
}

/// A trigger that reads records and sends scores.
fn kafka_trigger(cluster: &Cluster, more: &str) -> String {
    let Cluster { brokers, .. } = cluster;
    let (records, scores) = (cluster.topic("records"), cluster.topic("scores"));
    format!("kind = \"kafka\"\nbrokers = [\"{brokers}\"]\ntopics = [\"{records}\"]\noutput = \"{scores}\"\n{more}")
}

fn add_stream(host: &Host, cluster: &Cluster) {
    let topic = cluster.topic("models");
    host.json(&["models", "streams", "add", "wine-models", "--kafka", &cluster.brokers, "--topic", &topic]);
}

/// A model descriptor with these bytes.
pub(crate) fn descriptor(data_type: &str, version: &str, bytes: &[u8]) -> Vec<u8> {
    let data = base64(bytes);
    json!({ "name": "Wine Quality", "version": version, "data_type": data_type, "data": data }).to_string().into_bytes()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let quad = |chunk: &[u8]| {
        let bits = chunk.iter().enumerate().fold(0_u32, |bits, (at, byte)| bits | u32::from(*byte) << (16 - 8 * at));
        let letter = |at: usize| {
            let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize];
            if at <= chunk.len() { letter.into() } else { '=' }
        };
        [letter(0), letter(1), letter(2), letter(3)]
    };
    bytes.chunks(3).flat_map(quad).collect()
}

/// A record that models of 13 features take.
fn record(lane: &str, number: u64) -> Vec<u8> {
    let features: Vec<f64> = (0..13).map(|it| f64::from(it) + 0.5).collect();
    json!({ "dataType": "wine", "features": features, "lane": lane, "number": number }).to_string().into_bytes()
}

/// The version that production points to, once that is `number`.
fn in_force(host: &Host, model: &str, number: u64) {
    until("the model is in force", || {
        let (status, body) = host.get(&format!("/api/v1/projects/default/models/{model}"));
        let shown: Value = serde_json::from_str(&body).ok().filter(|_| status == 200)?;
        shown["aliases"].as_array()?.iter().find(|it| it["alias"] == "production" && it["number"] == number).map(|_| ())
    });
}

fn metadata(score: &Value) -> &Value {
    &score["modelResultMetadata"]
}

#[test]
fn a_model_that_arrives_scores_and_a_corrupt_one_leaves_it_in_force() {
    let Some(cluster) = cluster() else { return };
    let mut host = Host::start();
    // A host that comes back is known by its name, and need not wait until the group has given it up.
    deploy_scorer(&host, "[\"wine\"]", &kafka_trigger(&cluster, "member = \"only\"\n"));
    let mut scores = cluster.read("scores");
    (0..4).for_each(|it| cluster.put("records", "a", &record("a", it)));
    for score in take(&mut scores, 4) {
        assert_eq!(metadata(&score)["errors"], "No model server defined", "{score}");
        assert_eq!((&score["modelResult"], &score["inputRecord"]["dataType"]), (&Value::Null, &json!("wine")));
    }

    add_stream(&host, &cluster);
    let model = Fixture::read("standard-logistic").bytes;
    cluster.put("models", "wine", &descriptor("wine", "1.2", &model));
    in_force(&host, "wine", 1);
    let shown = host.json(&["models", "show", "wine"]);
    let origin = &shown["versions"][0]["origin"];
    assert_eq!(
        (&origin["stream"], &origin["label"], &origin["name"]),
        (&json!("wine-models"), &json!("1.2"), &json!("Wine Quality"))
    );
    assert_eq!(origin["place"]["topic"], cluster.topic("models"));
    (4..8).for_each(|it| cluster.put("records", "a", &record("a", it)));
    let scored = take(&mut scores, 4);
    for score in &scored {
        let Value::Object(it) = metadata(score) else { panic!("{score}") };
        assert_eq!((&it["modelName"], &it["modelVersion"], &it["errors"]), (&json!("wine"), &json!(1), &json!("")));
        assert_eq!(it["modelSourceLocation"], shown["versions"][0]["digest"]);
        assert!(it["startTime"].as_u64().unwrap() > 1_700_000_000_000 && it["duration"].as_f64().unwrap() > 0.0);
        assert!(score["modelResult"]["confidence"].as_f64().unwrap() > 0.0, "{score}");
    }

    // Neither is one that this host can load.
    cluster.put("models", "wine", &descriptor("wine", "2", b"not a model"));
    let pmml = json!({ "name": "wine", "format": "pmml", "data": base64(b"<PMML/>") });
    cluster.put("models", "wine", pmml.to_string().as_bytes());
    let letters = until("both are given up", || {
        let letters = host.json(&["dead-letters", "list", "models/wine-models"]);
        letters["items"].as_array().cloned().filter(|it| it.len() == 2)
    });
    let mut codes: Vec<_> = letters.iter().map(|it| it["failure"]["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["bad-model", "unknown-format"], "{letters:?}");
    let audit = host.json(&["audit", "list"]);
    let refused = audit["items"].as_array().unwrap().iter().filter(|it| it["action"] == "model.refused");
    assert_eq!(refused.count(), 2, "{audit}");

    // As after a power cut: the first record is scored by the last model that was good.
    host.kill();
    cluster.put("records", "a", &record("a", 8));
    host.restart();
    // What was not committed before the cut may come once more.
    let mut asked = 0;
    let mut is_last = false;
    while !is_last {
        let score = take(&mut scores, 1).remove(0);
        assert_eq!((&metadata(&score)["modelVersion"], &metadata(&score)["errors"]), (&json!(1), &json!("")));
        (asked, is_last) = (asked + 1, score["inputRecord"]["number"] == 8);
    }

    let stats = host.get_json("/api/v1/projects/default/models/wine/stats");
    assert_eq!(
        (&stats["in_force"]["version"]["number"], &stats["in_force"]["usage"]),
        (&json!(1), &json!(asked)),
        "{stats}"
    );
    host.json(&["models", "streams", "remove", "wine-models"]);
    assert_eq!(host.json(&["models", "streams", "list"])["items"], json!([]));
}

/// The next so many scores.
fn take(scores: &mut Reader, count: usize) -> Vec<Value> {
    scores.take(count).iter().map(Record::json).collect()
}

/// The scores of each lane, in the order in which they came.
fn by_lane(scores: Vec<Value>) -> BTreeMap<String, Vec<Value>> {
    let mut lanes: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for score in scores {
        lanes.entry(score["inputRecord"]["lane"].as_str().unwrap().to_owned()).or_default().push(score);
    }
    lanes
}

/// The defaults, and registries that are looked at often.
fn options() -> Options {
    Options::default().env("WEFT_INFERENCE__REFRESH", "50ms")
}
