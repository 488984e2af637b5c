//! CloudEvents in JSON: what a job reads of the event that started it, and what a function gave back.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use host_core::event::{Event, Output, is_attribute};
use serde_json::{Map, Value};

/// An event in the JSON format of CloudEvents.
pub(crate) fn of_event(event: &Event) -> Value {
    let own = [("specversion", Some("1.0")), ("id", Some(&event.id)), ("source", Some(&event.source))];
    let more = [
        ("type", Some(event.r#type.as_str())),
        ("subject", event.subject.as_deref()),
        ("time", event.time.as_deref()),
        ("datacontenttype", event.content_type.as_deref()),
    ];
    whole(own.into_iter().chain(more), &event.extensions, event.content_type.as_deref(), &event.data)
}

/// What a function gave back. Identity and source are the host's to give, once it goes anywhere.
pub(crate) fn of_output(output: &Output) -> Value {
    let members = [
        ("outlet", Some(output.outlet.as_str()).filter(|it| !it.is_empty())),
        ("type", Some(output.r#type.as_str())),
        ("subject", output.subject.as_deref()),
        ("datacontenttype", output.content_type.as_deref()),
    ];
    whole(members.into_iter(), &output.extensions, output.content_type.as_deref(), &output.data)
}

fn whole<'a>(
    members: impl Iterator<Item = (&'static str, Option<&'a str>)>,
    extensions: &[(String, String)],
    content_type: Option<&str>,
    data: &[u8],
) -> Value {
    let extensions = extensions.iter().filter(|(name, _)| !is_attribute(name));
    let mut whole: Map<String, Value> = extensions.map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    whole.extend(members.filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    let (name, data) = payload(content_type, data);
    whole.insert(name.to_owned(), data);
    whole.into()
}

/// As JSON where it is, as text where it can be, else in base64.
fn payload(content_type: Option<&str>, data: &[u8]) -> (&'static str, Value) {
    let is_json = content_type.is_some_and(|it| it.contains("json"));
    let parsed = is_json.then(|| serde_json::from_slice(data).ok()).flatten();
    match (parsed, std::str::from_utf8(data)) {
        (Some(value), _) => ("data", value),
        (None, Ok(text)) => ("data", text.into()),
        (None, Err(_)) => ("data_base64", STANDARD.encode(data).into()),
    }
}
