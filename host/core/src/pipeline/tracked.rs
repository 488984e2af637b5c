//! What a program did outside of any host, kept as a pipeline of one step that nobody executes.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{Action, Pipeline, Step};
use crate::{Digest, Name};

/// The step that holds what the program told.
pub const TRACKED_STEP: &str = "run";

/// A program that ran outside, as it described itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracked {
    /// What ran it, such as `CPython 3.12.4`.
    pub runtime: String,
    /// The bytes of its main file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Digest>,
    /// The versions of the packages it could use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub packages: BTreeMap<String, String>,
}

impl Pipeline {
    /// A run outside as a pipeline, under the name that was given to it.
    #[must_use]
    pub fn of_tracked(name: Name, tracked: Tracked) -> Self {
        let steps = IndexMap::from_iter([(TRACKED_STEP.to_owned(), Step::new(Action::Tracked(tracked)))]);
        Self { name, description: None, params: IndexMap::new(), triggers: Vec::new(), steps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_stored_and_read_back() {
        let tracked = Tracked {
            runtime: "CPython 3.12.4".into(),
            code: Some(Digest::of(b"train.py")),
            packages: BTreeMap::from([("pandas".into(), "3.0.0".into())]),
        };
        let pipeline = Pipeline::of_tracked("wine".parse().unwrap(), tracked);
        let text = serde_json::to_string(&pipeline).unwrap();
        assert_eq!(serde_json::from_str::<Pipeline>(&text).unwrap(), pipeline);
        assert_eq!((pipeline.functions(), pipeline.steps[TRACKED_STEP].action.as_str()), (vec![], "tracked"));
        assert!(!pipeline.steps[TRACKED_STEP].has_outputs());
    }
}
