//! Why there is no answer, and what the host should do about it.

use std::{any::Any, fmt, time::Duration};

use crate::{bindings::weft::function::types as wit, config, keyvalue, model, publish};

/// What the host should do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The event or the params are at fault: never retried.
    Invalid,
    /// The world is at fault: tried again.
    Transient,
    /// The function is at fault: not retried.
    Fatal,
}

/// Why there is no answer.
///
/// Any [`std::error::Error`] becomes one with `?`: an error of [`model`], [`keyvalue`] or [`publish`] of the kind it is,
/// any other a fatal failure with code `error`. Where that is not what it means, say so with [`OrFail`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the host should do about it.
    pub kind: Kind,
    /// A stable word for programs, such as `bad-json`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// For a transient failure: how long to wait before the next attempt.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// The event or the params are at fault: never retried, 422 over HTTP.
    pub fn invalid(code: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::new(Kind::Invalid, code, message)
    }

    /// The world is at fault: tried again, 503 over HTTP.
    pub fn transient(code: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::new(Kind::Transient, code, message)
    }

    /// The function is at fault: not retried, 500 over HTTP.
    pub fn fatal(code: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::new(Kind::Fatal, code, message)
    }

    fn new(kind: Kind, code: impl Into<String>, message: impl fmt::Display) -> Self {
        Self { kind, code: code.into(), message: message.to_string(), retry_after: None }
    }

    /// Asks for the next attempt no sooner than after `wait`.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let error_as_any: &dyn Any = &error;
        let of_model = error_as_any.downcast_ref::<model::Error>().map(model::Error::failure);
        let of_config = || error_as_any.downcast_ref::<config::Error>().map(config::Error::failure);
        let of_state = || error_as_any.downcast_ref::<keyvalue::Error>().map(keyvalue::Error::failure);
        let of_publish = || error_as_any.downcast_ref::<publish::Error>().map(publish::Error::failure);
        let of_request = || of_request(error_as_any);
        let known = of_model.or_else(of_config).or_else(of_state).or_else(of_publish).or_else(of_request);
        known.unwrap_or_else(|| Self::fatal("error", with_causes(&error)))
    }
}

#[cfg(feature = "http")]
fn of_request(error: &dyn Any) -> Option<Failure> {
    error.downcast_ref::<crate::http::FetchError>().map(crate::http::FetchError::failure)
}

#[cfg(not(feature = "http"))]
fn of_request(_: &dyn Any) -> Option<Failure> {
    None
}

/// The error and what caused it, as one sentence.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Many errors already end with what their cause says.
        let said = error.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

/// Turns an error into a failure of a chosen kind and code.
pub trait OrFail<T> {
    /// The event or the params are at fault.
    fn or_invalid(self, code: &str) -> Result<T, Failure>;
    /// The world is at fault.
    fn or_transient(self, code: &str) -> Result<T, Failure>;
    /// The function is at fault.
    fn or_fatal(self, code: &str) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> OrFail<T> for Result<T, E> {
    fn or_invalid(self, code: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure::invalid(code, error))
    }

    fn or_transient(self, code: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure::transient(code, error))
    }

    fn or_fatal(self, code: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure::fatal(code, error))
    }
}

impl From<Failure> for wit::Failure {
    fn from(failure: Failure) -> Self {
        let kind = match failure.kind {
            Kind::Invalid => wit::FailureKind::Invalid,
            Kind::Transient => wit::FailureKind::Transient,
            Kind::Fatal => wit::FailureKind::Fatal,
        };
        let retry_after_ms = failure.retry_after.map(|wait| u32::try_from(wait.as_millis()).unwrap_or(u32::MAX));
        Self { kind, code: failure.code, message: failure.message, retry_after_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_error_is_a_fatal_failure_that_names_its_causes() {
        fn read() -> Result<(), Failure> {
            std::fs::read("no/such/file")?;
            Ok(())
        }
        let failure = read().unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (Kind::Fatal, "error"));
        assert!(failure.message.contains("No such file"), "{failure}");
    }

    #[test]
    fn a_busy_model_is_worth_another_attempt_and_a_wrong_shape_is_not() {
        assert_eq!(Failure::from(model::Error::Busy).kind, Kind::Transient);
        assert_eq!(Failure::from(model::Error::Invalid("shape".to_owned())).kind, Kind::Invalid);
        assert_eq!(Failure::from(model::Error::NotGranted("wine".to_owned())).kind, Kind::Fatal);
    }

    #[test]
    fn a_wait_beyond_what_the_contract_can_say_is_the_longest_it_can_say() {
        let failure = Failure::transient("later", "come back").retry_after(Duration::MAX);
        assert_eq!(wit::Failure::from(failure).retry_after_ms, Some(u32::MAX));
    }

    #[test]
    fn an_error_takes_the_kind_and_code_it_is_given() {
        let failure = "x".parse::<u32>().or_invalid("bad-count").unwrap_err();
        assert_eq!(failure.to_string(), "invalid digit found in string (bad-count)");
    }
}
