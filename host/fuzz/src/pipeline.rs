//! Pipelines in YAML, and the small languages inside: conditions and templates.

use std::str::FromStr as _;

use host_core::pipeline::{Condition, Parsed, Pipeline};

/// A pipeline that is accepted means the same after it was stored and read again; every problem has a place.
pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Parsed::read(text, None) {
        Ok(parsed) => stored(&parsed.pipeline),
        Err(problems) => assert!(!problems.is_empty(), "a pipeline is refused without a reason"),
    }
    let _ = Parsed::functions(text);
    if let Ok(condition) = Condition::from_str(text) {
        let shown = String::from(condition.clone());
        assert_eq!(Condition::from_str(&shown).as_ref(), Ok(&condition), "a condition changes when it is written");
    }
}

fn stored(pipeline: &Pipeline) {
    let json = serde_json::to_string(pipeline).expect("a pipeline is JSON");
    let again: Pipeline = serde_json::from_str(&json).expect("a stored pipeline is read again");
    assert_eq!(serde_json::to_string(&again).ok(), Some(json), "a pipeline changes when it is stored");
}
