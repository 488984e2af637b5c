//! Calls by hand: events in, outcomes out.

use std::collections::BTreeMap;

use host_core::{CallId, event};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::failure::Failure;

/// Events to call a function with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Invoke {
    /// The events, at least one.
    pub events: Vec<Event>,
}

/// An event. What is absent is filled in by the host.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Event {
    /// Its id; the call's and the event's number, when absent.
    pub id: Option<String>,
    /// Where it comes from; `/api/v1/invoke`, when absent.
    pub source: Option<String>,
    /// What happened; `weft.invoke`, when absent.
    pub r#type: Option<String>,
    /// What it is about.
    pub subject: Option<String>,
    /// When it happened, RFC 3339.
    pub time: Option<String>,
    /// The media type of the data; JSON, when absent.
    pub datacontenttype: Option<String>,
    /// What ordering goes by.
    pub key: Option<String>,
    /// Which of the function's inlets it enters.
    pub inlet: Option<String>,
    /// Extension attributes.
    pub extensions: BTreeMap<String, String>,
    /// The payload; a text goes in as it is unless the media type is JSON.
    #[schema(value_type = Object)]
    pub data: Option<Value>,
    /// The payload in base64, for bytes that are no text.
    pub data_base64: Option<String>,
}

/// What came of the events, one outcome each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Invoked {
    /// The call.
    #[schema(value_type = String)]
    pub call: CallId,
    /// One per event, in order.
    pub outcomes: Vec<Outcome>,
}

/// What came of one event: outputs or a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    /// What the function gave back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Vec<Output>>,
    /// Why it gave nothing back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// What a function gave back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Output {
    /// Which outlet it left by.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outlet: String,
    /// What it says.
    pub r#type: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The media type of the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datacontenttype: Option<String>,
    /// Extension attributes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extensions: BTreeMap<String, String>,
    /// The payload, where it is JSON or text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub data: Option<Value>,
    /// The payload in base64, where it is neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_base64: Option<String>,
}

impl Outcome {
    /// What is told of an outcome; `encode` writes base64.
    pub fn new(outcome: event::Outcome, encode: impl Fn(&[u8]) -> String) -> Self {
        match outcome {
            Ok(outputs) => {
                let outputs = outputs.into_iter().map(|it| Output::new(it, &encode)).collect();
                Self { outputs: Some(outputs), failure: None }
            }
            Err(failure) => Self { outputs: None, failure: Some(failure.into()) },
        }
    }
}

impl Output {
    fn new(output: event::Output, encode: impl Fn(&[u8]) -> String) -> Self {
        let says_json = output.content_type.as_deref().is_none_or(|it| it.contains("json"));
        let json = says_json.then(|| serde_json::from_slice(&output.data).ok()).flatten();
        let data = json.or_else(|| std::str::from_utf8(&output.data).ok().map(Value::from));
        Self {
            outlet: output.outlet,
            r#type: output.r#type,
            subject: output.subject,
            datacontenttype: output.content_type,
            extensions: output.extensions.into_iter().collect(),
            data_base64: data.is_none().then(|| encode(&output.data)),
            data,
        }
    }
}
