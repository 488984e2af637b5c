//! Where an input of a step comes from.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::template::{self, Scope, Unresolved};
use crate::{Digest, Name, model::ModelRef};

/// One output of a step: `prepare.train`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OutputRef {
    /// The step.
    pub step: String,
    /// Which of its outputs.
    pub output: String,
}

/// A text that is not an [`OutputRef`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an output: write STEP.OUTPUT, such as prepare.train")]
pub struct InvalidOutputRef(pub String);

impl FromStr for OutputRef {
    type Err = InvalidOutputRef;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('.') {
            Some((step, output)) if step.parse::<Name>().is_ok() && !output.is_empty() => {
                Ok(Self { step: step.to_owned(), output: output.to_owned() })
            }
            _ => Err(InvalidOutputRef(text.to_owned())),
        }
    }
}

impl fmt::Display for OutputRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.step, self.output)
    }
}

impl TryFrom<String> for OutputRef {
    type Error = InvalidOutputRef;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<OutputRef> for String {
    fn from(reference: OutputRef) -> Self {
        reference.to_string()
    }
}

/// Where an input of a step comes from. Texts may hold placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// An output of another step.
    Output(OutputRef),
    /// An artifact by its digest.
    Artifact(String),
    /// An address; the host fetches it once and pins what it got.
    Url(String),
    /// A version in the model registry.
    Model(String),
}

/// Where an input comes from, every placeholder filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputSource {
    /// An output of another step: which, and the bytes it gave.
    Output(OutputRef, Digest),
    /// An artifact.
    Artifact(Digest),
    /// An address to fetch and pin.
    Url(String),
    /// A version in the model registry.
    Model(ModelRef),
}

impl Input {
    /// The text in which placeholders may stand.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Output(_) => None,
            Self::Artifact(text) | Self::Url(text) | Self::Model(text) => Some(text),
        }
    }

    /// What is meant once params and results are known; `output` says which bytes an output of a step is.
    ///
    /// # Errors
    /// When a placeholder has no value, what it makes is no source, or the step left the output out.
    pub fn resolve(
        &self,
        scope: &Scope<'_>,
        output: impl FnOnce(&OutputRef) -> Option<Digest>,
    ) -> Result<InputSource, Unresolved> {
        if let Self::Output(reference) = self {
            return output(reference).map(|digest| InputSource::Output(reference.clone(), digest)).ok_or_else(|| {
                Unresolved(format!("step `{}` left out its output `{}`", reference.step, reference.output))
            });
        }
        let text = template::render_text(self.text().unwrap_or_default(), scope)?;
        self.source(text).map_err(Unresolved)
    }

    /// What is wrong with it, as far as can be said before placeholders are filled in.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let text = self.text().filter(|text| !template::has_placeholder(text))?;
        self.source(text.to_owned()).err()
    }

    fn source(&self, text: String) -> Result<InputSource, String> {
        match self {
            Self::Artifact(_) => text.parse().map(InputSource::Artifact).map_err(|error| format!("{error}")),
            Self::Model(_) => text.parse().map(InputSource::Model).map_err(|error| format!("{error}")),
            Self::Url(_) | Self::Output(_) => check_url(&text).map(|()| InputSource::Url(text)),
        }
    }
}

/// Whether an address is one that the host would fetch.
fn check_url(text: &str) -> Result<(), String> {
    let uri: Option<http::Uri> = text.parse().ok();
    let is_fetched = |uri: http::Uri| {
        matches!(uri.scheme_str(), Some("http" | "https" | "s3" | "gs" | "az"))
            && uri.host().is_some_and(|host| !host.is_empty())
    };
    if uri.is_some_and(is_fetched) {
        Ok(())
    } else {
        Err(format!("`{text}` is not an http, https, s3, gs or az address"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_survives_being_written() {
        for text in ["prepare.train", "prepare.a.csv"] {
            assert_eq!(text.parse::<OutputRef>().unwrap().to_string(), text);
        }
        assert!("prepare".parse::<OutputRef>().is_err());
        assert!("prepare.".parse::<OutputRef>().is_err());
        assert!("Pre pare.x".parse::<OutputRef>().is_err());
    }

    #[test]
    fn an_address_has_a_scheme_and_a_host() {
        for (text, fits) in [
            ("https://example.com/a.csv", true),
            ("http://localhost:9000/x?y", true),
            ("s3://wine/raw/red.csv", true),
            ("gs://wine/x", true),
            ("az://wine/x", true),
            ("s3:///x", false),
            ("file:///etc/passwd", false),
            ("ftp://example.com/a", false),
            ("/etc/passwd", false),
            ("https://", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(Input::Url(text.into()).fault().is_none(), fits, "{text}");
        }
    }

    #[test]
    fn what_waits_for_a_placeholder_is_judged_later() {
        assert_eq!(Input::Artifact("${params.digest}".into()).fault(), None);
        assert!(Input::Artifact("sha256:12".into()).fault().is_some());
    }
}
