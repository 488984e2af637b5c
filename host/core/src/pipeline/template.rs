//! Placeholders: `${params.x}` and `${steps.evaluate.results.accuracy}` inside texts.

use std::{fmt, str::FromStr};

use indexmap::IndexMap;
use serde_json::{Map, Value};

/// What placeholders and conditions can speak of.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    /// The run's params.
    pub params: &'a Map<String, Value>,
    /// The results of every step that is done.
    pub results: IndexMap<&'a str, &'a Map<String, Value>>,
}

/// Why a placeholder or an input has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unresolved(pub String);

/// Something a placeholder or a condition speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A param, or what is inside of it: `params.x`, `params.x.y`.
    Param(String),
    /// A result of a step: `steps.evaluate.results.accuracy`; in conditions also `evaluate.accuracy`.
    Result {
        /// The step.
        step: String,
        /// The result, or what is inside of it.
        name: String,
    },
}

impl Subject {
    /// The param itself, without what is inside of it.
    #[must_use]
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::Param(path) => path.split('.').next(),
            Self::Result { .. } => None,
        }
    }

    /// Reads the long form or, as conditions allow it, `STEP.RESULT`.
    ///
    /// # Errors
    /// When the text is neither.
    pub fn parse_short(text: &str) -> Result<Self, InvalidSubject> {
        match text.split_once('.') {
            Some((step, name)) if step != "params" && step != "steps" && !step.is_empty() && !name.is_empty() => {
                let name = name.strip_prefix("results.").filter(|name| !name.is_empty()).unwrap_or(name);
                Ok(Self::Result { step: step.to_owned(), name: name.to_owned() })
            }
            _ => text.parse(),
        }
    }

    /// Its value.
    ///
    /// # Errors
    /// When there is none; the message says what there is instead.
    pub fn value<'a>(&self, scope: &Scope<'a>) -> Result<&'a Value, Unresolved> {
        match self {
            Self::Param(path) => {
                find(scope.params, path).ok_or_else(|| Unresolved(format!("there is no value `params.{path}`")))
            }
            Self::Result { step, name } => {
                let results = *scope
                    .results
                    .get(step.as_str())
                    .ok_or_else(|| Unresolved(format!("step `{step}` has no results yet")))?;
                find(results, name).ok_or_else(|| missing_result(step, name, results))
            }
        }
    }
}

fn missing_result(step: &str, name: &str, results: &Map<String, Value>) -> Unresolved {
    let there: Vec<_> = results.keys().map(String::as_str).collect();
    let there = if there.is_empty() { "it gave none".to_owned() } else { format!("it gave {}", there.join(", ")) };
    Unresolved(format!("step `{step}` has no result `{name}`; {there}"))
}

/// A value by its name, or by the names around it: `a.b.0`.
fn find<'v>(values: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    if let Some(value) = values.get(path) {
        return Some(value);
    }
    path.rmatch_indices('.').find_map(|(dot, _)| {
        let (outer, inner) = (path.get(..dot)?, path.get(dot + 1..)?);
        inner.split('.').try_fold(values.get(outer)?, |value, key| match value {
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            other => other.get(key),
        })
    })
}

/// A text that no value can stand for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` names no value")]
pub struct InvalidSubject {
    /// The text.
    pub text: String,
    /// What was probably meant.
    pub suggestion: String,
}

impl FromStr for Subject {
    type Err = InvalidSubject;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let segments: Vec<_> = text.split('.').collect();
        let well_formed = segments.iter().all(|it| !it.is_empty() && !it.contains(char::is_whitespace));
        match segments.as_slice() {
            ["params", rest @ ..] if well_formed && !rest.is_empty() => Ok(Self::Param(rest.join("."))),
            ["steps", step, "results", rest @ ..] if well_formed && !rest.is_empty() => {
                Ok(Self::Result { step: (*step).to_owned(), name: rest.join(".") })
            }
            _ => Err(InvalidSubject { text: text.to_owned(), suggestion: meant(&segments) }),
        }
    }
}

fn meant(segments: &[&str]) -> String {
    match segments {
        ["steps", step, name] | [step, name] if *step != "params" => {
            format!("write params.NAME, or steps.STEP.results.NAME such as steps.{step}.results.{name}")
        }
        [name] if !name.trim().is_empty() => format!("write params.{name}, or steps.STEP.results.{name}"),
        _ => "write params.NAME or steps.STEP.results.NAME".to_owned(),
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Param(path) => write!(f, "params.{path}"),
            Self::Result { step, name } => write!(f, "steps.{step}.results.{name}"),
        }
    }
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// As it stands.
    Text(String),
    /// What is between `${` and `}`.
    Placeholder(String),
}

/// Takes a text apart; `$${` stands for `${` itself.
pub(super) fn parts(text: &str) -> Result<Vec<Part>, Unresolved> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            plain += before;
            plain += "${";
            rest = after;
            continue;
        }
        plain += before;
        let Some((inside, after)) = after.split_once('}') else {
            return Err(Unresolved(format!("`{text}` opens a placeholder and does not close it")));
        };
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.push(Part::Placeholder(inside.trim().to_owned()));
        rest = after;
    }
    plain += rest;
    if !plain.is_empty() || parts.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

/// Whether a text has anything to fill in.
#[must_use]
pub fn has_placeholder(text: &str) -> bool {
    parts(text).map_or(true, |parts| parts.iter().any(|part| matches!(part, Part::Placeholder(_))))
}

/// A value that is rendered to what it was.
pub(super) fn escaped(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("${", "$${")),
        Value::Array(items) => items.into_iter().map(escaped).collect(),
        Value::Object(entries) => entries.into_iter().map(|(key, value)| (key, escaped(value))).collect(),
        other => other,
    }
}

/// The subject of a text that is exactly one placeholder.
pub(super) fn only_subject(text: &str) -> Option<Subject> {
    match parts(text).ok()?.as_slice() {
        [Part::Placeholder(inside)] => inside.parse().ok(),
        _ => None,
    }
}

/// Fills in every placeholder. A text that is one placeholder and nothing else becomes the value, type and all.
///
/// # Errors
/// When a placeholder has no value.
pub fn render(value: &Value, scope: &Scope<'_>) -> Result<Value, Unresolved> {
    match value {
        Value::String(text) => match only_subject(text) {
            Some(subject) => subject.value(scope).cloned(),
            None => render_text(text, scope).map(Value::String),
        },
        Value::Array(items) => items.iter().map(|item| render(item, scope)).collect(),
        Value::Object(entries) => render_map(entries, scope).map(Value::Object),
        other => Ok(other.clone()),
    }
}

/// Fills in every placeholder of every value.
///
/// # Errors
/// When a placeholder has no value.
pub fn render_map(values: &Map<String, Value>, scope: &Scope<'_>) -> Result<Map<String, Value>, Unresolved> {
    values.iter().map(|(name, value)| Ok((name.clone(), render(value, scope)?))).collect()
}

/// Fills in every placeholder of a text; the result is a text whatever the values are.
///
/// # Errors
/// When a placeholder has no value.
pub fn render_text(text: &str, scope: &Scope<'_>) -> Result<String, Unresolved> {
    parts(text)?
        .into_iter()
        .map(|part| match part {
            Part::Text(text) => Ok(text),
            Part::Placeholder(inside) => {
                let subject: Subject = inside.parse().map_err(|error: InvalidSubject| Unresolved(error.to_string()))?;
                Ok(match subject.value(scope)? {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                })
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(text: &str) -> Result<Value, String> {
        let params = json!({"seed": 42, "name": "wine", "deep": {"list": [1, {"x": true}]}, "a.b": 1});
        let results = json!({"accuracy": 0.5});
        let results = IndexMap::from_iter([("evaluate", results.as_object().unwrap())]);
        let scope = Scope { params: params.as_object().unwrap(), results };
        render(&json!(text), &scope).map_err(|error| error.to_string())
    }

    #[test]
    fn a_lone_placeholder_keeps_the_type() {
        assert_eq!(filled("${params.seed}"), Ok(json!(42)));
        assert_eq!(filled("${ params.deep.list.1 }"), Ok(json!({"x": true})));
        assert_eq!(filled("${params.a.b}"), Ok(json!(1)));
        assert_eq!(filled("${steps.evaluate.results.accuracy}"), Ok(json!(0.5)));
    }

    #[test]
    fn among_other_text_it_becomes_text() {
        assert_eq!(filled("${params.name}-${params.seed}.csv"), Ok(json!("wine-42.csv")));
        assert_eq!(filled("costs $5 {x}"), Ok(json!("costs $5 {x}")));
        assert_eq!(filled("$${params.seed}"), Ok(json!("${params.seed}")));
        assert_eq!(filled(""), Ok(json!("")));
    }

    #[test]
    fn what_is_escaped_is_rendered_to_itself() {
        for text in ["${params.seed}", "$${x}", "$$$${", "a $ {b} ${", "{\"a\": \"${b}\"}"] {
            assert_eq!(filled(escaped(json!(text)).as_str().unwrap()), Ok(json!(text)));
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(filled("${params.sed}").unwrap_err(), "there is no value `params.sed`");
        let missing = filled("${steps.evaluate.results.f1}").unwrap_err();
        assert_eq!(missing, "step `evaluate` has no result `f1`; it gave accuracy");
        assert!(filled("x ${params.seed").unwrap_err().contains("does not close it"));
        assert!(filled("${params.deep.list.9}").is_err());
    }

    #[test]
    fn a_subject_that_is_nearly_right_is_corrected() {
        let suggestion = |text: &str| text.parse::<Subject>().unwrap_err().suggestion;
        assert!(suggestion("evaluate.accuracy").ends_with("such as steps.evaluate.results.accuracy"));
        assert!(suggestion("steps.evaluate.accuracy").ends_with("such as steps.evaluate.results.accuracy"));
        assert!(suggestion("seed").starts_with("write params.seed"));
        let short = Subject::parse_short("evaluate.accuracy").unwrap();
        assert_eq!(short.to_string(), "steps.evaluate.results.accuracy");
        assert_eq!(Subject::parse_short("evaluate.results.accuracy").unwrap(), short);
    }
}
