//! An event that wakes a function, kept as a pipeline of one step.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Action, Input, Pipeline, Step};
use crate::{Digest, event::Event, function::FunctionRef, retry::Retry};

/// The step that hands the event to the function.
pub const EVENT_STEP: &str = "event";
/// The input with the event's data, where they are too many to stand in the run.
pub const EVENT_DATA: &str = "data";
/// The input under which a job finds the event that started it, in the JSON format of CloudEvents.
pub const EVENT_INPUT: &str = "event";
/// What the function gave back: a result, or an output where it is large.
pub const EVENT_OUTPUTS: &str = "outputs";
/// The most bytes of data that stand in the run itself.
pub const MOST_INLINE: usize = 16 << 10;

/// An event to hand to a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Woken {
    /// The function.
    pub function: FunctionRef,
    /// The kind of trigger.
    pub kind: String,
    /// Which trigger.
    pub trigger: String,
    /// The event.
    pub event: KeptEvent,
}

/// An event as a run keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptEvent {
    id: String,
    source: String,
    r#type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    /// In base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    extensions: Vec<(String, String)>,
    data: KeptData,
}

/// The data of an event as a run keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeptData {
    Text(String),
    Base64(String),
    /// They are the input of the step.
    Input,
}

impl KeptEvent {
    /// Keeps an event, and its data unless they are too many: those are to become the input [`EVENT_DATA`].
    #[must_use]
    pub fn new(event: Event) -> (Self, Option<Bytes>) {
        let Event { id, source, r#type, subject, time, content_type, key, extensions, data, inlet: _ } = event;
        let key = key.map(|it| STANDARD.encode(it));
        let is_large = data.len() > MOST_INLINE;
        let kept = match std::str::from_utf8(&data) {
            _ if is_large => KeptData::Input,
            // Databases refuse NUL in text.
            Ok(text) if !text.contains('\0') => KeptData::Text(text.to_owned()),
            _ => KeptData::Base64(STANDARD.encode(&data)),
        };
        let kept = Self { id, source, r#type, subject, time, content_type, key, extensions, data: kept };
        (kept, is_large.then_some(data))
    }

    /// The event; `input` is what its data are where they do not stand in the run. None when the run is damaged.
    #[must_use]
    pub fn event(&self, input: Option<Bytes>) -> Option<Event> {
        let data = match &self.data {
            KeptData::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
            KeptData::Base64(text) => STANDARD.decode(text).ok()?.into(),
            KeptData::Input => input?,
        };
        let key = self.key.as_ref().map(|it| STANDARD.decode(it)).transpose().ok()?;
        Some(Event {
            id: self.id.clone(),
            source: self.source.clone(),
            r#type: self.r#type.clone(),
            subject: self.subject.clone(),
            time: self.time.clone(),
            content_type: self.content_type.clone(),
            key: key.map(Bytes::from),
            inlet: String::new(),
            extensions: self.extensions.clone(),
            data,
        })
    }

    /// Whether its data are the input of the step.
    #[must_use]
    pub fn has_input(&self) -> bool {
        self.data == KeptData::Input
    }

    /// What happened.
    #[must_use]
    pub fn r#type(&self) -> &str {
        &self.r#type
    }
}

impl Pipeline {
    /// An event as a pipeline, named after the function it wakes.
    #[must_use]
    pub fn of_event(woken: Woken, data: Option<Digest>, retry: Retry) -> Self {
        let name = woken.function.name.clone();
        let mut step = Step::new(Action::Event(woken));
        step.inputs = data.map(|it| (EVENT_DATA.to_owned(), Input::Artifact(it.to_string()))).into_iter().collect();
        step.retry = retry;
        let steps = IndexMap::from_iter([(EVENT_STEP.to_owned(), step)]);
        Self { name, description: None, params: IndexMap::new(), triggers: Vec::new(), steps }
    }

    /// A job that an event starts: `params` are what the event says, and the whole of it is an input.
    #[must_use]
    pub fn of_started_job(function: FunctionRef, params: Map<String, Value>, event: Digest, retry: Retry) -> Self {
        let inputs = IndexMap::from_iter([(EVENT_INPUT.to_owned(), Input::Artifact(event.to_string()))]);
        let mut job = Self::of_job(function, params, inputs);
        job.steps.values_mut().for_each(|step| step.retry = retry.clone());
        job
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(data: &[u8]) -> Event {
        Event {
            id: "1".into(),
            source: "/x".into(),
            r#type: "weft.run.finished".into(),
            subject: Some("wine".into()),
            time: None,
            content_type: None,
            key: Some(Bytes::from_static(b"\xff\0")),
            inlet: String::new(),
            extensions: vec![("weftdepth".into(), "1".into())],
            data: Bytes::copy_from_slice(data),
        }
    }

    #[test]
    fn an_event_is_kept_whole_whatever_its_bytes() {
        for data in [&b"{}"[..], b"", b"a\0b", b"\xff\xfe"] {
            let (kept, input) = KeptEvent::new(event(data));
            let text = serde_json::to_string(&kept).unwrap();
            let back: KeptEvent = serde_json::from_str(&text).unwrap();
            assert_eq!((back.event(None).unwrap(), input), (event(data), None), "{text}");
        }
    }

    #[test]
    fn many_data_become_an_input() {
        let data = vec![b'x'; MOST_INLINE + 1];
        let (kept, input) = KeptEvent::new(event(&data));
        assert!(kept.has_input() && kept.event(None).is_none());
        assert_eq!(kept.event(input), Some(event(&data)));
    }

    #[test]
    fn it_is_a_pipeline_that_is_stored_and_read_back() {
        let (event, _) = KeptEvent::new(event(b"${params.x}"));
        let woken = Woken { function: "score".parse().unwrap(), kind: "event".into(), trigger: "event".into(), event };
        let pipeline = Pipeline::of_event(woken, Some(Digest::of(b"x")), Retry::default());
        let text = serde_json::to_string(&pipeline).unwrap();
        assert_eq!(serde_json::from_str::<Pipeline>(&text).unwrap(), pipeline);
        assert_eq!(pipeline.functions(), ["score".parse::<FunctionRef>().unwrap()]);
    }
}
