//! What an exported model says of itself: enough to score a table with nothing but the model's file.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{Feature, Task, Transform, transform::plain};

const TASK: &str = "task";
const LABEL: &str = "label";
const FEATURES: &str = "features";
const CLASSES: &str = "classes";
const LABELS: &str = "labels";

impl Transform {
    /// Notes for a model (`metadata_props`): `task`, `label`, and as JSON lists `features`, `classes` and `labels`, the
    /// number that stands for each class in the model's answer.
    #[must_use]
    pub fn notes(&self) -> Vec<(&'static str, String)> {
        let names: Vec<&str> = self.features.iter().map(|it| it.name.as_str()).collect();
        let task = match self.task {
            Task::Classification => "classification",
            Task::Regression => "regression",
        };
        let mut notes =
            vec![(TASK, task.to_owned()), (LABEL, self.label.clone()), (FEATURES, json!(names).to_string())];
        if self.task == Task::Classification {
            notes.push((CLASSES, json!(self.classes).to_string()));
            notes.push((LABELS, json!(self.class_labels()).to_string()));
        }
        notes
    }

    /// The transform a model's notes tell of: raw features in, for the model does the rest itself.
    /// `None` where the notes are not those of [`Transform::notes`].
    #[must_use]
    pub fn from_notes(notes: &BTreeMap<String, String>) -> Option<Self> {
        let list = |key| -> Option<Vec<String>> { serde_json::from_str(notes.get(key)?).ok() };
        let task = match notes.get(TASK)?.as_str() {
            "classification" => Task::Classification,
            "regression" => Task::Regression,
            _ => return None,
        };
        let classes = if task == Task::Classification { list(CLASSES)? } else { Vec::new() };
        let features: Vec<Feature> = list(FEATURES)?.into_iter().map(plain).collect();
        (!features.is_empty()).then_some(Self { task, label: notes.get(LABEL)?.clone(), classes, features })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_tell_what_a_table_needs_to_be_scored() {
        let classes = vec!["low".to_owned(), "high".to_owned()];
        let features = vec![plain("alcohol".to_owned()), plain("pH".to_owned())];
        let transform = Transform { task: Task::Classification, label: "quality".to_owned(), classes, features };
        let notes: BTreeMap<String, String> =
            transform.notes().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        assert_eq!((notes["features"].as_str(), notes["labels"].as_str()), ("[\"alcohol\",\"pH\"]", "[0,1]"));
        assert_eq!(Transform::from_notes(&notes), Some(transform));
        assert_eq!(Transform::from_notes(&BTreeMap::new()), None);
    }
}
