//! What a handler answers with: a payload with a type, one, many or none.

use serde::Serialize;

use crate::{Failure, bindings::weft::function::types as wit, codec};

/// What a function answers with or sends on. The host fills in id, source, time and trace.
///
/// The payload is written as JSON, unless it is a `Vec<u8>` or a `String`, which leave as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Output<T> {
    /// What it is, such as `order.enriched`; empty takes the type of the event.
    pub kind: String,
    /// Which of the function's outlets it leaves by; empty where there is only one.
    pub outlet: String,
    /// What it is about.
    pub subject: Option<String>,
    /// The media type, where it is not what the payload's type says.
    pub content_type: Option<String>,
    /// What it is ordered by downstream.
    pub key: Option<Vec<u8>>,
    /// Further CloudEvents attributes.
    pub extensions: Vec<(String, String)>,
    /// The payload.
    pub data: T,
}

impl<T> Output<T> {
    /// An output of that type.
    pub fn new(kind: impl Into<String>, data: T) -> Self {
        Self {
            kind: kind.into(),
            outlet: String::new(),
            subject: None,
            content_type: None,
            key: None,
            extensions: Vec::new(),
            data,
        }
    }

    /// An output of the same type as the event: an answer.
    pub fn of(data: T) -> Self {
        Self::new("", data)
    }

    /// Leaves by that outlet.
    #[must_use]
    pub fn outlet(mut self, outlet: impl Into<String>) -> Self {
        self.outlet = outlet.into();
        self
    }

    /// Is about that.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Has that media type.
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// Is ordered by that key downstream.
    #[must_use]
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Carries a further attribute; CloudEvents wants its name in lower-case letters and digits.
    #[must_use]
    pub fn extension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extensions.push((name.into(), value.into()));
        self
    }

    /// Answers with that status, where the event was a request.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        self.extension("httpstatus", status.to_string())
    }
}

impl<T: Serialize + 'static> Output<T> {
    fn write(self) -> Result<wit::Output, Failure> {
        let Self { kind, outlet, subject, content_type, key, extensions, data } = self;
        let (data, media_type) = codec::into_encoded(data)?.unwrap_or((b"null".to_vec(), "application/json"));
        let content_type = Some(content_type.unwrap_or_else(|| media_type.to_owned()));
        Ok(wit::Output { outlet, type_: kind, subject, content_type, key, extensions, data })
    }
}

/// What a handler may answer with: an [`Output`], an `Option` or a `Vec` of them, or anything that serialises, which
/// becomes one output of the event's type, or none where it is `()` or `None`.
///
/// The form tells the implementations apart and is never named.
#[diagnostic::on_unimplemented(
    message = "a handler cannot answer with `{Self}`",
    note = "answer with Output<T>, Option<Output<T>>, Vec<Output<T>>, (), or any type with #[derive(serde::Serialize)]"
)]
pub trait IntoOutputs<Form> {
    /// The outputs, with their payloads as bytes.
    #[doc(hidden)]
    fn into_outputs(self) -> Result<Vec<wit::Output>, Failure>;
}

/// The form of anything that serialises.
#[derive(Debug)]
pub struct Plain;

/// The form of one output.
#[derive(Debug)]
pub struct One;

/// The form of an output or none.
#[derive(Debug)]
pub struct Maybe;

/// The form of any number of outputs.
#[derive(Debug)]
pub struct Many;

impl<T: Serialize + 'static> IntoOutputs<Plain> for T {
    fn into_outputs(self) -> Result<Vec<wit::Output>, Failure> {
        let Some((data, media_type)) = codec::into_encoded(self)? else { return Ok(Vec::new()) };
        Output::of(data).content_type(media_type).into_outputs()
    }
}

impl<T: Serialize + 'static> IntoOutputs<One> for Output<T> {
    fn into_outputs(self) -> Result<Vec<wit::Output>, Failure> {
        Ok(vec![self.write()?])
    }
}

impl<T: Serialize + 'static> IntoOutputs<Maybe> for Option<Output<T>> {
    fn into_outputs(self) -> Result<Vec<wit::Output>, Failure> {
        self.into_iter().map(Output::write).collect()
    }
}

impl<T: Serialize + 'static> IntoOutputs<Many> for Vec<Output<T>> {
    fn into_outputs(self) -> Result<Vec<wit::Output>, Failure> {
        self.into_iter().map(Output::write).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payloads<F>(answer: impl IntoOutputs<F>) -> Vec<String> {
        let outputs = answer.into_outputs().unwrap();
        outputs.into_iter().map(|output| String::from_utf8(output.data).unwrap()).collect()
    }

    #[test]
    fn a_handler_answers_with_one_many_or_nothing() {
        assert_eq!(payloads(Output::new("a", 1)), ["1"]);
        assert_eq!(payloads(Some(Output::new("a", "x".to_owned()))), ["x"]);
        assert_eq!(payloads(None::<Output<u8>>), [""; 0]);
        assert_eq!(payloads(vec![Output::new("a", 1), Output::new("b", 2)]), ["1", "2"]);
        assert_eq!(payloads(()), [""; 0]);
        assert_eq!(payloads(None::<u8>), [""; 0]);
        assert_eq!(payloads(serde_json::json!({ "a": 1 })), [r#"{"a":1}"#]);
    }

    #[test]
    fn a_media_type_follows_the_payload_unless_it_is_said() {
        let of = |output: Output<String>| output.into_outputs().unwrap().remove(0).content_type.unwrap();
        assert_eq!(of(Output::of(String::new())), "text/plain; charset=utf-8");
        assert_eq!(of(Output::of(String::new()).content_type("text/html")), "text/html");
    }

    #[test]
    fn a_status_travels_as_an_extension() {
        let output = Output::of(1).status(201).into_outputs().unwrap().remove(0);
        assert_eq!(output.extensions, [("httpstatus".to_owned(), "201".to_owned())]);
    }
}
