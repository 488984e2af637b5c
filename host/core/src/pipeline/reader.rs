//! Reading a value of known shape: everything that does not fit is noted, nothing stops the reading.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

use serde_json::{Map, Value};

use super::problem::{Places, Problem, Problems, did_you_mean};

/// A value and where it is.
#[derive(Clone)]
pub(super) struct Spot<'v> {
    /// The path, such as `steps.train.needs[0]`.
    pub(super) path: String,
    /// The value.
    pub(super) value: &'v Value,
}

impl<'v> Spot<'v> {
    /// The whole.
    pub(super) fn root(value: &'v Value) -> Self {
        Self { path: String::new(), value }
    }

    /// What stands under a key, if anything does.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        self.value.get(key).map(|value| Self { path: self.inner(key), value })
    }

    /// The path of a key.
    pub(super) fn inner(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Every entry of a mapping.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'v str, Self)> {
        let entries = self.value.as_object().into_iter().flatten();
        entries.map(|(key, value)| (key.as_str(), Self { path: self.inner(key), value }))
    }

    /// Every item of a list.
    pub(super) fn items(&self) -> impl Iterator<Item = Self> {
        let items = self.value.as_array().into_iter().flatten().enumerate();
        items.map(|(at, value)| Self { path: format!("{}[{at}]", self.path), value })
    }
}

/// Reads values and notes what is wrong with them.
pub(super) struct Reader<'p> {
    problems: Problems<'p>,
}

impl<'p> Reader<'p> {
    /// Nothing is wrong yet.
    pub(super) fn new(places: &'p Places) -> Self {
        Self { problems: Problems::new(places) }
    }

    /// What was wrong, in the order of the text.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_list()
    }

    /// Whether no more will be listed.
    pub(super) fn is_full(&self) -> bool {
        self.problems.is_full()
    }

    /// A mistake in the value at a spot.
    pub(super) fn problem(&mut self, spot: &Spot<'_>, message: impl Into<String>, suggestion: Option<String>) {
        self.problems.add(&spot.path, message, suggestion);
    }

    /// A mistake in the value at a path.
    pub(super) fn problem_at(&mut self, path: &str, message: impl Into<String>, suggestion: Option<String>) {
        self.problems.add(path, message, suggestion);
    }

    /// A mistake in the key at a spot.
    pub(super) fn key_problem(&mut self, spot: &Spot<'_>, message: impl Into<String>, suggestion: Option<String>) {
        self.problems.add_key(&spot.path, message, suggestion);
    }

    /// A mapping that has only these keys.
    pub(super) fn mapping<'v>(&mut self, spot: &Spot<'v>, what: &str, keys: &[&str]) -> Option<&'v Map<String, Value>> {
        let entries = self.any_mapping(spot, what)?;
        for (key, inner) in spot.entries().filter(|(key, _)| !keys.contains(key)) {
            if self.is_full() {
                break;
            }
            let suggestion = did_you_mean(key, keys.iter().copied());
            self.key_problem(&inner, format!("`{key}` is not a key of {what}"), suggestion);
        }
        Some(entries)
    }

    /// A mapping with any keys.
    pub(super) fn any_mapping<'v>(&mut self, spot: &Spot<'v>, what: &str) -> Option<&'v Map<String, Value>> {
        if !spot.value.is_object() {
            self.mistyped(spot, &format!("{what}, a mapping"));
        }
        spot.value.as_object()
    }

    /// A list of anything.
    pub(super) fn list(&mut self, spot: &Spot<'_>, what: &str) -> Option<Vec<Value>> {
        if !spot.value.is_array() {
            self.mistyped(spot, what);
        }
        spot.value.as_array().cloned()
    }

    /// A text.
    pub(super) fn text<'v>(&mut self, spot: &Spot<'v>) -> Option<&'v str> {
        if !spot.value.is_string() {
            self.mistyped(spot, "a text");
        }
        spot.value.as_str()
    }

    /// A text that means something.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&mut self, spot: &Spot<'_>) -> Option<T> {
        let read: Result<T, T::Err> = self.text(spot)?.parse();
        read.map_err(|error| self.problem(spot, error.to_string(), None)).ok()
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, spot: &Spot<'_>) -> Option<bool> {
        if !spot.value.is_boolean() {
            self.mistyped(spot, "true or false");
        }
        spot.value.as_bool()
    }

    /// A number.
    pub(super) fn number(&mut self, spot: &Spot<'_>) -> Option<f64> {
        if !spot.value.is_number() {
            self.mistyped(spot, "a number");
        }
        spot.value.as_f64()
    }

    /// A whole number within bounds.
    pub(super) fn count(&mut self, spot: &Spot<'_>, bounds: RangeInclusive<u64>) -> Option<u64> {
        let count = spot.value.as_u64().filter(|count| bounds.contains(count));
        if count.is_none() {
            self.mistyped(spot, &format!("a whole number from {} to {}", bounds.start(), bounds.end()));
        }
        count
    }

    /// A whole number within bounds that fit 32 bits.
    pub(super) fn small_count(&mut self, spot: &Spot<'_>, bounds: RangeInclusive<u32>) -> Option<u32> {
        let (least, most) = (u64::from(*bounds.start()), u64::from(*bounds.end()));
        self.count(spot, least..=most).and_then(|count| u32::try_from(count).ok())
    }

    fn mistyped(&mut self, spot: &Spot<'_>, expected: &str) {
        let found = match spot.value {
            Value::Null => "nothing".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "a mapping".to_owned(),
            Value::String(text) => format!("the text `{}`", text.chars().take(40).collect::<String>()),
            other => other.to_string(),
        };
        self.problem(spot, format!("expected {expected}, found {found}"), None);
    }
}
