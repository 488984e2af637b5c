//! Hiding secret values in whatever the host keeps or tells: each occurrence, plain or encoded, becomes `***`.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use serde_json::{Map, Value};

use crate::{event::Failure, ports::SecretValue};

mod forms;

/// What stands in the place of a secret value.
pub const HIDDEN: &str = "***";

/// The fewest bytes of the beginning of a value that are hidden where a text was cut off inside it.
const CUT: usize = 4;

/// A set of secret values. Cheap to clone, and free where the set is empty.
#[derive(Clone, Default)]
pub struct Mask(Option<Arc<Needles>>);

struct Needles {
    /// Finds whole forms, the longest first.
    find: AhoCorasick,
    /// The forms by their first bytes, for one that begins at the end of a text that was cut.
    starts: HashMap<[u8; CUT], Vec<zeroize::Zeroizing<String>>>,
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mask").field("is_empty", &self.is_empty()).finish()
    }
}

impl Mask {
    /// The mask that hides nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Hides `values`, and what they look like in base64, percent-encoded, in hexadecimal and inside JSON.
    #[must_use]
    pub fn of<'a>(values: impl IntoIterator<Item = &'a SecretValue>) -> Self {
        let mut forms = BTreeSet::new();
        for value in values {
            forms::add(value.reveal(), &mut forms);
        }
        if forms.is_empty() {
            return Self::none();
        }
        let mut builder = AhoCorasick::builder();
        // An automaton with a table for every byte would take hundreds of times the memory of a long value.
        builder.match_kind(MatchKind::LeftmostLongest).kind(Some(AhoCorasickKind::ContiguousNFA));
        let find = builder.build(&forms);
        // Only more needles than a computer has memory for cannot be built; hiding nothing is never the answer then.
        let find = find.unwrap_or_else(|_| everything());
        let mut starts: HashMap<_, Vec<_>> = HashMap::new();
        for form in forms {
            if let Some(start) = form.as_bytes().first_chunk::<CUT>() {
                starts.entry(*start).or_default().push(zeroize::Zeroizing::new(form));
            }
        }
        Self(Some(Arc::new(Needles { find, starts })))
    }

    /// Whether it hides nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// `text` with every value hidden.
    #[must_use]
    pub fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(needles) = &self.0 else { return Cow::Borrowed(text) };
        let mut hidden = String::new();
        let mut end = 0;
        for found in needles.find.find_iter(text) {
            hidden.push_str(&text[end..found.start()]);
            hidden.push_str(HIDDEN);
            end = found.end();
        }
        if end == 0 {
            return Cow::Borrowed(text);
        }
        hidden.push_str(&text[end..]);
        Cow::Owned(hidden)
    }

    /// `text`, which was cut off somewhere, with every value hidden; also one of which only the beginning is left.
    #[must_use]
    pub fn hide_cut<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(needles) = &self.0 else { return Cow::Borrowed(text) };
        match needles.begins_at_end(text) {
            Some(at) => Cow::Owned(format!("{}{HIDDEN}", self.hide(&text[..at]))),
            None => self.hide(text),
        }
    }

    /// Hides values in place; nothing is copied where there is nothing to hide.
    pub fn hide_in(&self, text: &mut String) {
        if let Cow::Owned(hidden) = self.hide(text) {
            *text = hidden;
        }
    }

    /// Hides values in the texts and numbers of a JSON value, and in the keys of its objects.
    pub fn hide_json(&self, value: &mut Value) {
        if self.is_empty() {
            return;
        }
        match value {
            Value::String(text) => self.hide_in(text),
            Value::Number(number) => {
                if let Cow::Owned(hidden) = self.hide(&number.to_string()) {
                    *value = Value::String(hidden);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_json(item)),
            Value::Object(map) => self.hide_map(map),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Hides values in the keys and values of an object.
    pub fn hide_map(&self, map: &mut Map<String, Value>) {
        if self.is_empty() {
            return;
        }
        *map = std::mem::take(map)
            .into_iter()
            .map(|(mut key, mut value)| {
                self.hide_in(&mut key);
                self.hide_json(&mut value);
                (key, value)
            })
            .collect();
    }

    /// Hides values in all that a failure says.
    #[must_use]
    pub fn hide_failure(&self, mut failure: Failure) -> Failure {
        if self.is_empty() {
            return failure;
        }
        if let Cow::Owned(code) = self.hide(&failure.code) {
            failure.code = code;
        }
        self.hide_in(&mut failure.message);
        if let Some(backtrace) = &mut failure.backtrace {
            self.hide_in(backtrace);
        }
        failure
    }
}

impl Needles {
    /// Where a form begins that does not end before the text does.
    fn begins_at_end(&self, text: &str) -> Option<usize> {
        let bytes = text.as_bytes();
        let begins = |at: &usize| {
            let start = bytes[*at..].first_chunk::<CUT>().and_then(|start| self.starts.get(start));
            start.is_some_and(|forms| forms.iter().any(|form| form.as_bytes().starts_with(&bytes[*at..])))
        };
        let longest = self.starts.values().flatten().map(|form| form.len()).max().unwrap_or(0);
        let from = bytes.len().saturating_sub(longest);
        (from..bytes.len()).find(begins).filter(|at| text.is_char_boundary(*at))
    }
}

/// Finds something in every text.
fn everything() -> AhoCorasick {
    let any: Vec<[u8; 1]> = (0..128).map(|byte| [byte]).collect();
    AhoCorasick::new(any).expect("128 needles of one byte can always be built")
}

#[cfg(test)]
mod tests;
