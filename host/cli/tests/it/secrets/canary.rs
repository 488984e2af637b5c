//! A canary: a value that guests say wherever they can is found nowhere that the host keeps or tells.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use super::{logged, set, tell};
use crate::{
    runs::ran,
    support::{Host, root},
};

/// A value that looks different in every encoding.
const VALUE: &str = "canary/7f3a \"91c2\"";

/// What must be found nowhere: the value's beginning, plain and encoded.
const NEEDLES: &[&str] = &[
    "canary/7f3a",
    "canary%2F7f3a",
    "canary%2f7f3a",
    "63616e6172792f37663361",
    "63616E6172792F37663361",
    "Y2FuYXJ5LzdmM2Eg",
];

const TELLER: &str = "record = \"all\"\n[grants]\nsecret = [\"canary\"]\n";

const JOB: &str = "[grants]\nsecret = [\"canary\"]\n[params]\nname = { type = \"string\" }\nend = { type = \"string\", optional = true }\n[outputs.out]\n";

#[test]
fn a_value_is_found_nowhere_that_the_host_keeps_or_tells() {
    let mut host = Host::start_with(crate::support::Options::default().env("WEFT_LOG", "debug"));
    set(&host, "set", "canary", VALUE);
    host.deploy("teller", "conformance_secret.wasm", TELLER);
    host.deploy("reader", "conformance-secret-job.wasm", JOB);
    assert_eq!(tell(&host, "get", "canary"), (200, VALUE.to_owned()), "what a function answers is its own");
    for what in ["print", "log", "trap", "fail"] {
        let (status, said) = tell(&host, what, "canary");
        assert_eq!(status, if matches!(what, "trap" | "fail") { 500 } else { 200 }, "{said}");
        clean(what, &said);
    }
    let mut ids: Vec<String> = Vec::new();
    for end in ["well", "fail", "trap"] {
        let output = host.run(&["run", "reader", "-p", "name=canary", "-p", &format!("end={end}"), "--json"]);
        clean("fn run", &String::from_utf8_lossy(&output.stderr));
        clean("fn run --json", &String::from_utf8_lossy(&output.stdout));
        ids.push(ran(&output).id().to_owned());
    }
    shown_as_hidden(&host, &ids[0]);
    ids.extend(host.calls("function=teller", 5).iter().map(|it| it["id"].as_str().unwrap().to_owned()));
    for args in
        [&["logs", "teller"][..], &["logs", "reader"], &["show", "teller"], &["secrets", "list"], &["audit", "list"]]
    {
        let output = host.run(args);
        clean(&args.join(" "), &String::from_utf8_lossy(&output.stdout));
    }
    asked_for_everything(&host, &ids);
    host.terminate();
    searched(host.data());
}

/// The record is there, with the value hidden in it: otherwise its absence would say nothing.
fn shown_as_hidden(host: &Host, run: &str) {
    let run = host.shown(run);
    let step = &run.steps()[0];
    assert_eq!(step["params"]["chosen"]["value"], "***", "{step}");
    assert_eq!(step["results"]["report"][0], "***", "{step}");
    assert!(step["results"].get("***").is_some(), "{step}");
    for line in ["the value is ***, or ***", "plain *** quoted \"***\" hex *** percent ***", "unended ***"] {
        logged(host, "teller", line);
    }
    let failed = host.calls("function=teller&verdict=fatal", 1);
    assert_eq!(failed[0]["failure"]["message"], "the value is ***", "{}", failed[0]);
    let trapped = host.calls("function=teller&verdict=transient", 1);
    assert!(trapped[0]["failure"]["message"].as_str().unwrap().contains("the value is ***"), "{}", trapped[0]);
}

/// Every GET of the API, with every name and id there is.
fn asked_for_everything(host: &Host, ids: &[String]) {
    let text = fs::read_to_string(root().join("host/api/openapi.json")).unwrap();
    let api: Value = serde_json::from_str(&text).unwrap();
    let mut words: Vec<String> = ["teller", "reader", "1", "canary"].map(str::to_owned).to_vec();
    words.extend_from_slice(ids);
    let mut asked = BTreeSet::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        // A stream of log lines never ends; the list of them is asked.
        if item.get("get").is_none() || item["get"]["operationId"] == "follow_logs" {
            continue;
        }
        for word in &words {
            let filled = filled(path, word);
            if asked.insert(filled.clone()) {
                let answer = host.ask("GET", &filled, &[], b"");
                let said = String::from_utf8_lossy(&answer.body);
                assert_ne!(answer.status, 500, "{filled}: {said}");
                clean(&filled, &said);
            }
        }
    }
    assert!(asked.len() > 50, "{asked:?}");
}

/// A path with `word` in the place of each parameter but the project.
fn filled(path: &str, word: &str) -> String {
    let segment = |it: &str| match it {
        "{project}" => "default".to_owned(),
        "{revision}" | "{number}" | "{version}" => "1".to_owned(),
        it if it.starts_with('{') => word.to_owned(),
        it => it.to_owned(),
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

fn clean(place: &str, text: &str) {
    for needle in NEEDLES {
        assert!(!text.contains(needle), "{place} tells the value: {text}");
    }
}

/// Every byte below a folder: database, artifacts, logs.
fn searched(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            searched(&path);
            continue;
        }
        let bytes = fs::read(&path).unwrap_or_default();
        for needle in NEEDLES {
            let found = bytes.windows(needle.len()).any(|it| it == needle.as_bytes());
            assert!(!found, "{} holds {needle}", path.display());
        }
    }
}
