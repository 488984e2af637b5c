//! What a file of a case cannot say: large bodies, models, events that arrive, numbers that repeat.

use serde_json::{Map, Value, json};

use super::cases;
use crate::{
    models::{Fixture, agree},
    support::Host,
};

/// The path that calls the handler by hand.
const INVOKE: &str = "/api/v1/projects/default/functions/handler/invoke?type=";

fn object(json: Value) -> Map<String, Value> {
    json.as_object().unwrap().clone()
}

/// Megabytes come and go, in both forms.
pub(super) fn bodies(host: &Host) {
    let (status, body) = host.get("/fn/http/large/3000000");
    assert_eq!((status, body.len()), (200, 3_000_000));
    let sent: String = "weft ".repeat(1_400_000);
    let (status, body) = host.post("/fn/http/echo", "text/plain", sent.as_bytes());
    assert_eq!((status, body == sent), (200, true));
    let (status, body) = host.post(&format!("{INVOKE}huge"), "text/plain", b"2000000");
    let answer: Value = serde_json::from_str(&body).unwrap();
    let output = &answer["outcomes"][0]["outputs"][0];
    assert_eq!((status, output["data"].as_str().map(str::len)), (200, Some(2_000_000)));
    let (status, body) = host.post(&format!("{INVOKE}text"), "text/plain", &sent.as_bytes()[..1_000_000]);
    assert_eq!(status, 200);
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["outcomes"][0]["outputs"][0]["data"]["characters"], 1_000_000);
}

/// The model that the manifest grants, and what scikit-learn says it answers.
pub(super) struct Model {
    fixture: Fixture,
    version: Value,
}

impl Model {
    pub(super) fn register(host: &Host) -> Self {
        let fixture = Fixture::read("linear");
        let version = host.register("scorer", &fixture.bytes);
        Self { fixture, version }
    }

    /// It answers a handler by its name, and a job as its input.
    pub(super) fn answers(&self, host: &Host) {
        let Self { fixture, version } = self;
        let mut asked = json!({ "name": "scorer", "input": fixture.input["name"], "shape": fixture.input["shape"] });
        asked["values"] = fixture.input["data"].clone();
        let (status, body) = host.post(&format!("{INVOKE}model"), "application/json", asked.to_string().as_bytes());
        assert_eq!(status, 200, "{body}");
        self.is_what_was_said(&answered(&body));
        let (_, body) = host.post(&format!("{INVOKE}current"), "text/plain", b"scorer");
        assert_eq!(answered(&body)["number"], version["number"], "{body}");

        let text = format!("text={}", Value::String(asked.to_string()));
        let args = ["run", "job", "--json", "-p", "do=infer", "-p", &text, "--input", "scorer=model:scorer"];
        self.is_what_was_said(crate::runs::ran(&host.run(&args)).done().report("job"));
    }

    fn is_what_was_said(&self, said: &Value) {
        // A model that is an input has no number: its bytes say which version it is.
        assert_eq!(said["version"]["digest"], self.version["digest"], "{said}");
        let (ours, theirs) = (&said["outputs"][0], &self.fixture.outputs[0]);
        for fact in ["name", "dtype", "shape"] {
            assert_eq!(ours[fact], theirs[fact], "{said}");
        }
        assert!(agree(&ours["values"], &theirs["data"]), "{ours} against {theirs}");
    }
}

/// The data of the only output of the only event.
fn answered(body: &str) -> Value {
    let answer: Value = serde_json::from_str(body).unwrap();
    answer["outcomes"][0]["outputs"][0]["data"].clone()
}

/// What the cases published has arrived.
pub(super) fn sent(host: &Host) {
    let calls = host.calls("function=next", 1);
    assert!(calls.iter().all(|it| it["function"] == "next"), "{calls:?}");
}

/// A job's random numbers repeat with its seed, though the interpreter was started long before.
pub(super) fn random_numbers(host: &Host) {
    let drawn = |seed: &str| {
        let run = crate::runs::ran(&host.run(&["run", "job", "--json", "--param", "do=random", "--seed", seed])).done();
        run.report("job").clone()
    };
    let first = drawn("1");
    assert_ne!(first[0], first[1], "{first}");
    assert_eq!(first, drawn("1"));
    assert_ne!(first, drawn("2"));
    let run = cases::begun(host, &object(json!({ "do": "context" })), None);
    assert!(run.report("job")["seed"].as_str().unwrap().parse::<u64>().is_ok());
}
